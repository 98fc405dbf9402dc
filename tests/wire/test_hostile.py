#!/usr/bin/python3
"""What should not happen, and does: aborts, clients that vanish, words that are no words, huge messages, crowds."""

import os
import random
import re
import socket
import threading
import time

import harness
from milter_client import Client, NR_BODY, Vanished, delivered, plain_header
from zones import ZONE

# What a client has done by the time that something happens: each step, and the ones before it.
STEPS = [
    ("negotiation", lambda c: c.negotiate()),
    ("connect", lambda c: c.connect()),
    ("helo", lambda c: c.helo()),
    ("mail", lambda c: c.mail()),
    ("rcpt", lambda c: c.rcpt()),
    ("second rcpt", lambda c: c.rcpt("<c@mx.test>")),
    ("header", lambda c: [c.header(n, v) for n, v in plain_header()]),
    ("end of header", lambda c: c.end_of_header()),
    ("body", lambda c: c.body(b"line\r\n" * 1000, 997)),
    ("end of message", lambda c: c.end_of_message()),
]


class Interrupted(harness.WireTest):
    def setUp(self):
        self.d = self.daemon("", ZONE)

    def states(self):
        for n in range(1, len(STEPS) + 1):
            with self.subTest(after=STEPS[n - 1][0]):
                c = Client(self.d.address, negotiate=False)
                for _, step in STEPS[:n]:
                    step(c)
                yield n, c

    def assert_alive(self):
        c = self.d.client()
        self.assertTrue(c.message().accepted)
        c.quit()

    def test_abort_in_every_state(self):
        for n, c in self.states():
            if n == 1:  # libmilter takes an abort for a HELO, and no CONNECT after that
                c.connect()
            c.abort()
            c.abort()
            self.assertTrue(c.message().accepted)
            c.quit()
        # mail, rcpt, second rcpt, header, end of header and body were under way
        harness.until(lambda: self.d.counters()["messages-aborted"] == 6, "six aborted messages")

    def test_vanishing_in_every_state(self):
        for _, c in self.states():
            c.vanish()
        harness.until(lambda: self.d.counters()["messages-aborted"] == 6, "six aborted messages")
        self.assert_alive()

    def test_end_of_file_in_every_state(self):
        for _, c in self.states():
            c.socket.close()
        harness.until(lambda: self.d.counters()["messages-aborted"] == 6, "six aborted messages")
        self.assert_alive()

    def test_vanishing_within_a_packet(self):
        for sent in (b"", b"\0", b"\0\0\0", b"\0\0\0\x05", b"\0\0\0\x05O\0\0", b"\0\0\xff\0M<a@b"):
            c = Client(self.d.address, negotiate=False)
            c.socket.sendall(sent)
            c.vanish()
        self.assert_alive()

    def test_next_transaction_without_an_end(self):
        """MAIL, RCPT, MAIL: the MTA forgot the abort."""
        c = self.d.client()
        for _ in range(20):
            c.mail()
            c.rcpt()
            c.header("From", " a@example.test")
        self.assertTrue(c.message().accepted)

    def test_a_new_helo_within_a_transaction(self):
        c = self.d.client()
        c.mail(), c.rcpt()
        c.helo("again.test")
        self.assertTrue(c.message().accepted)


class Mangled(harness.WireTest):
    def setUp(self):
        self.d = self.daemon("", ZONE)

    def test_envelope_arguments(self):
        c = self.d.client()
        for path in ("", "<", ">", "<>", "<<>>", "a", "<a@", "<@b>", "<@x,@y:a@b.test>", '<"a b"@example.test>', "<a@[192.0.2.1]>",
                     "<a@b.>", "<a@b@c>", "<" + "x" * 5000 + "@example.test>", "<a@" + "y." * 200 + "test>", b"<\xff\xfe@\x80.test>",
                     "<ü@exämple.test>", "<a%s%n@example.test>", "<a\r\nRCPT TO:<x>@b>", "<a@example.test> SIZE=1", "\x01\x02",
                     '<"@example.test>', "<a b@example.test>"):
            reply = c.message(path, to=(path, "<b@mx.test>"))
            self.assertIn(reply.kind, "cy", (path, reply))
            self.assertNotEqual(reply.code[:1], "4", (path, reply))

    def test_esmtp_arguments(self):
        c = self.d.client()
        self.assertTrue(c.mail("<a@example.test>", "SIZE=10", "BODY=8BITMIME", "SMTPUTF8", "AUTH=<>", "").accepted)
        self.assertTrue(c.rcpt("<b@mx.test>", "NOTIFY=NEVER", "").accepted)

    def test_header_fields(self):
        rng = random.Random(1)
        mangled = [
            (" ", " value"), ("From", ""), ("From ", " a@example.test"), ("X:Y", " z"), ("From", " "),
            ("From", " " + "(" * 5000), ("From", ' "' + "\\" * 3000), ("Authentication-Results", " " + "(" * 20000),
            ("Authentication-Results", " " + '"' * 999), ("DKIM-Signature", " v=1; a=" + "b" * 30000),
            ("DKIM-Signature", " " + "; ".join(f"t{i}=x" for i in range(3000))), ("X-8bit", b" \x80\xff\xfe\x00hidden"),
            ("X", " " + "y" * 59000), ("X-" + "n" * 5000, " y"), ("Received-SPF", " " + ";=" * 5000), ("List-Id", " <<<>"),
            ("From", " a@example.test, " * 500), ("Subject", " a\r\n b\n\tc\rd"), (b"\xff\xfe", " x"),
        ]
        c = self.d.client()
        for field in mangled:
            for header in ([field], plain_header() + [field], [field] + plain_header() + [field] * 20):
                self.assertIn(c.message(header=header).kind, "cy", field)
        for _ in range(60):
            name = rng.choice(["From", "DKIM-Signature", "Authentication-Results", "Received-SPF", "X"])
            value = bytes(rng.choice(b"ab=;:@.<>()\"\\, \t\n\r\x00\x80\xff0v1") for _ in range(rng.randrange(300)))
            self.assertIn(c.message(header=plain_header() + [(name, b" " + value)]).kind, "cy")
        c.quit()

    def test_field_without_name(self):
        """libmilter gives the connection up, and no other; to our own server it is a field like others."""
        c = self.d.client()
        header = plain_header() + [("", " value")] * 3
        if harness.LIBRARY == "own":
            self.assertTrue(c.message(header=header).accepted)
        else:
            with self.assertRaises(Vanished):
                c.message(header=header)
        self.assertTrue(self.d.client().message().accepted)

    def test_log_lines_stay_clean(self):
        c = self.d.client(host="h action=1", helo="he\nlo\x1b[31m action=reject")
        c.message('<"a\nspf=pass action=reject"@example.test>', to=("<b\rc@mx.test>",), queue_id="CLEAN\n1")
        line = self.d.wait_for_log("CLEAN")[0]
        self.assertEqual(line.count(" action="), 1)
        fields = line.partition(" origin=")[2].split(" ")[1:]
        self.assertEqual([f for f in fields if not re.match(r"[a-z-]+=", f)], [])
        self.assertNotRegex(self.d.log().replace("\n", ""), r"[\x00-\x1f]")

    def test_commands_out_of_order(self):
        for order in ("M", "R", "E", "MR", "CM", "OM", "OE", "OR", "OCE", "OCHRE", "OCHMRMRE", "OCHMRLLNBENBE", "OCHMRBLE", "QO",
                      "OCHMEE", "OOCCHHMMRRNE", "OCHMRNBBBBA", "OKCHMRE", "OCHMRNBEKCHMRNBEQ", "OCZ", "OCHMRTLNBE"):
            c = Client(self.d.address, negotiate=False, timeout=0.3)
            for letter in order:
                data = {"O": b"\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "C": b"h\x004\0\x01192.0.2.1\0", "H": b"h\0", "M": b"<a@example.test>\0",
                        "R": b"<b@mx.test>\0", "L": b"From\0 a@example.test\0", "B": b"x\r\n"}.get(letter, b"")
                try:
                    c.send(letter, data)
                except Vanished:
                    break
            try:
                while True:
                    c.receive()
            except (Vanished, TimeoutError):
                c.socket.close()
        self.assertTrue(self.d.client().message().accepted)

    def test_nobody_is_ours_without_a_word_about_the_client(self):
        for steps in ((), ("helo",), ("negotiate",), ("negotiate", "helo")):
            with self.subTest(steps=steps):
                c = Client(self.d.address, negotiate=False)
                if harness.LIBRARY == "own" and "negotiate" not in steps:
                    with self.assertRaises(Vanished):
                        c.helo() if steps else c.mail()
                    continue
                for step in steps:
                    getattr(c, step)()
                reply = c.message()
                if "negotiate" in steps:
                    self.assertIn("Authentication-Results", [e[2] for e in reply.edits])
                else:  # nothing may be written, so nothing is let through
                    self.assertEqual(reply.code, "451")
        self.assertEqual(self.d.lines("origin=ours"), [])

    def test_packets_that_are_none(self):
        rng = random.Random(2)
        for _ in range(100):
            c = Client(self.d.address, negotiate=rng.random() < 0.7)
            try:
                for _ in range(rng.randrange(1, 6)):
                    c.send(rng.choice("ABCDEHKLMNOQRTUx"), bytes(rng.randrange(256) for _ in range(rng.randrange(60))))
            except Vanished:
                pass
            c.socket.close()
        self.assertTrue(self.d.client().message().accepted)


class Large(harness.WireTest):
    def test_body_of_50_mb_and_of_none(self):
        """Memory stays flat, signed or not."""
        d = self.daemon("", ZONE)
        signature = ("DKIM-Signature", " v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.test; s=none; h=from;"
                     " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=" + "A" * 344)
        piece = os.urandom(30000).replace(b"\n", b"x").replace(b"\r", b"y")
        line = b"\r\n".join(piece[i : i + 76] for i in range(0, len(piece), 76)) + b"\r\n"
        for header in (plain_header(), [signature] + plain_header()):
            c = d.client(timeout=300)
            self.assertTrue(c.message(header=header, body=b"").accepted)
            self.assertTrue(c.message(header=header, body=line * 10).accepted)
            before = d.memory_kb()
            c.mail(), c.rcpt()
            for name, value in header:
                c.header(name, value)
            c.end_of_header()
            highest = before
            for i in range(50 * 1024 * 1024 // len(line)):
                c.body(line)
                if i % 100 == 0:
                    highest = max(highest, d.memory_kb())
            self.assertTrue(c.end_of_message().accepted)
            # A busy machine has a third and a fourth worker take turns, each with a buffer and a heap of its own.
            self.assertLess(max(highest, d.memory_kb()) - before, harness.kilobytes(5000))
            c.quit()

    def test_header_limits(self):
        limits = 'header-bytes = "10K"; header-count = 50;'
        forgery = 'dmarc = { on-reject = "reject"; };\n'
        d = self.daemon(f'limits = {{ {limits} on-header-limit = "tag"; }};\n{forgery}', ZONE)
        c = d.client()
        self.assertTrue(c.message(header=plain_header()).accepted)
        for extra in ([("X", " y")] * 60, [("X", " " + "y" * 11000)]):
            reply = c.message(header=extra + plain_header(), queue_id="LIMIT")
            self.assertTrue(reply.accepted, reply)
            self.assertRegex(reply.edits[-1][3], r"(?s)spf=pass.*dkim=permerror.*dmarc=pass")
            reply = c.message(header=extra + plain_header("x@strict.test"))
            self.assertRegex(reply.text, r"^550 5\.7\.1 DMARC policy of strict.test ")
            self.assertTrue(c.message(header=plain_header()).accepted)
        self.assertEqual(len(d.wait_for_log("LIMIT: .*over-limit=header", 2)), 2)
        self.assertEqual(d.counters()["limit-exceeded"], 4)
        d.reload(f"limits = {{ {limits} }};\n")
        self.assertRegex(c.message(header=extra + plain_header()).text, r"^552 5\.3\.4 ")

    def test_forged_field_behind_the_header_limits(self):
        d = self.daemon('limits = { header-bytes = "10K"; header-count = 50; on-header-limit = "tag"; };\n', ZONE)
        c = d.client()
        forged = [("Authentication-Results", " mx.test; dmarc=pass"), ("authentication-results", " \"MX.test\"; spf=pass"),
                  ("Received-SPF", " pass receiver=mx.test")]
        for extra in ([("X", " y")] * 60, [("X", " " + "y" * 11000)]):
            header = plain_header() + extra + forged
            left = delivered(header, c.message(header=header).edits)
            self.assertFalse([f for f in left if f in forged], left)

    def test_flood_of_forged_fields(self):
        """Few deletions, or a refusal; and nothing is kept of the flood."""
        forged = [("Authentication-Results", " mx.test; dmarc=pass"), ("Received-SPF", " pass receiver=mx.test")]
        for mode in ("enforce", "shadow"):
            d = self.daemon(f'mode = "{mode}";\n', ZONE)
            c = d.client(timeout=120)
            reply = c.message(header=plain_header() + forged * 50)
            self.assertTrue(reply.accepted, reply)
            self.assertEqual(len([e for e in reply.edits if e[0] == "change"]), 100)
            before = d.memory_kb()
            for flood in (forged[:1] * 101, forged * 10000, [("Authentication-Results", " " + "x" * 900)] * 20000):
                reply = c.message(header=plain_header() + flood, queue_id="FLOOD")
                self.assertRegex(reply.text, r"^550 5\.7\.1 More than 100 ")
                self.assertEqual(reply.edits, [])
            self.assertLess(d.memory_kb() - before, harness.kilobytes(8000))
            self.assertEqual(len(d.wait_for_log("FLOOD: .*cause=forged", 3)), 3)
            found = d.counters()
            self.assertEqual((found["forged-refused"], found["forged-removed"]), (3, 100))

    def test_flood_behind_the_header_limits_is_not_kept(self):
        """256K of memory, of which the fields that decide take a part."""
        d = self.daemon('limits = { header-count = 10; message-memory = "256K"; };\n', ZONE)
        c = d.client(timeout=120)
        reply = c.message(header=plain_header() + [("From", " x@strict.test")] * 5000 + [("X", " y" * 500)] * 5000)
        self.assertEqual(reply.code, "552")

    def test_memory_limit(self):
        d = self.daemon('limits = { message-memory = "256K"; };\n', ZONE)
        c = d.client()
        reply = c.message(header=plain_header() + [("X", " " + "y" * 50000)] * 10, queue_id="MEM")
        self.assertRegex(reply.text, r"^452 4\.3\.4 ")
        self.assertEqual(reply.edits, [])
        self.assertTrue(c.message().accepted)
        self.assertIn("cause=memory", d.wait_for_log("MEM: ")[0])

    def test_many_recipients(self):
        d = self.daemon("", ZONE)
        c = d.client()
        before = d.memory_kb()
        for _ in range(12):  # each thread that serves one keeps what one takes, and no more
            self.assertTrue(c.message(to=[f"<{'u' * 200}{i}@mx.test>" for i in range(3000)]).accepted)
        self.assertLess(d.memory_kb() - before, harness.kilobytes(6000))

    def test_many_refused_recipients(self):
        d = self.daemon('spf = { on-fail = "reject"; reject-at = "rcpt"; };\n', ZONE)
        c = d.client()
        c.mail("<x@spf.test>")
        c.rcpt()
        time.sleep(1.5)  # half a second after its first row the daemon opens its database, which takes 2.5 MB, too
        before = d.memory_kb()
        for i in range(5000):
            self.assertEqual(c.rcpt(f"<{i}@mx.test>").code, "550")
        self.assertLess(d.memory_kb() - before, harness.kilobytes(1000))
        c.quit()
        self.assertEqual(len(d.wait_for_log("action=reject")), 1)

    def test_progress_of_memory_over_many_messages(self):
        d = self.daemon("", ZONE)
        c = d.client()

        def some(n):
            for _ in range(n):
                self.assertTrue(c.message(header=plain_header() + [("X", " " + "y" * 3000)] * 20).accepted)

        some(50)
        before = d.memory_kb()
        some(300)
        self.assertLess(d.memory_kb() - before, harness.kilobytes(1500))


class Crowd(harness.WireTest):
    def test_64_connections_at_once(self):
        d = self.daemon('dmarc = { on-reject = "reject"; };\n', ZONE)
        wrong = []

        def one(number):
            try:
                c = d.client(style="sendmail" if number % 2 else "postfix", timeout=120)
                for i in range(20):
                    bad = (i + number) % 4 == 0
                    author = "x@strict.test" if bad else "a@example.test"
                    reply = c.message(f"<{author}>", header=plain_header(author), body=b"x\r\n" * (i * 997), queue_id=f"C{number}M{i}")
                    if reply.code != ("550" if bad else ""):
                        wrong.append((number, i, reply))
                c.quit()
            except Exception as trouble:  # a thread has no other way to fail
                wrong.append((number, trouble))

        threads = [threading.Thread(target=one, args=(n,)) for n in range(64)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(d.wait_for_log(r"C\d+M\d+: ", 1280)), 1280)
        self.assertEqual(len(set(line.split()[1] for line in d.lines(r"C\d+M\d+: "))), 1280)

    def test_connection_limit(self):
        d = self.daemon("limits = { connections = 5; };\n", ZONE)
        clients = [d.client() for _ in range(5)]
        for _ in range(3):
            refused = d.client(hello=False)
            reply = refused.connect()
            self.assertRegex(reply.text, r"^451 4\.3\.2 ")
            refused.quit()
        for c in clients:
            self.assertTrue(c.message().accepted)
        clients[0].quit()
        clients[1].vanish()

        def again():
            c = d.client(hello=False)
            good = c.connect().accepted
            c.quit()
            return good

        harness.until(again, "room after two have left")
        self.assertGreaterEqual(d.counters()["connections-refused"], 3)
        self.assertEqual(len(d.lines("limits.connections")), 1)

    def test_tcp_answers_at_once(self):
        """Two writes at the end of a message, Nagle and a delayed acknowledgement would cost 40 ms each."""
        d = self.daemon("", ZONE, tcp=True)
        c = d.client()
        c.message()
        start = time.monotonic()
        for _ in range(50):
            self.assertTrue(c.message().accepted)
        self.assertLess(time.monotonic() - start, 20 if harness.SANITIZED else 1.5)
        self.assertTrue(c.steps & NR_BODY)

    def test_tcp_acknowledges_at_once(self):
        """MTAs leave Nagle's algorithm on, and what they write in pieces must not wait for our acknowledgement."""
        d = self.daemon("", ZONE, tcp=True)
        c = d.client(style="sendmail")
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        c.message()
        start = time.monotonic()
        for _ in range(50):
            self.assertTrue(c.message().accepted)
        self.assertLess(time.monotonic() - start, 20 if harness.SANITIZED else 1.5)


if __name__ == "__main__":
    harness.main()
