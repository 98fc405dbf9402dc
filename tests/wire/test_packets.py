#!/usr/bin/python3
"""Packets as no MTA sends them: cut anywhere, many at once, from peers that do not read. Our door reads what there is,
and these say that nobody notices."""

import base64
import contextlib
import hashlib
import os
import random
import re
import signal
import struct
import threading
import time

import harness
from milter_client import Client, Reply, plain_header
from zones import ZONE

SEED = int(os.environ.get("ASSAY_SEED", "1"))
REJECTING = 'dmarc = { on-reject = "reject"; };\n'
AHEAD = 65536  # what is read at once (milter/serve/connection.c)
MANY = 1600  # messages: their answers are more than a socket holds
LONG = 0.004  # seconds: another worker takes what comes then


class Deferred(Client):
    """Keeps what it would send, until it is told how to send that."""

    def __init__(self, address, **options):
        super().__init__(address, negotiate=False, **options)
        self.out, self.awaited, self.deferred = bytearray(), 0, False
        self.negotiate()
        self.deferred = True

    def send(self, command, data=b""):
        if not self.deferred:
            return super().send(command, data)
        self.out += struct.pack("!I", len(data) + 1) + command.encode() + data

    def reply(self, wait=True):
        if not self.deferred:
            return super().reply(wait)
        self.awaited += wait
        return Reply("c")

    def quit(self):
        self.deferred = False
        super().quit()

    def take(self, n):
        """The next bytes to send, at most n."""
        piece = bytes(self.out[:n])
        del self.out[:n]
        return piece

    def take_packets(self, count):
        n = 0
        while count and n < len(self.out):
            n += 4 + struct.unpack("!I", self.out[n : n + 4])[0]
            count -= 1
        return self.take(n)

    def replies(self):
        """All that were awaited."""
        self.deferred = False
        found = [self.reply() for _ in range(self.awaited)]
        self.awaited, self.deferred = 0, True
        return found


def seen(replies):
    return [(reply.kind, reply.text, reply.edits) for reply in replies]


def conversation(client, author, body):
    client.hello()
    client.message(f"<{author}>", header=plain_header(author), body=body, queue_id="PACKETS")
    client.message(f"<{author}>", header=plain_header(author), body=body[::-1], queue_id="PACKETS")


class Packets(harness.WireTest):
    def setUp(self):
        self.d = self.daemon(REJECTING, ZONE)
        self.rng = random.Random(SEED)

    def end(self, c):
        found = seen(c.replies())
        c.quit()
        return found

    def expected(self, author, body):
        c = Deferred(self.d.address)
        conversation(c, author, body)
        while c.out:  # without haste
            c.socket.sendall(c.take_packets(1))
            time.sleep(LONG / 8)
        return self.end(c)

    def played(self, author, body, cut, pause=0.0):
        c = Deferred(self.d.address)
        conversation(c, author, body)
        while c.out:
            c.socket.sendall(c.take(cut()))
            if pause:
                time.sleep(pause)
        return self.end(c)

    def test_cut_anywhere(self):
        for size in (0, 1, AHEAD - 6, AHEAD - 5, AHEAD, 3 * AHEAD + 1, 70000):
            body = b"a line of text\r\n" * (size // 16) + b"x" * (size % 16)
            wanted = self.expected("a@example.test", body)
            self.assertEqual(wanted[-1][0], "c")
            self.assertTrue(wanted[-1][2])
            for name, cut in {
                "at once": lambda: 1 << 20,
                "at random": lambda: self.rng.randint(1, 3000),
                "as much as is read": lambda: AHEAD,
                "one more than is read": lambda: AHEAD + 1,
                "in tiny pieces": lambda: self.rng.randint(1, 40 + size // 100),
            }.items():
                with self.subTest(size=size, cut=name):
                    self.assertEqual(self.played("a@example.test", body, cut), wanted)

    def test_cut_with_pauses(self):
        """Each piece may be another worker's."""
        wanted = self.expected("a@example.test", b"x\r\n" * 100)
        self.assertEqual(self.played("a@example.test", b"x\r\n" * 100, lambda: self.rng.randint(1, 30), LONG), wanted)

    def test_interleaved(self):
        """Who has begun a packet holds no worker."""
        authors = ["a@example.test", "x@strict.test"] * 20
        body = b"y\r\n" * 4000
        wanted = {author: self.expected(author, body) for author in set(authors)}
        self.assertEqual([wanted["x@strict.test"][-1][1][:3], wanted["a@example.test"][-1][0]], ["550", "c"])
        clients = [Deferred(self.d.address) for _ in authors]
        for c, author in zip(clients, authors):
            conversation(c, author, body)
        unsent = list(clients)
        while unsent:
            c = self.rng.choice(unsent)
            c.socket.sendall(c.take(self.rng.choice((1, 5, 30, 400, 5000))))
            unsent = [c for c in unsent if c.out]
        for c, author in zip(clients, authors):
            self.assertEqual(self.end(c), wanted[author])

    def test_what_a_failed_connection_leaves(self):
        """Its socket's number comes again at once: what was read ahead must not."""
        wanted = self.expected("a@example.test", b"z\r\n")
        for _ in range(100):
            bad = Deferred(self.d.address)
            bad.hello()
            bad.send("?", b"no command")
            bad.message("<x@strict.test>", header=plain_header("x@strict.test"), queue_id="LEFT")
            bad.socket.sendall(bad.out)
            with contextlib.suppress(ConnectionResetError):
                while bad.socket.recv(1 << 16):
                    pass
            bad.socket.close()
            self.assertEqual(self.played("a@example.test", b"z\r\n", lambda: 1 << 20), wanted)
        self.assertEqual(self.d.lines("strict.test"), [])


class Order(harness.WireTest):
    """Commands in an order in which no MTA sends them: what one client or message was said to be, the next one is not."""

    CERTIFICATE = {"cert_subject": "/CN=partner", "cert_issuer": "/CN=ca"}

    def test_a_second_client_has_no_certificate_of_the_first(self):
        d = self.daemon("trust-tls-certificates = true;\n", ZONE)
        c = d.client(hello=False)
        c.macros["v"] = "Postfix 3.7.11"
        c.macros.update(self.CERTIFICATE)
        c.hello(address="192.0.2.10")
        self.assertTrue(c.message().accepted)
        d.wait_for_log("origin=ours")
        for name in self.CERTIFICATE:
            del c.macros[name]
        c.hello(address="192.0.2.77")  # without SMFIC_QUIT_NC
        self.assertTrue(c.message().accepted)
        d.wait_for_log(r"origin=inbound.*192\.0\.2\.77")
        c.quit()

    def test_a_message_that_interrupts_another_has_its_own_queue_id(self):
        d = self.daemon("", ZONE)
        c = d.client()
        c.mail()
        c.rcpt()
        c.data()
        c.send("D", b"Ni\0FIRST\0")
        c.send("N")
        c.mail()
        c.rcpt()
        c.content(plain_header(), b"x\r\n")
        d.wait_for_log(" ms=")
        self.assertEqual(d.lines("FIRST: origin"), [])
        c.quit()


class Content(harness.WireTest):
    def test_every_byte_of_the_body(self):
        """Mail of ours is signed: bh= is the digest of what came through."""
        key = harness.TOP / "tests" / "keys" / "ed25519.pem"
        d = self.daemon("", ZONE, start=False)
        own = d.directory / "key.pem"
        own.touch(0o600)
        own.write_bytes(key.read_bytes())
        d.configure(f'body-canonicalization = "simple";\nsigning = ( {{ domain = "example.test"; keys = (\n'
                    f'  {{ selector = "e"; file = "{own}"; }} ); }} );\n')
        d.start()
        rng = random.Random(SEED)
        for size in (AHEAD - 100, AHEAD, 5 * AHEAD, 65535, 200000):
            for cut in (lambda: 1 << 20, lambda: rng.randint(1, 3000), lambda: AHEAD - 1):
                body = rng.randbytes(size).replace(b"\r", b"x").replace(b"\n", b"y") + b"\r\n"
                c = Deferred(d.address)
                c.hello(address="127.0.0.1")
                c.message(header=plain_header(), body=body)
                while c.out:
                    c.socket.sendall(c.take(cut()))
                signatures = [edit[3] for edit in c.replies()[-1].edits if edit[2] == "DKIM-Signature"]
                digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
                self.assertIn(f"bh={digest}", re.sub(r"\s", "", signatures[0]))
                c.quit()


class Halves(harness.WireTest):
    def test_who_is_within_a_packet_keeps_nobody_waiting(self):
        """Commands that come at the same moment, and most of them are only the beginning of one."""
        d = self.daemon(REJECTING, ZONE)
        for _ in range(4):
            self.play(d, [self.before_mail(d) for _ in range(200)], [self.before_mail(d) for _ in range(20)])

    def before_mail(self, d):
        c = Deferred(d.address)
        c.hello()
        c.socket.sendall(c.take(len(c.out)))
        c.replies()
        c.mail()
        return c

    def play(self, d, halves, wholes):
        os.kill(d.process.pid, signal.SIGSTOP)
        for c in halves:
            c.socket.sendall(c.take(3))
        for c in wholes:
            c.socket.sendall(c.take(len(c.out)))
        start = time.monotonic()
        os.kill(d.process.pid, signal.SIGCONT)
        for c in wholes:
            self.assertEqual([reply.kind for reply in c.replies()], ["c"])
        self.assertLess(time.monotonic() - start, harness.PATIENCE / 2)
        for c in halves:
            c.socket.sendall(c.take(len(c.out)))
            self.assertEqual([reply.kind for reply in c.replies()], ["c"])
        for c in halves + wholes:
            c.quit()


class Unread(harness.WireTest):
    def cpu(self, d):
        fields = open(f"/proc/{d.process.pid}/stat", encoding="ascii").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_unread(self):
        """Hundreds of messages of a peer that reads no answer for a while, and then all of them."""
        d = self.daemon(REJECTING, ZONE)
        c = Deferred(d.address, timeout=60)
        c.hello()
        for i in range(MANY):
            author = "x@strict.test" if i % 3 == 0 else "a@example.test"
            c.message(f"<{author}>", header=plain_header(author), queue_id=f"U{i}")
        sender = threading.Thread(target=c.socket.sendall, args=(c.take(len(c.out)),))
        sender.start()

        def stands_still():
            before = self.cpu(d)
            time.sleep(1)
            return self.cpu(d) - before < 0.2

        harness.until(stands_still, "a daemon that waits for its peer", 60)
        self.assertTrue(sender.is_alive(), "the peer's own writes wait as well")
        ends = [reply for reply in c.replies() if reply.edits or reply.code]
        sender.join()
        self.assertEqual([reply.code for reply in ends], ["550" if i % 3 == 0 else "" for i in range(MANY)])
        c.quit()


if __name__ == "__main__":
    harness.main()
