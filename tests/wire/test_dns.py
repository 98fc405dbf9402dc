#!/usr/bin/python3
"""DNS that is slow, silent or broken: the MTA is kept waiting, and nobody is rejected for it."""

import unittest
import os
import re
import signal
import threading
import time

import harness
from dns_server import SERVFAIL, SILENT, Slow
from milter_client import plain_header
from zones import ZONE

STRICT = """
dmarc = { on-reject = "reject"; };
spf = { on-fail = "reject"; on-permerror = "reject"; };
"""
SPF = {"TXT": ["v=spf1 -all"]}
DMARC = {"TXT": ["v=DMARC1; p=reject"]}


class Dns(harness.WireTest):
    def test_slow_answers_are_waited_for(self):
        zone = dict(ZONE, **{"slow.test": Slow(2.5, {"TXT": ["v=spf1 ip4:192.0.2.10 -all"]}), "_dmarc.slow.test": DMARC})
        d = self.daemon(STRICT, zone)
        c = d.client()
        start = time.monotonic()
        self.assertTrue(c.mail("<x@slow.test>", queue_id="SLOW").accepted)
        c.rcpt()
        for name, value in plain_header("x@slow.test"):
            c.header(name, value)
        c.end_of_header()
        self.assertLess(time.monotonic() - start, 1)  # nothing waits before the end of the message
        reply = c.end_of_message()
        self.assertTrue(reply.accepted, reply)
        self.assertIn("spf=pass", reply.edits[-1][3])
        self.assertGreaterEqual(reply.progress, 1)
        self.assertGreater(time.monotonic() - start, 2)

    def test_includes_are_walked_while_the_client_says_nothing(self):
        chain = [f"c{i}.test" for i in range(5)]
        zone = {name: Slow(0.05, {"TXT": [f"v=spf1 include:{after} -all"]}) for name, after in zip(chain, chain[1:])}
        zone[chain[-1]] = {"TXT": ["v=spf1 ip4:192.0.2.10 -all"]}
        d = self.daemon("", dict(ZONE, **zone))
        c = d.client()
        self.assertTrue(c.mail(f"<x@{chain[0]}>").accepted)
        harness.until(lambda: (chain[-1], "TXT") in d.dns.queries, "the last of the includes is asked for")
        c.rcpt()
        reply = c.content(plain_header(), b"x\r\n")
        self.assertIn("spf=pass", reply.edits[-1][3])
        self.assertEqual([name for name, _ in d.dns.queries if name in chain], chain)  # and nothing twice

    def test_silent(self):
        zone = dict(ZONE, **{"silent.test": SILENT, "_dmarc.silent.test": SILENT})
        d = self.daemon(STRICT, zone, dns='timeout = "20s"; deadline = "1s";')
        c = d.client()
        start = time.monotonic()
        reply = c.message("<x@silent.test>", header=plain_header("x@silent.test"))
        self.assertRegex(reply.text, r"^451 4\.7\.")
        self.assertLess(time.monotonic() - start, 3)
        self.assertIn("dmarc=temperror", d.wait_for_log("QID1: ")[0])

    def test_silent_and_only_tagged(self):
        zone = dict(ZONE, **{"silent.test": SILENT, "_dmarc.silent.test": SILENT})
        d = self.daemon('dmarc = { on-temperror = "tag"; };\n', zone, dns='timeout = "1s"; deadline = "1s";')
        reply = d.client().message("<x@silent.test>", header=plain_header("x@silent.test"))
        self.assertTrue(reply.accepted)
        self.assertIn("spf=temperror", reply.edits[-1][3])
        self.assertIn("dmarc=temperror", reply.edits[-1][3])

    def test_broken(self):
        cases = {
            "both": {"x.test": SERVFAIL, "_dmarc.x.test": SERVFAIL},
            "policy": {"x.test": SPF, "_dmarc.x.test": SERVFAIL},
            "spf": {"x.test": SERVFAIL, "_dmarc.x.test": DMARC},
        }
        for name, zone in cases.items():
            with self.subTest(broken=name):
                d = self.daemon('dmarc = { on-reject = "reject"; };\n', dict(ZONE, **zone), dns='failure-ttl = "0s";')
                reply = d.client().message("<a@x.test>", header=plain_header("a@x.test"))
                self.assertRegex(reply.text, r"^451 4\.7\.", reply)

    def test_temperror_of_spf_is_no_rejection(self):
        d = self.daemon('spf = { on-fail = "reject"; on-temperror = "tempfail"; };\n', dict(ZONE, **{"x.test": SERVFAIL}))
        reply = d.client().message("<a@x.test>")
        self.assertRegex(reply.text, r"^451 4\.7\.24 ")

    def test_validates_with_the_anchor_that_is_named(self):
        """Below an anchor every answer has to be signed. (libunbound itself says that nothing is below .test.)"""
        zone = {"a.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}}
        d = self.daemon("", zone, start=False)
        for name in "a.example", "b.example":
            (d.directory / name).write_text(f"{name}. IN DS 12345 13 2 {'ab' * 32}\n")

        def settings(anchor):
            d.dns_options = f'dnssec = "validate"; trust-anchor = "{d.directory}/{anchor}";'
            d.configure("")

        def spf():
            return re.search(r"spf=(\w+)", d.client().message("<x@a.example>").edits[-1][3]).group(1)

        settings("b.example")
        d.start()
        self.assertEqual(spf(), "pass")
        settings("a.example")
        self.assertTrue(d.reload())
        self.assertEqual(spf(), "temperror")
        settings("missing")
        self.assertFalse(d.reload())
        self.assertTrue(d.lines(f"error: dns: .*{d.directory}/missing"), d.log())

    def test_early_decision_waits_no_longer_than_it_may(self):
        """spf.reject-at = "mail" with a silent domain: put off to the end of the message."""
        d = self.daemon('spf = { on-fail = "reject"; reject-at = "mail"; };\n', dict(ZONE, **{"silent.test": SILENT}),
                        dns='timeout = "3s"; deadline = "2s"; early-wait = "1s";')
        c = d.client()
        start = time.monotonic()
        self.assertTrue(c.mail("<a@silent.test>").accepted)
        took = time.monotonic() - start
        self.assertGreater(took, 0.8)
        self.assertLess(took, 1.8)
        c.rcpt()
        self.assertLess(time.monotonic() - start, took + 0.5)
        reply = c.content(plain_header(), b"x\r\n")
        self.assertIn("spf=temperror", reply.edits[-1][3])
        self.assertLess(time.monotonic() - start, 4)

    def test_others_are_not_kept_waiting(self):
        """Forty messages of silent domains at once; ordinary mail goes through beside them."""
        zone = dict(ZONE)
        for i in range(40):
            zone[f"s{i}.test"] = SILENT
            zone[f"_dmarc.s{i}.test"] = SILENT
        d = self.daemon("", zone, dns='timeout = "3s"; deadline = "4s";')
        d.client().message()
        replies = []

        def one(i):
            replies.append(d.client().message(f"<x@s{i}.test>", header=plain_header(f"x@s{i}.test")))

        threads = [threading.Thread(target=one, args=(i,)) for i in range(40)]
        for t in threads:
            t.start()
        time.sleep(0.5)
        c = d.client()
        start = time.monotonic()
        for _ in range(20):
            self.assertTrue(c.message().accepted)
        self.assertLess(time.monotonic() - start, 10 if harness.SANITIZED else 2)
        self.assertEqual(replies, [])
        for t in threads:
            t.join()
        self.assertEqual({r.code for r in replies}, {"451"})

    def test_no_resolver_answers(self):
        """The operator hears of it once, and once more when one answers again."""
        d = self.daemon("", ZONE, dns='timeout = "300ms"; deadline = "1s"; failure-ttl = "0s";')
        d.client().message()
        d.dns.dead = True

        def complaint():
            reply = d.client().message("<x@slow.test>", header=plain_header("x@slow.test"))
            self.assertEqual(reply.code, "451")
            return d.lines("no resolver answers")

        harness.until(complaint, "a warning")
        for _ in range(3):
            complaint()
        d.dns.dead = False
        d.client().message("<x@other.test>", header=plain_header("x@other.test"))
        d.wait_for_log("a resolver answers again")
        self.assertRegex(d.lines("no resolver answers")[0], r"(?i)warning.* \d+ queries failed in \d+ s")
        self.assertEqual(len(d.lines("no resolver answers")), 1)
        self.assertEqual(len(d.lines("a resolver answers again")), 1)

    def prepared(self, d, domain):
        """A connection on which only the end of the message is missing."""
        c = d.client()
        c.mail(f"<x@{domain}>"), c.rcpt()
        for name, value in plain_header(f"x@{domain}"):
            c.header(name, value)
        c.end_of_header()
        c.body(b"x\r\n")
        return c

    def test_who_waits_keeps_nobody_waiting(self):
        """Commands that come at the same moment, and most of them wait for DNS."""
        for tcp in (False, True):
            with self.subTest(tcp=tcp):
                d = self.daemon("", dict(ZONE, **{"silent.test": SILENT, "_dmarc.silent.test": SILENT}),
                                dns='timeout = "10s"; deadline = "6s";', tcp=tcp)
                silent = [self.prepared(d, "silent.test") for _ in range(30)]
                good = [self.prepared(d, "example.test") for _ in range(10)]
                os.kill(d.process.pid, signal.SIGSTOP)
                for c in silent + good:
                    c.send("E")
                start = time.monotonic()
                os.kill(d.process.pid, signal.SIGCONT)
                for c in good:
                    self.assertTrue(c.reply().accepted)
                self.assertLess(time.monotonic() - start, 4)
                for c in silent:
                    self.assertEqual(c.reply().code, "451")
                for c in silent + good:
                    c.quit()

    def test_a_silent_zone_is_no_dead_resolver(self):
        d = self.daemon("", dict(ZONE, **{"silent.test": SILENT, "_dmarc.silent.test": SILENT}),
                        dns='timeout = "300ms"; deadline = "1s"; failure-ttl = "0s";')

        def doubt():
            d.client().message("<x@silent.test>", header=plain_header("x@silent.test"))
            return ("", "TXT") in d.dns.queries

        harness.until(doubt, "a question for the root")
        d.client().message("<x@silent.test>", header=plain_header("x@silent.test"))
        self.assertEqual(d.lines("no resolver answers"), [])

    def test_abort_and_vanishing_while_dns_is_waited_for(self):
        d = self.daemon("", dict(ZONE, **{"silent.test": SILENT, "_dmarc.silent.test": SILENT}), dns='timeout = "1s"; deadline = "1s";')
        for _ in range(5):
            c = d.client()
            c.mail("<x@silent.test>"), c.rcpt()
            for name, value in plain_header("x@silent.test"):
                c.header(name, value)
            c.end_of_header()
            c.send("E")
            time.sleep(0.2)  # what was not read of a connection that is gone is not judged
            c.vanish()
            c = d.client()
            c.mail("<x@silent.test>"), c.rcpt()
            c.vanish()
        d.wait_for_log("action=", 5)
        self.assertTrue(d.client().message().accepted)

    def test_stop_while_dns_is_waited_for(self):
        d = self.daemon("", dict(ZONE, **{"silent.test": SILENT, "_dmarc.silent.test": SILENT}), dns='timeout = "2s"; deadline = "2s";')
        answers = []
        c = d.client()
        t = threading.Thread(target=lambda: answers.append(c.message("<x@silent.test>", header=plain_header("x@silent.test"))))
        t.start()
        time.sleep(0.5)
        self.assertEqual(d.stop(), 0)
        t.join()
        self.assertEqual([a.code for a in answers], ["451"])


if __name__ == "__main__":
    harness.main()
