#!/usr/bin/python3
"""Ordinary mail: what is written into it, what is removed, what is answered."""

import base64
import pathlib
import re
import subprocess
import tempfile
import time
import unittest.mock

import harness
from milter_client import NR_HDR, NR_MAIL, NR_RCPT, Client, Vanished, delivered, plain_header
from zones import ZONE

try:
    import dkim
    import traffic
except ImportError:
    dkim = None

REJECT = 'dmarc = { on-reject = "reject"; on-quarantine = "quarantine"; };\n'


def fields(header, name):
    return [value for field, value in header if field.lower() == name.lower()]


@unittest.skipUnless(dkim, "needs dkimpy")
class Clock(harness.WireTest):
    def test_signatures_from_the_future_are_about_our_clock(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        keys = traffic.Keys(pathlib.Path(folder.name))
        record = keys.zone()["ed25519._domainkey.signed.test"]
        domains = [f"d{i}.test" for i in range(7)]
        d = self.daemon("", {f"ed25519._domainkey.{domain}": record for domain in domains})
        c = d.client()
        for domain in domains:
            with unittest.mock.patch("time.time", return_value=time.time() + 7200):
                header = keys.sign(domain, "ed25519", plain_header(f"a@{domain}"), b"Hello\r\n")
            reply = c.message(f"<a@{domain}>", header=header, body=b"Hello\r\n")
            self.assertIn("dkim=temperror", str(reply.edits))
        c.quit()
        lines = d.wait_for_log("the clock of this host seems to be slow")
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"signatures of 5 domains were good, but dated 7\d\d\d s or more in the future")


class Inbound(harness.WireTest):
    def setUp(self):
        self.d = self.daemon(REJECT, ZONE)

    def test_headers_to_the_byte(self):
        c = self.d.client()
        reply = c.message("<a@example.test>", header=plain_header())
        self.assertTrue(reply.accepted, reply)
        self.assertEqual(
            reply.edits,
            [
                (
                    "insert",
                    0,
                    "Received-SPF",
                    " pass (mx.test: example.test authorizes 192.0.2.10)\n"
                    "\tclient-ip=192.0.2.10; envelope-from=\"a@example.test\"; helo=client.test;\n"
                    "\tidentity=mailfrom; receiver=mx.test; mechanism=\"ip4:192.0.2.0/24\"",
                ),
                (
                    "insert",
                    0,
                    "Authentication-Results",
                    " mx.test;\n"
                    "\tspf=pass smtp.mailfrom=example.test;\n"
                    "\tdkim=none;\n"
                    "\tdmarc=pass (p=reject dis=none) header.from=example.test policy.dmarc=reject;\n"
                    "\tarc=none",
                ),
            ],
        )
        c.quit()
        line = self.d.wait_for_log("QID1: ")[0]
        for word in ("origin=inbound", "spf=pass", "dkim=none", "dmarc=pass", "action=accept", "from=<a@example.test>",
                     "client=client.test[192.0.2.10]", "helo=client.test", "to=<b@mx.test>"):
            self.assertIn(word, line)

    def test_both_mtas_and_both_families(self):
        for style in ("postfix", "sendmail"):
            for address in ("192.0.2.10", "2001:db8::10"):
                with self.subTest(style=style, address=address):
                    c = self.d.client(style=style, address=address)
                    reply = c.message()
                    self.assertTrue(reply.accepted)
                    self.assertIn("spf=pass", reply.edits[-1][3])
                    c.quit()

    def test_null_sender(self):
        c = self.d.client()
        reply = c.message("<>", header=plain_header("x@client.test"))
        self.assertIn("spf=pass smtp.mailfrom=client.test", reply.edits[-1][3])
        self.assertIn('envelope-from="postmaster@client.test"', reply.edits[0][3])

    def test_dmarc_reject_and_quarantine(self):
        c = self.d.client()
        reply = c.message("<x@strict.test>", header=plain_header("x@strict.test"))
        self.assertEqual(reply.code, "550")
        self.assertRegex(reply.text, r"^550 5\.7\.1 DMARC policy of strict\.test")
        self.assertEqual(reply.edits, [])
        reply = c.message("<x@quarantine.test>", header=plain_header("x@quarantine.test"))
        self.assertTrue(reply.accepted)
        self.assertIn("quarantine.test", reply.quarantine)
        self.assertIn("dis=quarantine", reply.edits[-1][3])

    def test_many_messages_on_one_connection(self):
        for style in ("postfix", "sendmail"):
            c = self.d.client(style=style)
            for i in range(100):
                author = "x@strict.test" if i % 3 == 0 else "a@example.test"
                reply = c.message(f"<{author}>", header=plain_header(author), queue_id=f"{style}{i}")
                self.assertEqual(reply.code, "550" if i % 3 == 0 else "", reply)
                if i % 3:
                    self.assertEqual(len(reply.edits), 2)
            c.quit()
            self.d.wait_for_log(f"{style}99: ")
            self.assertEqual(self.d.counters()["messages-aborted"], 0)
            self.assertEqual(len(self.d.lines(f"{style}[0-9]+: ")), 100)

    def test_helo_is_the_last_one(self):
        c = self.d.client(helo="first.test")
        for i in range(50):
            c.helo(f"again{i}.test")
        c.helo("client.test")
        reply = c.message("<>", header=plain_header("x@client.test"))
        self.assertIn("smtp.mailfrom=client.test", reply.edits[-1][3])

    def test_body_arrives_in_any_pieces(self):
        c = self.d.client()
        for chunk in (1, 2, 7, 1000):
            c.mail(), c.rcpt()
            for name, value in plain_header():
                c.header(name, value)
            c.end_of_header()
            c.body(b"line\r\n" * 50, chunk)
            self.assertTrue(c.end_of_message().accepted)

    def test_another_session_on_the_connection(self):
        """SMFIC_QUIT_NC: the next client has not said its name yet."""
        c = self.d.client(helo="client.test")
        bounce = {"sender": "<>", "header": plain_header("x@client.test")}
        self.assertIn("spf=pass smtp.mailfrom=client.test", c.message(**bounce).edits[-1][3])
        c.abort()
        c.send("K")
        c.connect(address="192.0.2.10")
        reply = c.message(**bounce)
        self.assertIn("spf=none", reply.edits[-1][3])
        self.assertNotIn("helo=client.test", reply.edits[0][3])
        c.helo("client.test")
        self.assertIn("spf=pass smtp.mailfrom=client.test", c.message(**bounce).edits[-1][3])

    def test_empty_header_and_body(self):
        c = self.d.client()
        reply = c.message(header=[], body=b"")
        self.assertEqual(reply.code, "550")  # no From: dmarc.on-bad-from
        self.assertTrue(c.message(body=b"").accepted)

    def test_counters(self):
        c = self.d.client()
        c.message()
        c.message("<x@strict.test>", header=plain_header("x@strict.test"))
        c.mail()
        c.quit()
        harness.until(lambda: self.d.counters()["messages-aborted"] == 1, "the abort is counted")
        found = self.d.counters()
        for name, n in {"messages": 2, "inbound": 2, "spf-pass": 1, "spf-fail": 1, "dmarc-pass": 1, "dmarc-fail": 1,
                        "accepted": 1, "rejected": 1, "dkim-none": 2, "connections": 1}.items():
            self.assertEqual(found[name], n, name)


class EarlyRefusal(harness.WireTest):
    def test_at_mail_and_at_rcpt(self):
        for point in ("mail", "rcpt"):
            with self.subTest(point=point):
                d = self.daemon(f'spf = {{ on-fail = "reject"; reject-at = "{point}"; }};\n', ZONE)
                c = d.client()
                for i in range(3):
                    first = c.mail("<x@spf.test>")
                    if point == "mail":
                        self.assertRegex(first.text, r"^550 5\.7\.23 SPF fail: spf\.test")
                    else:
                        self.assertTrue(first.accepted)
                        self.assertRegex(c.rcpt().text, r"^550 5\.7\.23 ")
                        self.assertRegex(c.rcpt("<c@mx.test>").text, r"^550 5\.7\.23 ")
                        c.abort()
                    self.assertTrue(c.message().accepted)
                lines = d.wait_for_log(f"action=reject cause=spf at={point}", 3)
                self.assertEqual(len(lines), 3)
                found = d.counters()
                self.assertEqual((found["rejected"], found["messages-aborted"]), (3, 0 if point == "mail" else 3))
                c.mail("<x@spf.test>")
                if point == "mail":
                    self.assertEqual(d.stop(), 0)  # and nothing is said to be open
                else:
                    c.quit()

    def test_percent_signs_are_doubled(self):
        """A single one makes Sendmail throw the reply away."""
        d = self.daemon('spf = { on-fail = "reject"; reject-at = "mail"; };\n', {"a%b.test": {"TXT": ["v=spf1 -all"]}})
        self.assertIn(" a%%b.test ", d.client().mail("<x@a%b.test>").text)

    def test_only_what_may_be_refused_is_answered(self):
        d = self.daemon("", ZONE)
        c = d.client()
        self.assertTrue(c.steps & NR_HDR)
        self.assertFalse(c.steps & NR_MAIL)
        self.assertFalse(c.steps & NR_RCPT)


class Forged(harness.WireTest):
    FORGED = [
        " mx.test; spf=pass smtp.mailfrom=example.test",
        ' "mx.test"; dkim=pass',
        " mx.test 1; dkim=pass",
        " mx.test 2; dkim=pass",
        " MX.Test. ; dmarc=pass",
        " (comment) mx.test (more) ; dmarc=pass",
        "\n\tmx.test;\n\tdmarc=pass",
        " old.test; dmarc=pass",
        " ; dmarc=pass",
        " other.test 3; dmarc=pass",
    ]
    FOREIGN = [" other.test; dmarc=pass", ' "mx.test.other"; dkim=pass', " other.test 1; spf=pass"]

    def check(self, d, style, forged, foreign):
        c = d.client(style=style)
        header = plain_header()
        for i, value in enumerate(forged):
            header.insert(1 + 2 * i % len(header), ("Authentication-Results", value))
        for value in foreign:
            header.insert(len(header) // 2, ("authentication-results", value))
        reply = c.message(header=header)
        c.quit()
        after = fields(delivered(header, reply.edits, style), "Authentication-Results")
        self.assertEqual(sorted(after[1:]), sorted(foreign))
        self.assertTrue(after[0].startswith(" mx.test;\n\tspf=pass"))
        ordinals = [index for what, index, _, _ in reply.edits if what == "change"]
        self.assertEqual(ordinals, sorted(ordinals, reverse=True))
        self.assertEqual(len(ordinals), len(forged))

    def test_one_two_five_and_every_spelling(self):
        d = self.daemon('authserv-id-aliases = [ "old.test" ];\n', ZONE)
        for style in ("postfix", "sendmail"):
            for forged in (self.FORGED[:1], self.FORGED[:2], self.FORGED[:5], self.FORGED):
                with self.subTest(style=style, forged=len(forged)):
                    self.check(d, style, forged, self.FOREIGN)
            for value in self.FORGED:
                with self.subTest(style=style, value=value):
                    self.check(d, style, [value], self.FOREIGN[:1])

    def test_received_spf_of_ours(self):
        d = self.daemon("", ZONE)
        header = plain_header() + [
            ("Received-SPF", " pass (mx.test: all is well) receiver=mx.test; client-ip=192.0.2.1"),
            ("Received-SPF", " pass receiver=other.test; client-ip=192.0.2.1"),
        ]
        reply = d.client().message(header=header)
        self.assertEqual(len(fields(delivered(header, reply.edits), "Received-SPF")), 2)
        self.assertEqual([e[1] for e in reply.edits if e[0] == "change"], [1])


class Origins(harness.WireTest):
    """Whose mail it is, and what follows."""

    def setUp(self):
        self.keys = {}
        self.d = self.daemon("", ZONE, start=False)
        self.make_keys()
        self.config = (
            'relay-networks = [ "203.0.113.0/24" ];\n'
            'signing = ( { domain = "example.test"; keys = (\n'
            f'  {{ selector = "r"; file = "{self.d.directory}/r.pem"; }},\n'
            f'  {{ selector = "e"; file = "{self.d.directory}/e.pem"; }} ); }} );\n'
        )
        self.d.configure(self.config)
        self.d.start()

    def make_keys(self):
        for selector, options in {"r": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "e": ["ED25519"]}.items():
            path = self.d.directory / f"{selector}.pem"
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", *options, "-out", path],
                           check=True, stderr=subprocess.DEVNULL)
            path.chmod(0o600)
            der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"],
                                 check=True, capture_output=True).stdout
            kind, public = ("ed25519", der[-32:]) if selector == "e" else ("rsa", der)
            text = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"
            self.keys[f"{selector}._domainkey.example.test."] = text
            self.d.dns.zone[f"{selector}._domainkey.example.test"] = {"TXT": [text]}

    def reload_with(self, config):
        self.assertTrue(self.d.reload(self.config + config))

    def raw(self, header, body):
        return "".join(f"{n}:{v}\n" for n, v in header).replace("\n", "\r\n").encode() + b"\r\n" + body

    def assert_signed(self, header, reply, body):
        after = delivered(header, reply.edits)
        signatures = fields(after, "DKIM-Signature")
        self.assertEqual(len(signatures), 2)
        self.assertIn("a=rsa-sha256", signatures[0])
        self.assertIn("a=ed25519-sha256", signatures[1])
        self.assertEqual(fields(after, "Authentication-Results"), [])
        if dkim is None:
            self.fail("python3-dkim is not installed")

        def txt(name, timeout=5):
            return self.keys.get(name.decode() if isinstance(name, bytes) else name)

        for index in range(2):
            self.assertTrue(dkim.DKIM(self.raw(after, body)).verify(index, dnsfunc=txt), f"signature {index}")
        with self.assertRaises(dkim.ValidationError):
            dkim.DKIM(self.raw(after, body + b"more\r\n")).verify(0, dnsfunc=txt)
        return after

    def test_authenticated_is_signed_and_verifies(self):
        header = plain_header() + [("Authentication-Results", " mx.test; dkim=pass"), ("X-Empty", "")]
        body = b"Hello  world \r\n\r\n..dots\r\n\r\n"
        for style in ("postfix", "sendmail"):
            c = self.d.client(style=style)
            c.macros.update(auth_type="PLAIN", auth_authen="alice")
            reply = c.message(header=header, body=body, queue_id="SIGN" + style)
            after = self.assert_signed(header, reply, body)
            c.quit()
            line = self.d.wait_for_log("SIGN" + style)[0]
            self.assertIn("origin=ours", line)
            self.assertIn('because="SMTP AUTH alice"', line)
        # and what we signed, we verify
        reply = self.d.client().message(header=after, body=body)
        self.assertEqual(len(re.findall(r"dkim=pass", reply.edits[-1][3])), 2, reply.edits)

    def test_simple_canonicalization_from_an_old_mta(self):
        """It tells values without their leading space; what it delivers has one."""
        self.reload_with('header-canonicalization = "simple"; body-canonicalization = "simple";\n')
        c = self.d.client(address="127.0.0.1", steps=0x7F, actions=0x3F)
        header, body = plain_header(), b"Hello \r\n\r\n"
        reply = c.message(header=header, body=body)
        edits = [(what, index, name, " " + value) for what, index, name, value in reply.edits]
        reply.edits = edits
        self.assert_signed(header, reply, body)

    def test_ways_to_be_ours(self):
        for session in ({"address": "127.0.0.1"}, {"address": "198.51.100.7"}, {"address": "::1"},
                        {"address": "127.0.0.1", "port": 0}, {"family": "U"}, {"family": "L", "address": "/var/run/x"}):
            with self.subTest(**session):
                c = self.d.client(**session)
                self.assertIn("DKIM-Signature", [e[2] for e in c.message().edits])

    def test_local_submission_is_ours_without_any_trusted_network(self):
        self.d.base = 'authserv-id = "mx.test"; trusted-networks = [ ];\n'
        self.reload_with("")
        for session, ours in (({"address": "127.0.0.1", "port": 0}, True), ({"address": "::1", "port": 0}, True), ({"family": "U"}, True),
                              ({"address": "127.0.0.1"}, False), ({"address": "::1"}, False), ({"address": "192.0.2.10", "port": 0}, False)):
            with self.subTest(**session):
                c = self.d.client(**session)
                self.assertEqual("DKIM-Signature" in [e[2] for e in c.message().edits], ours)

    def test_strangers(self):
        c = self.d.client(hello=False)
        c.macros["daemon_name"] = "MSA"  # a submission port alone makes nobody ours
        c.hello()
        self.assertIn("dkim=none", c.message().edits[-1][3])
        c = self.d.client()
        c.macros["auth_author"] = "alice"
        self.assertIn("dkim=none", c.message().edits[-1][3])
        c = self.d.client(hello=False)  # Postfix could not find the client's address
        c.macros["client_addr"] = "unknown"
        c.send_macros("C")
        c.send("C", b"unknown\0U")
        c.reply()
        c.helo()
        self.assertIn("Authentication-Results", [e[2] for e in c.message().edits])

    def test_authentication_of_one_session_is_not_anothers(self):
        c = self.d.client()
        c.macros.update(auth_type="PLAIN", auth_authen="alice")
        self.assertIn("DKIM-Signature", [e[2] for e in c.message().edits])
        c.quit()
        self.assertNotIn("DKIM-Signature", [e[2] for e in self.d.client().message().edits])

    def test_ours_is_not_judged(self):
        c = self.d.client(address="198.51.100.7")
        reply = c.message("<x@strict.test>", header=plain_header("x@strict.test"))
        self.assertTrue(reply.accepted)
        self.assertEqual(reply.edits, [])
        self.assertIn("not-signed=", self.d.wait_for_log("action=accept")[0])

    def test_relayed_passes_untouched(self):
        header = plain_header("x@strict.test") + [("Authentication-Results", " mx.test; dkim=pass")]
        c = self.d.client(address="203.0.113.9")
        reply = c.message("<x@strict.test>", header=header)
        self.assertTrue(reply.accepted)
        self.assertEqual(reply.edits, [])
        self.assertIn("origin=relayed", self.d.wait_for_log("QID1: ")[0])

    def test_what_came_in_under_the_name_of_the_mta_is_forwarded(self):
        before = self.d.counters()
        header = [("Received", " from x (unknown [192.0.2.66])\n\tby smtp.test (Postfix) with ESMTP id 1;\n\tSun")]
        header += plain_header()
        for name, forwarded in (("smtp.test", True), ("other.test", False)):
            with self.subTest(name):
                c = self.d.client(hello=False)
                c.macros["j"] = name  # asked for in the negotiation, at CONNECT
                c.hello(address="127.0.0.1")
                reply = c.message(header=header, queue_id=name)
                self.assertEqual("DKIM-Signature" in [e[2] for e in reply.edits], not forwarded)
                line = self.d.wait_for_log(f"{name}: origin")[0]
                self.assertEqual("origin=forwarded entry=[192.0.2.66] not-signed=" in line, forwarded)
        grown = {name: count - before[name] for name, count in self.d.counters().items()}
        self.assertEqual([grown[name] for name in ("forwarded", "ours", "signed", "not-signed")], [1, 1, 1, 0])


class Shadow(harness.WireTest):
    def test_says_and_does_nothing(self):
        d = self.daemon('mode = "shadow";\n' + REJECT, ZONE)
        c = d.client()
        reply = c.message("<x@strict.test>", header=plain_header("x@strict.test"))
        self.assertTrue(reply.accepted)
        self.assertIsNone(reply.quarantine)
        self.assertIn("dmarc=fail (p=reject dis=none", reply.edits[-1][3])
        reply = c.message("<x@quarantine.test>", header=plain_header("x@quarantine.test"))
        self.assertIsNone(reply.quarantine)
        self.assertIn("action=accept would=reject", d.wait_for_log("strict")[0])
        found = d.counters()
        self.assertEqual((found["would-reject"], found["would-quarantine"], found["rejected"]), (1, 1, 0))


class OldMta(harness.WireTest):
    def test_without_leading_space_and_no_reply(self):
        """An MTA that offers neither: libmilter answers each step, and values come without their space."""
        d = self.daemon("", ZONE)
        c = d.client(steps=0x7F, actions=0x3F)
        reply = c.message(header=[(n, v) for n, v in plain_header()])
        self.assertTrue(reply.accepted)
        self.assertTrue(reply.edits[-1][3].startswith("mx.test;\n\tspf=pass"), reply.edits)

    def test_one_that_cannot_quarantine(self):
        d = self.daemon(REJECT, ZONE)
        c = d.client(actions=0x1F)
        reply = c.message("<x@quarantine.test>", header=plain_header("x@quarantine.test"))
        self.assertRegex(reply.text, r"^451 4\.3\.0 ")
        self.assertTrue(d.wait_for_log("QID1: the MTA did not take the change: quarantine"))
        self.assertIn("action=tempfail cause=mta", d.wait_for_log("QID1: origin")[0])
        self.assertTrue(c.message().accepted)

    def test_one_that_lets_nobody_change_headers(self):
        d = self.daemon("", ZONE)
        with self.assertRaises(Vanished):
            Client(d.address, actions=0x02)
        d.wait_for_log("does not let milters change headers")
        self.assertTrue(d.client().message().accepted)


if __name__ == "__main__":
    harness.main()
