#!/usr/bin/python3
"""What assay doctor learns from a daemon that runs, from resolvers that answer, and from its own rights."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

import harness
from harness import BINARY, LOOPBACK
from zones import ZONE


class Resolver:
    """A resolver on loopback that can as much as it is told to."""

    def __init__(self, edns=True, tcp=True, authentic=True):
        self.edns, self.authentic = edns, authentic
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((LOOPBACK, 0))
        self.port = self.udp.getsockname()[1]
        self.sockets = [self.udp]
        threading.Thread(target=self.serve_udp, daemon=True).start()
        if tcp:
            self.tcp = socket.create_server((LOOPBACK, self.port))
            self.sockets.append(self.tcp)
            threading.Thread(target=self.serve_tcp, daemon=True).start()

    def answer(self, query):
        flags = bytes([0x81, 0xA0 if self.authentic else 0x80])
        end = query.index(0, 12) + 5
        opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0" if self.edns else b""
        return query[:2] + flags + query[4:6] + b"\0\0\0\0" + (b"\0\1" if opt else b"\0\0") + query[12:end] + opt

    def serve_udp(self):
        while True:
            try:
                query, client = self.udp.recvfrom(4096)
            except OSError:
                return
            self.udp.sendto(self.answer(query), client)

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection:
                packet = connection.recv(4096)
                if int.from_bytes(packet[:2], "big") != len(packet) - 2:
                    continue
                answer = self.answer(packet[2:])
                # in two pieces, as TCP may have it
                connection.sendall(len(answer).to_bytes(2, "big") + answer[:5])
                connection.sendall(answer[5:])

    def close(self):
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR) if s is not self.udp else None
            s.close()


REPORT = """<?xml version="1.0"?><feedback><report_metadata><org_name>Reporter</org_name><email>r@reporter.test</email>
<report_id>{number}</report_id><date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata>
<policy_published><domain>good.test</domain><p>none</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim>
<spf>pass</spf></policy_evaluated></row><identifiers><header_from>good.test</header_from></identifiers><auth_results>
<spf><domain>good.test</domain><result>pass</result></spf></auth_results></record></feedback>
"""


class Doctor(harness.WireTest):
    def look(self, *words):
        done = subprocess.run([BINARY, "doctor", "--json", *words], capture_output=True, text=True, timeout=60)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        return json.loads(done.stdout)["findings"]

    def levels(self, found, check):
        return [f["level"] for f in found if f["check"] == check]

    def watched_daemon(self):
        d = self.daemon("", ZONE, start=False)
        d.control = d.directory / "control.sock"
        d.zone = d.directory / "doctor.zone"
        d.zone.write_text("")
        d.configure(f'control = "unix:{d.control}";\n')
        d.start()
        return d

    def look_at(self, d):
        return self.look("-c", d.path, "--dns", d.zone)

    def test_macros(self):
        """What the MTA sends is remembered; what it does not send is missed."""
        d = self.watched_daemon()
        found = self.look_at(d)
        self.assertEqual(self.levels(found, "daemon"), ["good"])
        self.assertEqual(self.levels(found, "macros"), ["unseen"])
        c = d.client()
        c.message()
        found = self.look_at(d)
        missed = {re.search(r"\{(\w+)\}", f["what"]).group(1) for f in found
                  if f["check"] == "macros" and f["level"] == "warning"}
        done = subprocess.run([BINARY, "status", "--json", "-c", d.path], capture_output=True, text=True, check=True)
        status = json.loads(done.stdout)
        self.assertGreater(status["last_message"], 1e9)
        self.assertGreaterEqual(status["last_message"], status["last_connection"])
        unsent = {name for name in ("daemon_name", "j", "i") if not status["macros"][name]}
        self.assertEqual(missed, unsent)
        self.assertIn("cert_issuer", status["macros"])

    def test_all_macros(self):
        d = self.watched_daemon()
        done = subprocess.run([BINARY, "probe", d.listen], input="From: a@b.test\n\nx\n", capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.levels(self.look_at(d), "macros"), ["good"])

    def test_no_daemon(self):
        d = self.watched_daemon()
        d.stop()
        found = self.look_at(d)
        self.assertEqual(self.levels(found, "daemon"), ["warning"])
        self.assertEqual(self.levels(found, "macros"), ["unseen"])

    def test_recorded(self):
        d = self.watched_daemon()
        c = d.client()
        for _ in range(3):
            c.message()

        def recorded():
            (found,) = [f for f in self.look_at(d) if f["check"] == "recorded"]
            return found["level"] == "good" and found["what"]

        self.assertIn("3 messages are recorded", harness.until(recorded, "rows on the disk"))

    def test_sent(self):
        """Rows that somebody wants to hear of, and reports that go out or do not."""
        d = self.daemon("", {**ZONE, "_dmarc.example.test": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.test"]}}, start=False)
        mailer = d.directory / "mailer"
        mailer.write_text("#!/bin/sh\ncat >/dev/null\n")
        mailer.chmod(0o755)
        d.configure(f'control = "";\nreports = {{ send = true; organization = "us"; from = "dmarc@example.test"; mailer = "{mailer}"; }};\n')
        d.start()
        d.client().message()
        clock = harness.Clock(d.directory / "later", wall=int(time.time()) + 2 * 86400)
        later = {**os.environ, **clock.environment}

        def levels(check, environment=later):
            done = subprocess.run([BINARY, "doctor", "--json", "-c", d.path], capture_output=True, text=True, env=environment)
            return self.levels(json.loads(done.stdout)["findings"], check)

        harness.until(lambda: levels("recorded") == ["good"], "rows on the disk")
        self.assertEqual(levels("sent", None), ["note"])
        self.assertEqual(levels("sent"), ["warning"])
        done = subprocess.run([BINARY, "report", "send", "-c", d.path], capture_output=True, text=True, env=later)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(levels("sent"), ["good"])

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_rights(self):
        """What the daemon's user may not read is found by root, and not looked at by others."""
        d = self.daemon("", ZONE, start=False)
        d.directory.chmod(0o755)
        key, zone = d.directory / "key.pem", d.directory / "doctor.zone"
        zone.write_text("")
        zone.chmod(0o644)
        shutil.copy(harness.TOP / "tests/keys/rsa.pem", key)
        key.chmod(0o600)
        d.path.write_text(f'control = "";\nlisten = "inet:8892@127.0.0.1";\nuser = "nobody";\nsigning = ( {{ domain = "good.test"; '
                          f'keys = ( {{ selector = "s1"; file = "{key}"; }} ); }} );\n')
        d.path.chmod(0o644)
        found = [f for f in self.look("-c", d.path, "--dns", zone) if f["check"] == "rights"]
        self.assertEqual([f["level"] for f in found], ["grave"])
        self.assertRegex(found[0]["what"], "key.pem.*nobody")
        user = ["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups"]
        done = subprocess.run([*user, BINARY, "doctor", "--json", "-c", d.path, "--dns", zone], capture_output=True, text=True)
        found = json.loads(done.stdout)["findings"]
        self.assertEqual(self.levels(found, "rights"), ["unseen"])
        self.assertEqual([f["level"] for f in found if f["subject"] == "s1._domainkey.good.test"], ["unseen"])
        shutil.chown(key, "nobody")
        found = self.look("-c", d.path, "--dns", zone)
        self.assertEqual(self.levels(found, "rights"), ["good"])

    def receive(self, d, number, days_ago):
        """A report that came so many days ago."""
        now = int(time.time()) - days_ago * 86400
        clock = harness.Clock(d.directory / f"clock-{number}", wall=now)
        text = REPORT.format(number=number, begin=now - 2 * 86400, end=now - 86400)
        done = subprocess.run([BINARY, "report", "receive", "-c", d.path, "-"], input=text, text=True, capture_output=True,
                              env={**os.environ, **clock.environment})
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def test_received(self):
        d = self.watched_daemon()
        d.zone.write_text('good.test. TXT "x"\n_dmarc.good.test. TXT "v=DMARC1; p=none; rua=mailto:r@good.test"\n')

        def look(wanted):
            found = [f for f in self.look("-c", d.path, "--dns", d.zone, "good.test") if f["check"] == "received"]
            self.assertEqual([f["level"] for f in found], [wanted], found)
            return found[0]["what"]

        self.assertIn("none was received here", look("note"))
        for number in range(5):
            self.receive(d, number, 20 - number)
        self.assertIn("16 days ago", look("warning"))
        self.receive(d, 6, 1)
        self.assertIn("6 reports in 30 days", look("good"))

    def resolvers(self, *resolvers):
        """What is said of each resolver, and of all."""
        d = self.daemon("", ZONE, start=False)
        servers = ", ".join(f'"{LOOPBACK}@{port}"' for port in resolvers)
        d.path.write_text(f'control = "";\ndns = {{ servers = [ {servers} ]; }};\n')
        return [(f["level"], f["what"]) for f in self.look("-c", d.path) if f["check"] == "resolver"]

    def test_resolver(self):
        cases = (
            ({}, "good", "it answers, over TCP too, and validates"),
            ({"authentic": False}, "good", "it does not validate"),
            ({"tcp": False}, "warning", "it does not answer over TCP"),
            ({"edns": False}, "warning", "it does not support EDNS"),
        )
        for what, level, text in cases:
            r = Resolver(**what)
            self.addCleanup(r.close)
            (found,) = self.resolvers(r.port)
            self.assertEqual(found[0], level)
            self.assertIn(text, found[1])

    def test_silent_resolver(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((LOOPBACK, 0))
        self.addCleanup(s.close)
        r = Resolver()
        self.addCleanup(r.close)
        found = self.resolvers(s.getsockname()[1], r.port)
        self.assertEqual([f[0] for f in found], ["warning", "good"])
        found = self.resolvers(s.getsockname()[1])
        self.assertEqual([f[0] for f in found], ["warning", "grave"])

    def test_no_network(self):
        """Without DNS it ends soon, and says what it could not see."""
        d = self.daemon("", ZONE, start=False)
        d.path.write_text(f'control = "";\nauthserv-id = "mx.good.test";\ndns = {{ servers = [ "{LOOPBACK}@{harness.free_port()}" ]; }};\n')
        found = self.look("-c", d.path, "good.test")
        self.assertEqual({f["level"] for f in found if f["area"] == "domains" and f["check"] not in ("keys", "tls")}, {"unseen"})
        self.assertFalse([f for f in found if f["check"] in ("spf", "dmarc", "mx") and f["level"] in ("warning", "grave")])


if __name__ == "__main__":
    harness.main()
