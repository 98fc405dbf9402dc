#!/usr/bin/python3
"""The field's libraries behind the daemon: as engines, whose result counts, and for sampled mail, off its way."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import harness
from dns_server import SERVFAIL, Slow
from harness import BINARY, until
from milter_client import plain_header
from traffic import Keys, results_of
from zones import ZONE

EX_CONFIG = 78
ENGINES = 'spf = { engine = "libspf2"; }; dkim = { engine = "libopendkim"; };\n'
SAMPLE = "reference = { sample = 1; };\n"
# Three look-ups without answer: permerror (RFC 7208 4.6.4), and a pass to libspf2.
VOID = {"TXT": ["v=spf1 a:n1.void.test a:n2.void.test a:n3.void.test ip4:192.0.2.0/24 -all"]}

# A worker that says who it is, and nothing more.
SILENT_WORKER = """#!/usr/bin/python3
import os, struct, time
hello = struct.pack("!I", 1) + b"".join(struct.pack("!I", 4) + b"none" for _ in range(3))
os.write(3, struct.pack("!IB", len(hello) + 1, 1) + hello)
while os.read(3, 65536):
    pass
"""


def spf_of(reply):
    return re.search(r"\bspf=(\w+)", results_of(reply)).group(1)


def dkim_of(reply):
    return re.search(r"\bdkim=(\w+)", results_of(reply)).group(1)


class ReferenceTest(harness.WireTest):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="assay-reference-")
        cls.path = pathlib.Path(cls.directory.name)
        cls.keys = Keys(cls.path)
        cls.zone = {**ZONE, **cls.keys.zone(), "void.test": VOID}
        # A tag that stands twice is no key record (RFC 6376 3.2), and one to OpenDKIM.
        record = cls.zone["rsa._domainkey.example.test"]["TXT"][0]
        cls.zone["rsa._domainkey.twice.test"] = {"TXT": [record + "; n=one; n=two"]}
        cls.zone["twice.test"] = {"TXT": ["v=spf1 -all"]}
        cls.zone["_dmarc.twice.test"] = {"TXT": ["v=DMARC1; p=reject"]}
        cls.path.chmod(0o755)
        cls.silent = cls.path / "silent"
        cls.silent.write_text(SILENT_WORKER)
        cls.silent.chmod(0o755)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def signed(self, domain, body=b"Hello\r\n"):
        return self.keys.sign(domain, "rsa", plain_header(f"a@{domain}"), body)

    def ask(self, d, sender, **message):
        c = d.client()
        reply = c.message(sender, **message)
        c.quit()
        return reply

    def counted(self, d, **wanted):
        """Waits for counters: engine_results=1."""
        names = {name.replace("_", "-"): value for name, value in wanted.items()}

        def there():
            counters = d.counters()
            return all(counters[name] == value for name, value in names.items()) and counters

        try:
            return until(there, f"{names}")
        except AssertionError as late:
            raise AssertionError(f"{late}; counters are {d.counters()}\n{d.log()[-3000:]}") from None


class Engines(ReferenceTest):
    def test_libspf2_decides(self):
        d = self.daemon("", self.zone)
        self.assertEqual(spf_of(self.ask(d, "<a@void.test>")), "permerror")
        self.assertEqual(d.children(), [])
        self.assertTrue(d.reload(ENGINES))
        self.assertEqual(spf_of(self.ask(d, "<a@void.test>")), "pass")
        self.assertEqual(spf_of(self.ask(d, "<a@strict.test>", header=plain_header("a@spf.test"))), "fail")
        self.counted(d, engine_results=2, engine_fallbacks=0, reference_answered=2)

    def test_a_refusal_is_no_alarm(self):
        zone = {**self.zone, "odd.test": {"TXT": ["v=spf1 ip4:192.0.2.0/24 nonsense:x -all"]}}
        d = self.daemon(ENGINES, zone)
        for _ in range(3):
            self.assertEqual(spf_of(self.ask(d, "<a@odd.test>")), "permerror")
        self.counted(d, engine_fallbacks=3, reference_refused=3)
        self.assertEqual(len(d.lines("libspf2 gave no result: refused")), 1)
        self.assertEqual(d.lines("warning: libspf2"), [])

    def test_libopendkim_decides_and_dmarc_goes_by_it(self):
        d = self.daemon('dmarc = { on-reject = "reject"; };', self.zone)
        header = self.signed("twice.test")
        self.assertEqual(self.ask(d, "<a@twice.test>", header=header).code, "550")
        self.assertTrue(d.reload('dmarc = { on-reject = "reject"; };' + ENGINES))
        reply = self.ask(d, "<a@twice.test>", header=header)
        self.assertTrue(reply.accepted, reply)
        self.assertEqual(dkim_of(reply), "pass")
        self.assertIn("dmarc=pass", results_of(reply))
        self.assertIn("header.d=twice.test", results_of(reply))

    def test_a_body_in_many_pieces(self):
        d = self.daemon(ENGINES, self.zone)
        body = b"".join(b"line %d of it \r\n" % n for n in range(60000))
        header = self.signed("example.test", body)
        reply = self.ask(d, "<a@example.test>", header=header, body=body)
        self.assertEqual(dkim_of(reply), "pass")
        self.assertEqual(dkim_of(self.ask(d, "<a@example.test>", header=header, body=body + b"x\r\n")), "fail")
        self.counted(d, engine_results=4)

    def test_dns_trouble_is_no_failure(self):
        zone = {**self.zone, "doubt.test": {"TXT": ["v=spf1 a:broken.test -all"]}, "broken.test": SERVFAIL}
        d = self.daemon(ENGINES, zone)
        self.assertEqual(spf_of(self.ask(d, "<a@doubt.test>", header=plain_header("a@spf.test"))), "temperror")
        self.counted(d, engine_not_asked=1, engine_results=0)

    def test_a_body_beyond_the_memory(self):
        d = self.daemon(ENGINES + 'reference = { memory = "1M"; };', self.zone)
        body = b"0123456789abcdef" * 65536 * 2 + b"\r\n"
        header = self.signed("twice.test", body)
        self.assertEqual(dkim_of(self.ask(d, "<a@example.test>", header=header, body=body)), "permerror")
        self.counted(d, engine_not_asked=1)
        self.assertEqual(dkim_of(self.ask(d, "<a@example.test>", header=self.signed("twice.test"))), "pass")

    def test_a_worker_that_hangs(self):
        d = self.daemon(ENGINES + f'reference = {{ program = "{self.silent}"; time-limit = "200ms"; }};', self.zone)
        begun = time.monotonic()
        reply = self.ask(d, "<a@example.test>", header=self.signed("example.test"))
        self.assertLess(time.monotonic() - begun, harness.PATIENCE)
        self.assertEqual((spf_of(reply), dkim_of(reply)), ("pass", "pass"))
        self.assertIn("dmarc=pass", results_of(reply))
        counters = self.counted(d, engine_fallbacks=2, engine_results=0)
        self.assertGreaterEqual(counters["reference-timed-out"], 1)
        self.assertEqual(len(d.lines("warning: libspf2 gave no result: timed out")), 1)

    def test_workers_killed_under_load(self):
        d = self.daemon(ENGINES, self.zone)
        header = self.signed("example.test")
        load = Load(d, header)
        killed = 0
        while killed < 30 and not load.wrong:
            for pid in d.children():
                try:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        load.end()
        self.assertEqual(load.wrong, [])
        self.assertGreater(load.taken, 0)
        counters = self.counted(d, accepted=load.taken, spf_pass=load.taken, dkim_pass=load.taken)
        self.assertEqual(counters["engine-results"] + counters["engine-fallbacks"], 2 * load.taken)
        self.assertEqual(self.ask_until_result(d, header), "pass")
        # Lines are at most one a minute and library.
        self.assertLessEqual(len(d.lines("gave no result")), 2)

    def ask_until_result(self, d, header):
        """Workers come back: the library's result counts again."""
        before = d.counters()["engine-results"]

        def counts_again():
            self.last = self.ask(d, "<a@example.test>", header=header)
            return d.counters()["engine-results"] > before

        until(counts_again, "a result of a new worker")
        return dkim_of(self.last)


class Load:
    """Signed messages over several connections in the background: each has to pass."""

    def __init__(self, d, header, connections=4):
        self.d, self.header = d, header
        self.stopping = False
        self.taken = 0
        self.wrong = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(connections)]
        for t in self.threads:
            t.start()

    def run(self, number):
        try:
            c = self.d.client()
            while not self.stopping and not self.wrong:
                self.one(c.message("<a@example.test>", header=self.header, queue_id=f"L{number}"))
            c.quit()
        except Exception as trouble:  # whatever it is, the test has to tell
            self.wrong.append(repr(trouble))

    def one(self, reply):
        with self.lock:
            self.taken += 1
        if not reply.accepted or not re.search(r"spf=pass.*dkim=pass.*dmarc=pass", results_of(reply), re.DOTALL):
            self.wrong.append(repr(reply))

    def end(self):
        self.stopping = True
        for t in self.threads:
            t.join()


class Configuration(ReferenceTest):
    def test_reloads_switch_engines_under_load(self):
        d = self.daemon("", self.zone)
        load = Load(d, self.signed("example.test"))
        for config in (ENGINES, "", ENGINES + "reference = { workers = 3; };", ENGINES, SAMPLE, "") * 2:
            taken = load.taken
            self.assertTrue(d.reload(config), d.log()[-3000:])
            until(lambda: load.taken > taken + 20 or load.wrong, "more mail")
        load.end()
        self.assertEqual(load.wrong, [])
        until(lambda: not d.children(), "the workers to end with the last snapshot that has them")
        counters = self.counted(d, accepted=load.taken, engine_fallbacks=0)
        self.assertGreater(counters["engine-results"], 0)

    def test_the_same_settings_keep_the_workers_and_others_replace_them(self):
        d = self.daemon(ENGINES + SAMPLE, self.zone)
        self.ask(d, "<a@example.test>")
        before = until(lambda: len(d.children()) == 2 and d.children(), "two workers")
        self.assertTrue(d.reload('spf = { engine = "libspf2"; };'))
        self.ask(d, "<a@example.test>")
        self.assertEqual(sorted(d.children()), sorted(before))
        self.assertTrue(d.reload(ENGINES + "reference = { workers = 3; };"))
        after = until(lambda: len(d.children()) == 3 and d.children(), "three others")
        self.assertFalse(set(after) & set(before))

    def test_a_program_that_is_not_there(self):
        missing = ENGINES + 'reference = { program = "/nonexistent/assay-reference"; };'
        d = self.daemon(missing, self.zone, start=False)
        d.launch()
        self.assertEqual(d.wait(), EX_CONFIG)
        self.assertIn("assay-reference cannot be started: ", d.log())
        d.configure("")
        d.log_path.unlink()
        d.start()
        self.assertFalse(d.reload(missing))
        self.assertIn("assay-reference cannot be started: ", d.log())
        self.assertTrue(self.ask(d, "<a@example.test>").accepted)
        check = subprocess.run([BINARY, "config", "check", "-c", str(d.path)], capture_output=True, text=True)
        self.assertEqual(check.returncode, EX_CONFIG)
        self.assertRegex(check.stderr, r"assay\.conf:\d+: spf\.engine: assay-reference cannot be started: ")
        d.configure(ENGINES)
        check = subprocess.run([BINARY, "config", "check", "-c", str(d.path)], capture_output=True, text=True)
        self.assertEqual((check.returncode, check.stderr), (0, ""))


class Sample(ReferenceTest):
    def test_agreement_and_disagreement(self):
        d = self.daemon(SAMPLE, self.zone)
        reply = self.ask(d, "<a@example.test>", header=self.signed("example.test"), queue_id="AGREED")
        self.assertEqual(dkim_of(reply), "pass")
        self.counted(d, reference_sampled=1, reference_agreed=3, reference_skipped=0)
        self.assertEqual(d.lines("reference: "), [])
        reply = self.ask(d, "<a@void.test>", header=self.signed("twice.test"), queue_id="DIFFERS")
        self.assertEqual((spf_of(reply), dkim_of(reply)), ("permerror", "permerror"))
        self.counted(d, reference_sampled=2, reference_differs_libspf2=1, reference_differs_libopendkim=1)
        spf = d.lines(r"DIFFERS: reference: SPF: libspf2 says pass, we say permerror \(spf-void-lookups, RFC 7208 4\.6\.4\)")
        dkim = d.lines(r"DIFFERS: reference: DKIM.*: libopendkim says pass, we say permerror \(dkim-")
        self.assertEqual((len(spf), len(dkim)), (1, 1), d.log())

    def test_ours_beside_theirs_whatever_engine_decides(self):
        d = self.daemon(ENGINES + SAMPLE, self.zone)
        reply = self.ask(d, "<a@void.test>", header=self.signed("twice.test"))
        self.assertEqual((spf_of(reply), dkim_of(reply)), ("pass", "pass"))
        self.counted(d, reference_sampled=1, reference_differs_libspf2=1, reference_differs_libopendkim=1)

    def test_a_library_that_waits_for_dns_after_the_end(self):
        """Ours is sure after three names, libspf2 asks for a fourth: by then the connection is gone."""
        record = "v=spf1 a:n1.void.test a:n2.void.test a:n3.void.test a:slow.test ip4:192.0.2.0/24 -all"
        zone = {**self.zone, "void.test": {"TXT": [record]}, "slow.test": Slow(2.5, {"A": ["198.51.100.7"]})}
        d = self.daemon(SAMPLE, zone)
        begun = time.monotonic()
        self.assertEqual(spf_of(self.ask(d, "<a@void.test>")), "permerror")
        self.assertLess(time.monotonic() - begun, 2.5)
        self.counted(d, reference_sampled=1, reference_differs_libspf2=1)
        self.assertGreater(time.monotonic() - begun, 2.5)

    def test_a_bounce_is_judged_after_its_connection(self):
        """SPF is about the HELO name then, which is the connection's; ASan tells who looks at it too late."""
        d = self.daemon(SAMPLE, self.zone)
        for _ in range(20):
            c = d.client(helo="localhost")
            self.assertTrue(c.message("<>", header=self.signed("example.test")).accepted)
            c.quit()
        counters = until(lambda: (lambda k: k["reference-sampled"] == 20 and k)(d.counters()), "sampled mail")
        self.assertEqual(counters["reference-agreed"], 60)

    def test_dns_trouble_is_no_disagreement(self):
        zone = {**self.zone, "doubt.test": {"TXT": ["v=spf1 a:broken.test -all"]}, "broken.test": SERVFAIL}
        zone["rsa._domainkey.example.test"] = SERVFAIL
        d = self.daemon(SAMPLE + 'dmarc = { on-temperror = "tag"; };', zone)
        reply = self.ask(d, "<a@doubt.test>", header=self.signed("example.test"))
        self.assertEqual((spf_of(reply), dkim_of(reply)), ("temperror", "temperror"))
        self.counted(d, reference_sampled=1, reference_answered=0)
        # Ours is sure that it fails, whatever the key; OpenDKIM's temperror says something of the DNS alone.
        reply = self.ask(d, "<a@example.test>", header=self.signed("example.test"), body=b"Changed\r\n")
        self.assertEqual((spf_of(reply), dkim_of(reply)), ("pass", "fail"))
        self.counted(d, reference_sampled=2, reference_answered=3, reference_agreed=2, reference_differs_libopendkim=0)

    def test_only_inbound_mail_and_only_its_share(self):
        d = self.daemon(SAMPLE, self.zone)
        c = d.client(address="198.51.100.1")
        c.message()
        c.quit()
        self.ask(d, "<a@example.test>")
        self.counted(d, reference_sampled=1, ours=1, inbound=1)
        self.assertTrue(d.reload("reference = { sample = 0.25; };"))
        c = d.client()
        for _ in range(200):
            c.message()
        c.quit()
        counters = until(lambda: (lambda k: k["reference-sampled"] > 20 and k)(d.counters()), "sampled mail")
        self.assertLess(counters["reference-sampled"] + counters["reference-skipped"], 90)

    def test_a_queue_that_is_full(self):
        d = self.daemon(f'reference = {{ sample = 1; program = "{self.silent}"; time-limit = "30s"; }}; shutdown-grace = "1s";', self.zone)
        c = d.client()
        begun = time.monotonic()
        for _ in range(300):
            self.assertTrue(c.message().accepted)
        c.quit()
        self.assertLess(time.monotonic() - begun, 28)  # nobody waited for a worker
        counters = d.counters()
        self.assertEqual(counters["messages"], 300)
        self.assertIn(counters["reference-skipped"], range(40, 60))
        begun = time.monotonic()
        self.assertEqual(d.stop(), 0)
        self.assertLess(time.monotonic() - begun, 10)

    def test_memory_that_is_full(self):
        d = self.daemon(f'reference = {{ sample = 1; memory = "1M"; program = "{self.silent}"; time-limit = "30s"; }}; shutdown-grace = "0s";', self.zone)
        body = b"x" * 200000 + b"\r\n"
        header = self.signed("example.test", body)
        c = d.client()
        for _ in range(12):
            self.assertEqual(dkim_of(c.message(header=header, body=body)), "pass")
        c.quit()
        self.assertIn(d.counters()["reference-skipped"], (7, 8))

    def test_memory_that_headers_fill(self):
        d = self.daemon(f'reference = {{ sample = 1; memory = "1M"; program = "{self.silent}"; time-limit = "30s"; }}; shutdown-grace = "0s";', self.zone)
        c = d.client()
        for _ in range(20):
            self.assertTrue(c.message(header=plain_header(**{f"X_{n}": " " + "x" * 1000 for n in range(100)})).accepted)
        c.quit()
        self.assertIn(d.counters()["reference-skipped"], range(8, 17))

    def test_stop_waits_for_the_sampled(self):
        d = self.daemon(f'reference = {{ sample = 1; program = "{self.silent}"; time-limit = "200ms"; }};', self.zone)
        c = d.client()
        for _ in range(4):
            c.message()
        c.quit()
        self.assertEqual(d.stop(), 0)
        text = "\n".join(d.lines("counters:"))
        self.assertIn("reference-sampled=4", text)
        self.assertNotIn("reference-skipped", text)


if __name__ == "__main__":
    harness.main()
