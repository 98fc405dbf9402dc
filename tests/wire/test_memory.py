#!/usr/bin/python3
"""What an attack can have of the machine's memory: the worst case computed from the limits, and measured."""

import time

import harness
from milter_client import plain_header
from zones import ZONE

MESSAGES, CONNECTIONS = 48 << 10, 150  # KB of limits.memory; limits.connections
BOUNDED = f"""
limits = {{ memory = "{MESSAGES}K"; connections = {CONNECTIONS}; message-memory = "4M"; header-bytes = "256K"; recipients = 100; }};
"""
# Beside its message a connection has the beginning of a packet, and keeps a small block for the next message.
PER_CONNECTION = 80
ALLOCATOR = 1.1  # what malloc() adds to blocks, and does not give back at once


class Bound(harness.WireTest):
    def settled(self, d):
        """Waits until what was sent has been read."""
        last, since = None, time.monotonic()
        while time.monotonic() < since + 0.5:
            now = d.memory_kb()
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.05)
        return last

    def attack(self, c, number):
        """All that one message may have: recipients, bytes of fields, names in signatures; every third goes beyond the
        limits. Up to the last field."""
        reply = c.mail(f"<{'x' * 60}{number}@example.test>")
        if not reply.accepted:
            return reply
        for i in range(110):
            self.assertEqual(c.rcpt(f"<{'u' * 200}{i}@mx.test>").code, "" if i < 100 else "452")
        names = " v=1; a=rsa-sha256; d=example.test; s=none; bh=AAAA; b=AAAA; h=from" + ":a" * 12000
        fields = plain_header() + [("DKIM-Signature", names)] * 10 + [("Authentication-Results", " mx.test; dmarc=pass")] * 100
        if number % 3 == 0:
            fields += [("X", " " + "y" * 59000)] * 20 + [("From", " x@example.test")] * 20
        for name, value in fields:
            c.header(name, value)
        return reply

    def proceed(self, c, reply):
        """Up to the end of the body."""
        if reply.accepted:
            c.end_of_header()
            c.body(b"line\r\n" * 20000)

    def measure(self, together):
        """together: the evaluations begin when all headers are in, and take more than is left."""
        d = self.daemon(BOUNDED, ZONE)
        d.client().message()
        bound = d.memory_kb() + int(MESSAGES * ALLOCATOR) + CONNECTIONS * PER_CONNECTION
        clients, replies = [d.client(timeout=120) for _ in range(CONNECTIONS - 1)], []
        for n, c in enumerate(clients):
            replies.append(self.attack(c, n))
            if not together:
                self.proceed(c, replies[-1])
        if together:
            self.settled(d)
            for c, reply in zip(clients, replies):
                self.proceed(c, reply)
        self.settled(d)
        refused = [reply for reply in replies if not reply.accepted]
        self.assertTrue(all(reply.text.startswith("452 4.3.1 ") for reply in refused), refused)
        self.assertGreater(len(refused), 0)
        ends = [c.end_of_message() for c, reply in zip(clients, replies) if reply.accepted]
        self.assertTrue(all(reply.accepted or reply.code in ("552", "452") for reply in ends), ends)
        peak = d.peak_kb()
        print(f"{len(refused)} of {len(clients)} refused at MAIL, {sum(r.code == '452' for r in ends)} at the end;"
              f" at most {peak} KB used, {bound} KB allowed")
        self.assertLess(peak, harness.kilobytes(bound))
        self.assertEqual(len(d.lines(r"limits\.memory: more get 452")), 1)
        self.assertEqual(d.counters()["memory-refused"], len(refused))
        for c in clients:
            c.quit()
        self.assertTrue(d.client().message().accepted)
        return peak

    def test_everything_at_its_limit(self):
        peak = self.measure(together=False)
        if not harness.SANITIZED:
            self.assertGreater(peak, MESSAGES * 0.55)  # it was an attack

    def test_all_headers_first(self):
        self.measure(together=True)

    def test_room_comes_back(self):
        """Each message takes some hundred KB at least; whoever sends it."""
        d = self.daemon('limits = { memory = "20M"; };\n', ZONE)
        clients = [d.client() for _ in range(60)]
        replies = [c.mail() for c in clients]
        taken = sum(reply.accepted for reply in replies)
        self.assertGreater(taken, 20)
        self.assertLess(taken, 40)
        self.assertTrue(replies[0].accepted)
        self.assertRegex(replies[-1].text, r"^452 4\.3\.1 ")
        ours = d.client(address="198.51.100.5")
        self.assertEqual(ours.mail().code, "452")
        clients[0].abort()
        harness.until(lambda: clients[-1].message().accepted, "the room of an aborted message")
        clients[1].vanish()
        harness.until(lambda: ours.message().accepted, "the room of one that vanished")
        for c in clients[2:]:
            c.quit()
        more = [d.client() for _ in range(20)]
        for c in more:
            harness.until(lambda c=c: c.mail().accepted, "the room of those that quit")


class Recipients(harness.WireTest):
    CONFIG = 'limits = { recipients = 5; };\nrelay-networks = [ "203.0.113.0/24" ];\n'

    def send(self, d, n, address="192.0.2.10", queue_id="Q"):
        c = d.client(address=address)
        c.mail(queue_id=queue_id)
        replies = [c.rcpt(f"<u{i}@mx.test>") for i in range(n)]
        self.assertTrue(c.content(plain_header(), b"x\r\n").accepted)
        return replies

    def test_of_strangers(self):
        d = self.daemon(self.CONFIG, ZONE)
        replies = self.send(d, 8)
        self.assertEqual([r.accepted for r in replies], [True] * 5 + [False] * 3)
        self.assertRegex(replies[5].text, r"^452 4\.5\.3 Too many recipients")
        self.assertRegex(d.wait_for_log("Q: origin=inbound")[0], " nrcpt=5 ")
        self.assertEqual(len(d.lines(r"Q: more than 5 recipients \(limits.recipients\)")), 1)
        self.assertEqual(d.counters()["recipients-refused"], 3)
        self.assertTrue(all(r.accepted for r in self.send(d, 5)))

    def test_in_shadow_mode_too(self):
        d = self.daemon('mode = "shadow";\n' + self.CONFIG, ZONE)
        self.assertEqual([r.code for r in self.send(d, 6)], [""] * 5 + ["452"])

    def test_of_ours_and_relayed(self):
        """Counted, and never refused."""
        d = self.daemon(self.CONFIG, ZONE)
        for address, origin in (("198.51.100.5", "ours"), ("203.0.113.5", "relayed")):
            self.assertTrue(all(r.accepted for r in self.send(d, 8, address)))
            self.assertRegex(d.wait_for_log(f"origin={origin}")[0], " nrcpt=8 ")

    def grows_by(self, d, address):
        """Kilobytes, for 8000 recipients of a hundred bytes."""
        c = d.client(address=address)
        c.mail("<x@spf.test>")
        c.rcpt()
        before = d.memory_kb()
        for i in range(8000):
            self.assertTrue(c.rcpt(f"<{'u' * 100}{i}@mx.test>").accepted)
        grown = d.memory_kb() - before
        c.quit()
        return grown

    def test_no_more_is_kept_than_the_limit(self):
        """Beyond it not a byte, whatever the configuration has to say at RCPT."""
        for config in ("", 'mode = "shadow"; spf = { on-fail = "reject"; reject-at = "rcpt"; };\n'):
            d = self.daemon("limits = { recipients = 10; };\n" + config, ZONE)
            self.assertLess(self.grows_by(d, "198.51.100.5"), harness.kilobytes(200))

    def test_what_is_kept_has_its_limit_in_memory(self):
        d = self.daemon('limits = { recipients = 100000; message-memory = "512K"; };\n', ZONE)
        for address in ("198.51.100.5", "192.0.2.10"):
            self.assertLess(self.grows_by(d, address), harness.kilobytes(1200))


if __name__ == "__main__":
    harness.main()
