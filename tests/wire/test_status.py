#!/usr/bin/python3
"""What the running daemon tells of itself: assay status, assay metrics, and who may ask."""

import contextlib
import json
import os
import pwd
import re
import socket
import subprocess
import threading

import harness
from harness import BINARY
from zones import ZONE


class Status(harness.WireTest):
    def asked_daemon(self, config="", **options):
        d = self.daemon("", ZONE, start=False, **options)
        d.control = d.directory / "control.sock"
        d.configure(f'control = "unix:{d.control}";\n{config}')
        d.start()
        return d

    def ask(self, d, *words, status=0):
        done = subprocess.run([BINARY, *words, "-c", d.path], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done.stdout if status == 0 else done.stderr

    def test_json(self):
        d = self.asked_daemon('mode = "shadow";\n')
        before = json.loads(self.ask(d, "status", "--json"))
        c = d.client()
        c.message()
        found = json.loads(self.ask(d, "status", "--json"))
        self.assertEqual(found["configuration"]["file"], str(d.path))
        self.assertEqual(found["on"], {"mode": "shadow", "spf": "enforce", "dkim": "on", "dmarc": "enforce", "arc": "verify", "dnsbl": "off",
                                       "sender": "off", "greylist": "off", "signing": "off"})
        self.assertEqual(found["listeners"], [d.listen])
        self.assertEqual((before["connections"], found["connections"]), (0, 1))
        self.assertEqual((before["messages"]["total"], found["messages"]["total"]), (0, 1))
        self.assertEqual(found["messages"]["accepted"], 1)
        self.assertGreater(found["dns"]["queries"], 0)
        self.assertGreaterEqual(found["workers"]["all"], 2)
        self.assertEqual(found["configuration"]["reloads"], 0)
        self.assertTrue(d.reload())
        self.assertFalse(d.reload("nonsense = 1;\n" + f'control = "unix:{d.control}";\n'))
        found = json.loads(self.ask(d, "status", "--json"))
        self.assertEqual((found["configuration"]["reloads"], found["configuration"]["reloads_failed"]), (1, 1))
        self.assertTrue(any("nonsense" in e["text"] for e in found["last_errors"]), found["last_errors"])

    def test_what_is_on(self):
        lists = 'lists = ( { zone = "bl.example"; kind = "client"; weight = 1; } );'
        d = self.asked_daemon(f'greylist = {{ mode = "shadow"; }};\ndnsbl = {{ {lists} }};\nsender = {{ mode = "enforce"; }};\n'
                              'arc = { mode = "off"; };\n')
        found = json.loads(self.ask(d, "status", "--json"))
        self.assertEqual([found["on"][name] for name in ("arc", "dnsbl", "sender", "greylist")],
                         ["off", "enforce", "enforce", "shadow"])
        self.assertIn("on            mode enforce, SPF enforce, DKIM on, DMARC enforce, signing off\n"
                      "              ARC off, DNS lists enforce, sender enforce, greylisting shadow\n", self.ask(d, "status"))
        received = "from x.example (x.example [192.0.2.66]) by mx.test (Postfix) with ESMTP id 1; Tue, 1 Dec 2026 12:00:00 +0000"
        d.client(address="127.0.0.1").message(header=[("Received", f" {received}"), ("From", " ann@example.net")])
        messages = json.loads(self.ask(d, "status", "--json"))["messages"]
        self.assertEqual((messages["total"], messages["inbound"], messages["ours"], messages["forwarded"]), (1, 0, 0, 1))
        self.assertIn(", 0 relayed, 1 forwarded, ", self.ask(d, "status"))

    def test_the_policy_service_and_reports(self):
        d = self.daemon("", ZONE, start=False)
        d.control, policy = d.directory / "control.sock", f"unix:{d.directory}/policy.sock"
        d.configure(f'control = "unix:{d.control}";\npolicy-service = {{ listen = "{policy}"; }};\n'
                    'reports = { send = true; from = "r@example.org"; };\n')
        d.start()
        found = json.loads(self.ask(d, "status", "--json"))
        self.assertEqual(found["policy_service"], {"listen": policy, "requests": 0})
        self.assertEqual(found["reports"], {"record": True, "send": True, "rows_added": 0, "rows_lost": 0})
        told = self.ask(d, "status")
        self.assertIn(f"policy        {policy}, 0 requests\n", told)
        self.assertIn("reports       recording on, sending on, 0 rows added, 0 rows lost\n", told)

    def test_a_configuration_that_is_wrong(self):
        """The daemon that runs is found by what can be read of it, and what is wrong is said beside its answer."""
        d = self.asked_daemon()
        d.configure(f'nonsense = 1;\ncontrol = "unix:{d.control}";\n')
        for command in ("status", "metrics"):
            done = subprocess.run([BINARY, command, "-c", d.path], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("unknown option nonsense", done.stderr)
            self.assertIn("the running daemon has kept its old configuration", done.stderr)
            self.assertIn("assay", done.stdout)
        d.stop()
        complaint = self.ask(d, "status", status=78)
        self.assertIn("unknown option nonsense", complaint)
        self.assertIn("no daemon answers", complaint)
        d.configure('nonsense = 1;\ncontrol = "inet:1@127.0.0.1";\n')
        self.assertNotIn("no daemon answers", self.ask(d, "status", status=78))

    def test_that_is_not_the_daemon(self):
        """Root asks; whoever took the daemon's user over may have made the socket."""
        d = self.daemon("", ZONE, start=False)
        d.control = d.directory / "control.sock"
        d.configure(f'control = "unix:{d.control}";\n')
        answers = [b"assay\x1b]0;x\x07 \xc2\x9b2J \\x1b\n\tgr\xc3\xbc\xc3\x9f\n"] * 2 + [b"x" * (8 << 20)]

        def answer(server):
            for text in answers:
                with server.accept()[0] as c, contextlib.suppress(OSError):
                    c.recv(100)
                    c.sendall(text)

        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(d.control))
            server.listen()
            thread = threading.Thread(target=answer, args=(server,), daemon=True)
            thread.start()
            for command in ("status", "metrics"):
                self.assertEqual(self.ask(d, command), "assay\\x1b]0;x\\x07 \\xc2\\x9b2J \\x1b\n\tgr\u00fc\u00df\n")
            self.assertIn("Message too long", self.ask(d, "status", status=69))
            thread.join(harness.PATIENCE)

    def test_for_people(self):
        d = self.asked_daemon()
        text = self.ask(d, "status")
        self.assertRegex(text, r"^assay \S+, up since 20\d\d-")
        self.assertRegex(text, r"(?m)^on +mode enforce, SPF enforce, DKIM on, DMARC enforce, signing off$")
        self.assertIn(d.listen, text)
        self.assertRegex(text, r"(?m)^messages      0 total, .* 0 would reject, .* 0 not signed$")
        self.assertRegex(text, r"(?m)^DNS           \d+ queries, \d+ cache hits, .* refused$")

    def test_metrics(self):
        d = self.asked_daemon()
        d.client().message()
        text = self.ask(d, "metrics")
        table = (harness.TOP / "lib/base/counters.def").read_text()
        values = {}
        kinds = dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text))
        for name, value in re.findall(r"(?m)^(assay_\w+(?:\{[^}]*\})?) (\S+)$", text):
            self.assertNotIn(name, values)
            values[name] = float(value)
        for counter in re.findall(r'(?m)^COUNTER\(\w+,\s*"([^"]+)"', table):
            name = f"assay_{counter.replace('-', '_')}_total"
            self.assertEqual(kinds[name], "counter")
            self.assertIn(name, values)
            self.assertRegex(text, rf"(?m)^# HELP {name} \S")
        self.assertEqual(values["assay_messages_total"], 1)
        self.assertEqual(kinds["assay_message_seconds"], "histogram")
        self.assertEqual(values['assay_message_seconds_bucket{le="+Inf"}'], 1)
        self.assertEqual(values["assay_message_seconds_count"], 1)
        buckets = [v for n, v in values.items() if n.startswith("assay_message_seconds_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertGreater(values["assay_start_time_seconds"], 1e9)

    def test_no_daemon(self):
        d = self.asked_daemon()
        self.assertEqual(d.stop(), 0)
        self.assertFalse(d.control.exists())
        self.assertRegex(self.ask(d, "status", status=69), rf"no daemon answers at {d.control}")
        self.assertRegex(self.ask(d, "metrics", status=69), "no daemon answers")

    def test_others_may_not_ask(self):
        if not harness.as_root():
            self.skipTest("needs root")
        d = self.asked_daemon()
        os.chmod(d.directory, 0o755)
        os.chmod(d.control, 0o666)  # the mode of the file is not all that guards it
        user = pwd.getpwnam("nobody")
        with socket.socket(socket.AF_UNIX) as s:
            pid = os.fork()
            if pid == 0:
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)
                s.connect(str(d.control))
                s.settimeout(10)
                try:
                    s.sendall(b"status\n")
                    os._exit(0 if s.recv(1000) == b"" else 1)
                except ConnectionError:
                    os._exit(0)
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        d.wait_for_log("control connection of process .* is closed: neither root nor in the daemon's group")
        self.assertEqual(d.lines("is refused"), [])  # that is of doors without room

    def test_odd_questions(self):
        d = self.asked_daemon()
        for question, want in ((b"what\n", b"error: "), (b"\n", b"error: "), (b"x" * 5000, b"")):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(10)
                s.connect(str(d.control))
                try:
                    s.sendall(question)
                    self.assertTrue(s.recv(1000).startswith(want))
                except ConnectionError:
                    self.assertEqual(want, b"")
        self.assertIn("assay", self.ask(d, "status"))

    def test_a_socket_that_cannot_be(self):
        d = self.daemon("", ZONE, start=False)
        d.configure('control = "unix:/nowhere/at/all.sock";\n')
        self.assertEqual(d.launch().wait(30), 69)
        self.assertIn("cannot listen on unix:/nowhere/at/all.sock: No such file or directory", d.log())
        d.configure('control = "inet:1@127.0.0.1";\n')
        self.assertEqual(d.launch().wait(30), 78)
        d.process = None  # it has ended as it should


if __name__ == "__main__":
    harness.main()
