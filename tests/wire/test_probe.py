#!/usr/bin/python3
"""assay probe: a message to a running filter; what is told, also where the filter is none."""

import json
import socket
import subprocess
import threading

import harness
from harness import BINARY

MESSAGE = "From: a@plain.test\r\nAuthentication-Results: mx.test; spf=pass\r\nSubject: x\r\n folded\r\n\r\nbody\r\n"
ZONE = {"plain.test": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}, "_dmarc.plain.test": {"TXT": ["v=DMARC1; p=reject"]}}


class Probe(harness.WireTest):
    def probe(self, *words, status, message=MESSAGE):
        done = subprocess.run([BINARY, "probe", *words], input=message.encode(), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, status, done)
        return done.stdout.decode(), done.stderr.decode()

    def test_good_message(self):
        d = self.daemon("", ZONE)
        out, _ = self.probe(d.listen, "--from", "a@plain.test", status=0)
        self.assertIn("Deleted: number 1 of Authentication-Results\n", out)
        self.assertIn("spf=pass smtp.mailfrom=plain.test", out)
        self.assertTrue(out.endswith("\nMessage accepted\n"), out)

    def test_refused_message_as_json(self):
        d = self.daemon('dmarc = { on-reject = "reject"; };', ZONE, tcp=True)
        out, _ = self.probe("--json", d.listen, "--client-ip", "2001:db8::1", "--from=a@plain.test", "-", status=1)
        found = json.loads(out)
        self.assertFalse(found["accepted"])
        self.assertRegex(found["answer"], r"^refused: 550 5\.7\.1 ")

    def test_facts(self):
        d = self.daemon("", ZONE)
        self.probe(d.listen, "--auth", "ann", "--rcpt", "x@y.test", "--rcpt", "z@y.test", "--daemon", "MSA", status=0)
        self.assertTrue(d.lines("ours"), d.log())

    def test_check(self):
        d = self.daemon()
        out, _ = self.probe("--check", d.listen, status=0)
        self.assertEqual(out, f"A milter answers on {d.listen}.\n")
        d.stop()
        _, err = self.probe("--check", d.listen, status=69)
        self.assertRegex(err, r"^assay probe: .*(No such file|refused)")

    def test_message_that_is_not_there(self):
        d = self.daemon()
        _, err = self.probe(d.listen, "/nonexistent", status=66)
        self.assertEqual(err, "assay probe: /nonexistent: No such file or directory\n")

    def test_something_else_answers(self):
        for said, complaint in ((b"220 mail.test ESMTP\r\n", "is this a milter"), (b"", "closed the connection"),
                                (b"\0\0\0\1O", "no negotiation"), (b"\0\0\0\5m\0\0\0", "closed the connection")):
            with socket.create_server(("127.0.0.1", 0)) as server:
                def answer():
                    with server.accept()[0] as peer:
                        peer.recv(1000)
                        peer.sendall(said)
                        peer.shutdown(socket.SHUT_WR)
                        try:
                            while peer.recv(1000):
                                pass
                        except ConnectionResetError:
                            pass
                thread = threading.Thread(target=answer)
                thread.start()
                _, err = self.probe(f"inet:{server.getsockname()[1]}@127.0.0.1", status=69)
                thread.join()
                self.assertIn(complaint, err)

    def test_silence(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            _, err = self.probe("--timeout", "1", f"inet:127.0.0.1:{server.getsockname()[1]}", status=69)
        self.assertIn("said nothing for 1 s", err)


if __name__ == "__main__":
    harness.main()
