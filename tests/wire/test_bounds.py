#!/usr/bin/python3
"""What the daemon takes of memory at most is printed by assay config show --bounds: an attack on every part of it at once
stays below, and what has no end comes to one."""

import json
import select
import socket
import struct
import subprocess
import threading
import time

import harness
from harness import BINARY, LOOPBACK, free_port
from milter_client import Client, Vanished, plain_header

CONNECTIONS = 40
LIMITS = f"""
limits = {{ memory = "32M"; connections = {CONNECTIONS}; message-memory = "4M"; header-bytes = "256K"; recipients = 100;
           dns-memory = "256K"; }};
dkim = {{ key-cache-size = "256K"; }};
greylist = {{ mode = "enforce"; }};
"""
DNS = 'cache-size = "1M"; max-in-flight = 512; timeout = "4s"; deadline = "8s";'
LABEL = "x" * 60
BEGINNING = 240 << 10


class Names(dict):
    """Any name below big.test has an SPF record that leads to ten MX sets of 60 KB, and below silent.test nothing answers."""

    def get(self, name, default=None):
        if name.endswith(".silent.test"):
            return "silent"
        if name.startswith(("m0.", "m1.", "m2.", "m3.", "m4.", "m5.", "m6.", "m7.", "m8.", "m9.")):
            return {"MX": [(10, f"{LABEL}.{LABEL}.{LABEL}.h{i}.test") for i in range(270)]}
        if name.endswith(".big.test"):
            return {"TXT": ["v=spf1 " + " ".join(f"mx:m{i}.{name}" for i in range(10)) + " -all"]}
        return super().get(name, default)


def begin(client, n):
    """The beginning of a header field of n bytes, which does not come to its end."""
    client.socket.sendall(struct.pack("!I", 250 << 10) + b"L" + b"x" * n)


class Bounds(harness.WireTest):
    def printed(self, d):
        done = subprocess.run([BINARY, "config", "show", "--bounds", "--json", "-c", d.path], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def assert_alive(self, d):
        def works():
            c = d.client()
            reply = c.message()
            c.quit()
            return reply.accepted or "Greylisted" in reply.text

        harness.until(works, "an ordinary message after the attack")

    def fill(self, d, n):
        """A message at all limits, up to its end; DNS answers at their limit arrive meanwhile. Every eighth has names in
        signatures in the place of large fields."""
        c = Client(d.address, timeout=60)
        c.macros.update(j="mx" + "m" * 30000)
        if not c.hello(host="h" * 200, address=f"203.0.113.{n % 250}").accepted:
            return c
        if not c.mail(f"<a@n{n}.big.test>").accepted:
            return c
        for i in range(110):
            c.rcpt(f"<{'u' * 200}{i}@mx.test>")
        names = " v=1; a=rsa-sha256; d=big.test; s=none; bh=AAAA; b=AAAA; h=from" + ":a" * 8000
        fields = plain_header(f"a@n{n}.silent.test") + [("Authentication-Results", " mx.test; dmarc=pass")] * 50
        fields += [("DKIM-Signature", names)] * 12 if n % 8 == 0 else [("X", " " + "y" * 59000)] * 4
        for name, value in fields:
            c.header(name, value)
        c.end_of_header()
        c.body(b"line\r\n" * 20000)
        return c

    def settled(self, d):
        last, since = None, time.monotonic()
        while time.monotonic() < since + 0.5:
            now = d.memory_kb()
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.05)

    def ask_policy(self, address, n, answers):
        """A request of the largest size about a domain that does not answer, and the beginning of another."""
        with socket.create_connection(address, 60) as s:
            values = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "client_address": "203.0.113.9",
                      "instance": f"i{n}", "sender": f"a@n{n}.silent.test", "recipient": "b@" + "r" * 60000,
                      "helo_name": "h" * 60000, "sasl_method": "", "ccert_subject": "c" * 60000}
            text = "".join(f"{k}={v}\n" for k, v in values.items()) + "\n"
            s.sendall(text.encode() + b"request=" + b"x" * 60000)
            answers.append(s.recv(100))

    def test_an_attack_stays_below_what_is_printed(self):
        policy = (LOOPBACK, free_port())
        d = self.daemon(LIMITS + f'policy-service = {{ listen = "inet:{policy[1]}@{LOOPBACK}"; }};\n', Names(), dns=DNS, start=False)
        d.dns.zone = Names()
        d.start()
        bounds = self.printed(d)
        answers, clients = [], []
        asking = [threading.Thread(target=self.ask_policy, args=(policy, n, answers)) for n in range(CONNECTIONS - 5)]
        for n in range(CONNECTIONS + 10):
            try:
                clients.append(self.fill(d, n))
            except (Vanished, OSError):
                pass
        self.assertGreater(len(clients), CONNECTIONS)
        for t in asking:
            t.start()
        for c in clients:  # all wait for DNS at once, and have begun to send what has no end
            try:
                c.send_macros("E")
                c.send("E")
                begin(c, 200 << 10)
            except (Vanished, OSError):
                pass
        self.settled(d)
        for t in asking:
            t.join()
        self.assertTrue(all(a.startswith(b"action=") for a in answers) and len(answers) == len(asking), answers)
        peak, large = d.peak_kb(), ("local state", "rows for reports")  # millions of messages would fill these
        part = bounds["sum"] - sum(p["bytes"] for p in bounds["parts"] if p["part"] in large)
        print(f"at most {peak} KB used, {bounds['sum'] // 1024} KB printed, of which {part // 1024} KB were attacked", flush=True)
        self.assertLess(peak, harness.kilobytes(bounds["sum"] // 1024))
        if not harness.SANITIZED:
            self.assertGreater(peak, 0.25 * part / 1024)  # it was an attack
        for c in clients:
            c.socket.close()
        self.assert_alive(d)

    def test_the_sum_is_that_of_its_parts(self):
        d = self.daemon(LIMITS, dns=DNS)
        bounds = self.printed(d)
        self.assertEqual(sum(p["bytes"] for p in bounds["parts"]), bounds["sum"])
        larger = self.printed(self.daemon(LIMITS.replace("32M", "72M"), dns=DNS))
        self.assertGreater(larger["sum"], bounds["sum"] + (39 << 20))

    def held(self, clients):
        """Those whose connection is open: the daemon has nothing to say to them."""
        closed = select.select([c.socket for c in clients], [], [], 0)[0]
        return [c for c in clients if c.socket not in closed]

    def test_beginnings_of_commands_have_one_bound(self):
        """Together: 2 MB and 64 KB for each of limits.connections. The connection that goes beyond is closed."""
        d = self.daemon('limits = { connections = 10; };\n')
        clients = [d.client() for _ in range(20)]
        before = d.memory_kb()
        for c in clients:
            try:
                begin(c, BEGINNING)
            except OSError:
                pass  # it is closed already
        room = (2 << 20) + 10 * (64 << 10)
        harness.until(lambda: BEGINNING * len(self.held(clients)) <= room, "those that go beyond are closed")
        d.wait_for_log("is closed: there is no room for all that MTAs have begun to send")
        held = self.held(clients)
        self.assertGreaterEqual(BEGINNING * len(held), room / 2)  # and no others
        self.assertLess(d.memory_kb() - before, harness.kilobytes(room // 1024 + 1024))
        self.assertEqual(len(d.lines("there is no room for all")), 1)
        for c in clients:
            c.socket.close()
        self.assert_alive(d)

    def test_macros_of_all_commands_have_one_bound(self):
        d = self.daemon()
        c = d.client()
        for letter in "CHM":
            c.send("D", letter.encode() + b"i\0" + b"x" * 10000 + b"\0")
        self.assertTrue(c.message().accepted)
        c.send("D", b"Ri\0" + b"x" * 10000 + b"\0")
        with self.assertRaises(Vanished):
            c.send("D", b"Ti\0" + b"x" * 10000 + b"\0")
            c.send("D", b"Ni\0" + b"x" * 10000 + b"\0")
            c.message()
        d.wait_for_log("is closed: too many macros")

    def test_sessions_without_end(self):
        """A connection may have any number of them, each with its names."""
        d = self.daemon()
        c = d.client()
        before = d.memory_kb()
        for n in range(10000):
            c.send("K")
            c.connect(host="h" * 400)
        self.assertTrue(c.message().accepted)
        self.assertLess(d.memory_kb() - before, harness.kilobytes(1500))

    def test_who_was_turned_away_sends_no_mail(self):
        d = self.daemon('limits = { connections = 2; };\n')
        clients = [d.client() for _ in range(2)]
        third = Client(d.address)
        self.assertEqual(third.hello().code, "451")
        self.assertEqual(third.mail().text, "451 4.3.2 Too many connections, try again later")
        self.assertTrue(all(c.message().accepted for c in clients))


if __name__ == "__main__":
    harness.main()
