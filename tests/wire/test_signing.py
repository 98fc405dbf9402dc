#!/usr/bin/python3
"""Signing rules as the MTA sees them: the guard on senders, entries for senders, what is signed already."""

import base64
import subprocess

import harness
from milter_client import delivered, plain_header


class Signing(harness.WireTest):
    def setUp(self):
        self.d = self.daemon("", {}, start=False)
        self.map = self.d.directory / "senders"
        self.map.write_text("alice a@example.test\n")
        for name in ("all", "ann"):
            key = self.d.directory / f"{name}.pem"
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", key],
                           check=True, stderr=subprocess.DEVNULL)
            key.chmod(0o600)
        self.d.configure(self.config())
        self.d.start()

    def config(self, mismatch="reject"):
        def key(name):
            return f'keys = {{ selector = "{name}"; file = "{self.d.directory}/{name}.pem"; }};'

        return (f'senders-must-match = "{self.map}"; on-sender-mismatch = "{mismatch}";\n'
                f'signing = ( {{ domain = "example.test"; {key("all")} }},\n'
                f'  {{ domain = "example.test"; senders = "ann@example.test"; lifetime = "1h"; {key("ann")} }} );\n')

    def send(self, user, author, header=(), c=None, **options):
        c = c or self.d.client()
        c.macros.update(auth_type="PLAIN", auth_authen=user)
        return c.message("<a@example.test>", header=[*header, *plain_header(author)], **options)

    def signatures(self, reply):
        self.assertTrue(reply.accepted, reply)
        return [value for what, _, name, value in reply.edits if (what, name) == ("insert", "DKIM-Signature")]

    def test_refused_with_550(self):
        for style in ("postfix", "sendmail"):
            c = self.d.client(style=style)
            reply = self.send("alice", "bob@example.test", c=c, queue_id="NO" + style)
            self.assertEqual(reply.text, "550 5.7.1 The sender in From is not allowed: alice may not use bob@example.test")
            line = self.d.wait_for_log("NO" + style)[0]
            self.assertIn('not-signed="alice may not use bob@example.test" action=reject cause=sender', line)
            # the connection goes on
            self.assertEqual(len(self.signatures(self.send("alice", "a@example.test", c=c))), 1)
            c.quit()
        self.assertEqual(self.d.counters()["sender-mismatch"], 2)

    def test_certificates_that_the_mta_trusts(self):
        self.assertTrue(self.d.reload(self.config() + "trust-tls-certificates = true;\n"))
        names = {"cert_subject": "laptop", "cert_issuer": "CA"}
        for number, (macros, signed) in enumerate([
            ({"v": "Postfix 3.7.11", **names}, True),
            ({"v": "Postfix 3.7.11"}, False),
            ({"v": "8.17.1.9", "verify": "OK", **names}, True),
            ({"v": "8.17.1.9", "verify": "FAIL", **names}, False),
            ({"v": "8.17.1.9", **names}, False),
        ]):
            c = self.d.client(hello=False)
            c.macros.update(macros)
            c.hello()
            reply = c.message("<a@example.test>", header=plain_header("a@example.test"), queue_id=f"TLS{number}")
            self.assertEqual(len(self.signatures(reply)), int(signed), macros)
            line = self.d.wait_for_log(f"TLS{number}")[0]
            self.assertIn('because="TLS certificate laptop"' if signed else "origin=inbound", line)
            c.quit()

    def test_percent_signs_arrive(self):
        reply = self.send("50%s%n", "bob@example.test")
        self.assertIn("50%s%n may not use bob@example.test", reply.text.replace("%%", "%"))

    def test_delivered_unsigned(self):
        self.assertTrue(self.d.reload(self.config("tag")))
        reply = self.send("alice", "bob@example.test")
        self.assertEqual(self.signatures(reply), [])
        self.d.wait_for_log('not-signed="alice may not use bob@example.test" action=tag cause=sender')

    def test_map_is_read_again(self):
        self.assertEqual(self.send("alice", "bob@example.test").code, "550")
        self.map.write_text("alice @example.test\n")
        self.assertEqual(self.send("alice", "bob@example.test").code, "550")
        c = self.d.client()
        c.macros.update(auth_type="PLAIN", auth_authen="alice")
        c.mail("<a@example.test>"), c.rcpt()
        self.assertTrue(self.d.reload())
        self.assertEqual(c.content(plain_header("bob@example.test"), b"x\r\n").code, "550")
        self.assertEqual(len(self.signatures(self.send("alice", "bob@example.test"))), 1)
        # a broken map changes nothing
        self.map.write_text("# users\nalice example.test\n")
        self.assertFalse(self.d.reload())
        self.assertTrue(self.d.lines(rf'{self.map}:2: "example\.test" has no @'), self.d.log())
        self.map.unlink()
        self.assertFalse(self.d.reload())
        self.assertEqual(len(self.signatures(self.send("alice", "bob@example.test"))), 1)
        self.map.write_text("")
        self.assertTrue(self.d.reload())
        self.assertEqual(self.send("alice", "a@example.test").code, "550")

    def test_entry_of_a_sender(self):
        self.map.write_text("alice *\n")
        self.assertTrue(self.d.reload())
        (ours,) = self.signatures(self.send("alice", "Ann <ANN@example.test>"))
        self.assertRegex(ours, r"s=ann;\s+t=(\d+);\s+x=\d+;")
        (ours,) = self.signatures(self.send("alice", "bob@example.test"))
        self.assertRegex(ours, r"s=all;\s+t=\d+;\s+h=")

    def test_not_signed_twice(self):
        body = b"Hello\r\n" * 1000
        header = plain_header("a@example.test")
        reply = self.send("alice", "a@example.test", body=body)
        (ours,) = self.signatures(reply)
        signed = [("DKIM-Signature", ours)]
        self.assertEqual(delivered(header, reply.edits)[0], signed[0])
        self.assertEqual(self.signatures(self.send("alice", "a@example.test", signed, body=body)), [])
        self.d.wait_for_log('not-signed="already signed by example.test/all"')
        self.assertEqual(len(self.signatures(self.send("alice", "a@example.test", signed, body=body + b"more\r\n"))), 1)
        forged = [("DKIM-Signature", ours[: ours.index("b=", ours.index("bh=") + 3)] + "b=" + base64.b64encode(bytes(64)).decode())]
        self.assertEqual(len(self.signatures(self.send("alice", "a@example.test", forged, body=body))), 1)
        self.assertEqual(self.d.dns.queries, [])


if __name__ == "__main__":
    harness.main()
