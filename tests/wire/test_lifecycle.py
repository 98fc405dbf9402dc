#!/usr/bin/python3
"""Reload, signals, stop, keys that cannot be used, and mail that goes on meanwhile."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import harness
from harness import BINARY
from milter_client import NOBODY, Vanished, plain_header
from zones import ZONE

EX_CONFIG = 78


class Load:
    """Messages over several connections in the background, and what became of them."""

    def __init__(self, d, connections=4, tolerant=False):
        self.d = d
        self.tolerant = tolerant  # of 451 and of a daemon that ends
        self.stopping = False
        self.taken = 0
        self.refused = 0
        self.cut = 0
        self.wrong = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(connections)]
        for t in self.threads:
            t.start()

    def run(self, number):
        i = 0
        while not self.stopping:
            c = None
            try:
                c = self.d.client(style="sendmail" if number % 2 else "postfix")
                for _ in range(10):
                    i += 1
                    if self.one(c, f"L{number}M{i}") or self.stopping:
                        break
                c.quit()
            except (Vanished, OSError) as trouble:
                if not self.tolerant:
                    self.wrong.append(repr(trouble))
                    return
                if c is None:
                    return

    def one(self, c, queue_id):
        """True if the daemon is stopping."""
        if not c.mail(queue_id=queue_id).accepted:
            self.refused += 1
            return True
        try:
            c.rcpt()
            reply = c.content(plain_header(), b"x\r\n" * 100)
        except Vanished:
            self.cut += 1
            raise
        with self.lock:
            self.taken += 1
        if not reply.accepted or len(reply.edits) != 2:
            self.wrong.append(repr(reply))
        return False

    def until_taken(self, n):
        harness.until(lambda: self.taken >= n or self.wrong, f"{n} messages more")

    def end(self):
        self.stopping = True
        for t in self.threads:
            t.join()


class Reload(harness.WireTest):
    def test_good_and_bad_under_load(self):
        """No message is lost; a bad configuration changes nothing and is told with its line."""
        d = self.daemon("", ZONE)
        load = Load(d)
        for round_ in range(4):
            load.until_taken(load.taken + 50)
            self.assertTrue(d.reload(f"dkim = {{ key-cache-size = \"{round_ + 1}M\"; }};\n"))
            load.until_taken(load.taken + 50)
            self.assertFalse(d.reload("spf = { on-fail = \"maybe\"; };\nnonsense = 1;\n"))
        load.end()
        self.assertEqual(load.wrong, [])
        errors = [line for line in d.lines(r"error: .*assay\.conf:\d+: ")]
        self.assertTrue([e for e in errors if "on-fail" in e], errors)
        self.assertTrue([e for e in errors if "nonsense" in e], errors)
        found = d.counters()
        self.assertEqual((found["reloads"], found["reloads-failed"]), (4, 4))
        self.assertEqual(len(d.wait_for_log(r"L\d+M\d+: .*action=accept", load.taken)), load.taken)

    def test_takes_effect_and_not_within_a_message(self):
        d = self.daemon("", ZONE)
        header = plain_header("x@strict.test")
        c, other = d.client(), d.client()
        c.mail("<x@strict.test>"), c.rcpt()
        self.assertTrue(d.reload('dmarc = { on-reject = "reject"; };\n'))
        self.assertEqual(other.message("<x@strict.test>", header=header).code, "550")
        self.assertTrue(c.content(header, b"x\r\n").accepted)
        self.assertEqual(c.message("<x@strict.test>", header=header).code, "550")
        self.assertFalse(d.reload("dmarc = { on-reject = 7; };\n"))
        self.assertEqual(c.message("<x@strict.test>", header=header).code, "550")
        self.assertTrue(d.reload(""))
        self.assertTrue(c.message("<x@strict.test>", header=header).accepted)

    def test_refusal_at_rcpt_that_was_not_negotiated(self):
        d = self.daemon("", ZONE)
        c = d.client()
        self.assertTrue(d.reload('spf = { on-fail = "reject"; reject-at = "rcpt"; };\n'))
        reply = c.message("<x@spf.test>", header=plain_header("x@spf.test"))
        self.assertRegex(reply.text, r"^550 5\.7\.23 ")
        self.assertEqual(d.client().message("<x@spf.test>").code, "550")

    def test_checks_that_need_the_body_may_come_later(self):
        d = self.daemon('dkim = { mode = "off"; };\n', ZONE)
        c = d.client()
        self.assertNotIn("dkim=", c.message().edits[-1][3])
        self.assertTrue(d.reload(""))
        signature = ("DKIM-Signature", " v=1; a=rsa-sha256; d=example.test; s=none; h=from; bh=qqqq; b=qqqq")
        self.assertIn("dkim=permerror", c.message(header=[signature] + plain_header()).edits[-1][3])
        self.assertRegex(d.lines("QID1")[-1], r"size=[2-9]\d\d")
        self.assertFalse(c.steps & NOBODY)

    def test_list_files_are_read_again(self):
        d = self.daemon("", ZONE, start=False)
        networks = d.directory / "relays"
        networks.write_text("203.0.113.0/24\n")
        config = f'relay-networks = [ "!192.0.2.11", "file:{networks}" ];\n'
        d.configure(config)
        d.start()

        def origin(address):
            c = d.client(address=address)
            before = len(d.lines("origin="))
            c.message()
            c.quit()
            return re.search(r"origin=(\w+)", d.wait_for_log("origin=", before + 1)[-1]).group(1)

        self.assertEqual(origin("192.0.2.10"), "inbound")
        networks.write_text("203.0.113.0/24\n192.0.2.0/24\n")
        self.assertEqual(origin("192.0.2.10"), "inbound")
        self.assertTrue(d.reload())
        self.assertEqual(origin("192.0.2.10"), "relayed")
        self.assertEqual(origin("192.0.2.11"), "inbound")
        networks.write_text("192.0.2.0/33\n")
        self.assertFalse(d.reload())
        self.assertTrue(d.lines(rf'{networks}:1: relay-networks: "192\.0\.2\.0/33" has a prefix length'))
        networks.unlink()
        self.assertFalse(d.reload())
        self.assertEqual(origin("192.0.2.10"), "relayed")

    def test_keys_come_and_go(self):
        d = self.daemon("", ZONE)
        key = d.directory / "k.pem"
        signing = f'signing = ( {{ domain = "example.test"; keys = ( {{ selector = "s"; file = "{key}"; }} ); }} );\n'
        self.assertFalse(d.reload(signing))
        self.assertTrue(d.lines(r"error: .*k\.pem"))
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", key], check=True)
        key.chmod(0o600)
        self.assertTrue(d.reload(signing))
        c = d.client(address="127.0.0.1")
        self.assertEqual([e[2] for e in c.message().edits], ["DKIM-Signature"])
        self.assertTrue(d.reload(""))
        self.assertEqual(c.message().edits, [])

    def test_what_needs_a_restart_is_said(self):
        d = self.daemon("", ZONE)
        config = d.path.read_text()
        changed = 'pid-file = "/nowhere/x";\nuser = "daemon";\nstate-dir = "/nowhere";\nsyslog-ident = "other";\n'
        config = config.replace(d.listen, "inet:1@127.0.0.1").replace(f'state-dir = "{d.directory}";\n', "")
        d.path.write_text(config + changed)
        self.assertTrue(d.reload())
        for option in ("listen", "pid-file", "user", "state-dir", "syslog-ident"):
            self.assertTrue(d.lines(f"warning: {option} has changed"), option)
        self.assertTrue(d.client().message().accepted)

    def test_other_dns_settings_open_another_resolver(self):
        d = self.daemon("", ZONE)
        c = d.client()
        c.mail(), c.rcpt()
        for i in range(3):
            d.dns_options = f'timeout = "{i + 1}s";'
            self.assertTrue(d.reload(""))
            self.assertTrue(d.client().message().accepted)
        self.assertTrue(c.content(plain_header(), b"x\r\n").accepted)
        self.assertGreaterEqual(len([q for q in d.dns.queries if q == ("_dmarc.example.test", "TXT")]), 4)
        self.assertTrue(d.reload(""))  # the same settings: the answers are still known
        before = len(d.dns.queries)
        self.assertTrue(d.client().message().accepted)
        self.assertEqual(d.dns.queries[before:], [], d.dns.queries)

    def test_a_small_cache_forgets(self):
        d = self.daemon("", ZONE, dns='cache-size = "64K";')
        domains = [f"d{i}.test" for i in range(600)]

        def ask():
            before = len(d.dns.queries)
            c = d.client()
            for domain in domains:
                c.message(f"<x@{domain}>")
            c.quit()
            return [name for name, kind in d.dns.queries[before:] if name in domains]

        self.assertEqual(ask(), domains)
        self.assertEqual(ask(), domains)  # the oldest had to make room, each time
        d.dns_options = 'cache-size = "8M";'
        self.assertTrue(d.reload(""))
        self.assertEqual((ask(), ask()), (domains, []))

    def test_log_level(self):
        d = self.daemon('log-level = "warning";\n', ZONE, start=False)
        d.launch()
        harness.until(lambda: pathlib.Path(d.address).exists(), "the socket")
        c = harness.until(lambda: self.connected(d), "an answer")
        self.assertTrue(c.message().accepted)
        self.assertEqual(d.lines("listening|QID1"), [])
        d.configure("")
        d.signal(signal.SIGHUP)
        d.wait_for_log("reloaded")
        c.message()
        d.wait_for_log("QID1: ")

    def test_log_lines_begin_with_the_name(self):
        d = self.daemon('syslog-ident = "assay-out";\n', ZONE)
        self.assertTrue(d.client().message().accepted)
        d.wait_for_log("^assay-out: QID1: ")
        self.assertEqual(d.lines("^(?!assay-out: )"), [])

    @staticmethod
    def connected(d):
        try:
            return d.client()
        except OSError:
            return None


class Signals(harness.WireTest):
    def test_burst(self):
        """Signals that come faster than they are handled."""
        d = self.daemon("", ZONE)
        c = d.client()
        for _ in range(300):
            d.signal(signal.SIGUSR1)
            d.signal(signal.SIGHUP)
        self.assertTrue(c.message().accepted)
        self.assertTrue(d.reload(""))
        self.assertTrue(d.client().message().accepted)

    def test_counters_are_all_there(self):
        d = self.daemon("", ZONE)
        table = (harness.TOP / "lib/base/counters.def").read_text()
        rows = re.findall(r'(?m)^COUNTER\(\w+,\s*"([^"]+)",\s*"([^"]+)"\)', table)
        self.assertEqual(set(d.counters()), {name for name, _ in rows})
        manual = (harness.TOP / "milter/assay.8").read_text()
        section = "".join(f".It {name}\n{sentence[0].upper()}{sentence[1:]}.\n" for name, sentence in rows)
        self.assertTrue(section in manual, "COUNTERS in milter/assay.8 should be\n" + section)


class Stop(harness.WireTest):
    def test_idle_is_prompt(self):
        d = self.daemon("", ZONE)
        clients = [d.client() for _ in range(10)]
        clients[0].message()
        start = time.monotonic()
        self.assertEqual(d.stop(), 0)
        self.assertLess(time.monotonic() - start, 10 if harness.SANITIZED else 1)
        self.assertTrue(d.lines("stopped"))
        counted = re.findall(r"([a-z0-9-]+)=(\d+)", " ".join(d.lines("counters:")))
        self.assertIn(("messages", "1"), counted)
        self.assertNotIn("0", [value for _, value in counted])
        self.assertFalse(os.path.exists(d.address))

    def test_interrupt(self):
        d = self.daemon("", ZONE)
        d.signal(signal.SIGINT)
        self.assertEqual(d.wait(), 0)
        self.assertFalse(d.lines("counters:"))  # nothing was counted

    def test_open_transactions_may_end(self):
        d = self.daemon("", ZONE)
        clients = [d.client() for _ in range(6)]
        for i, c in enumerate(clients[:4]):
            c.mail()
            if i > 0:
                c.rcpt()
            if i > 1:
                c.header("From", " a@example.test")
        d.signal(signal.SIGTERM)
        d.wait_for_log("stopping")
        for c in clients[4:]:
            reply = c.mail()
            self.assertRegex(reply.text, r"^451 4\.3\.2 ")
        self.assertRegex(d.client().mail().text, r"^451 4\.3\.2 ")  # a connection that came later
        time.sleep(0.7)
        clients[0].abort()
        for c in clients[1:2]:
            self.assertTrue(c.content(plain_header(), b"x\r\n").accepted)
        for c in clients[2:4]:
            c.end_of_header()
            reply = c.end_of_message()
            self.assertTrue(reply.accepted)
            self.assertEqual(len(reply.edits), 2)
        self.assertEqual(d.wait(), 0)

    def test_the_last_answer_gets_through(self):
        """It leaves the daemon after the transaction has ended: the process must not be gone by then."""
        for _ in range(10):
            d = self.daemon("", ZONE)
            c = d.client()
            c.mail(), c.rcpt()
            d.signal(signal.SIGTERM)
            d.wait_for_log("stopping")
            self.assertTrue(c.content(plain_header(), b"x\r\n").accepted)
            self.assertEqual(d.wait(), 0)

    def test_grace_is_bounded(self):
        self.cut_expected = True
        d = self.daemon('shutdown-grace = "1s";\n', ZONE)
        c = d.client()
        c.mail()
        start = time.monotonic()
        self.assertEqual(d.stop(), 0)
        self.assertLess(abs(time.monotonic() - start - 1.2), 10 if harness.SANITIZED else 0.7)
        self.assertTrue(d.lines("1 open transactions are cut"))
        with self.assertRaises(Vanished):
            c.rcpt(), c.end_of_message()

    def test_second_signal_ends_the_waiting(self):
        self.cut_expected = True
        d = self.daemon('shutdown-grace = "1m";\n', ZONE)
        c = d.client()
        c.mail()
        start = time.monotonic()
        d.signal(signal.SIGTERM)
        d.wait_for_log("stopping")
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(), 0)
        self.assertLess(time.monotonic() - start, 10)

    def test_under_load(self):
        d = self.daemon("", ZONE)
        load = Load(d, connections=8, tolerant=True)
        load.until_taken(100)
        start = time.monotonic()
        self.assertEqual(d.stop(), 0)
        took = time.monotonic() - start
        load.end()
        self.assertEqual(load.wrong, [])
        self.assertEqual(load.cut, 0)  # whose MAIL was accepted was served to its end
        self.assertLess(took, 30 if harness.SANITIZED else 3)
        self.assertEqual(len(d.lines(r"L\d+M\d+: .*action=accept")), load.taken)


class KeysLeftOut(harness.WireTest):
    """A key that cannot be used takes nothing but its own signatures away."""

    def setUp(self):
        self.d = self.daemon("", ZONE, start=False)
        self.good = self.d.directory / "good.pem"
        self.make(self.good)
        self.missing = self.d.directory / "missing.pem"
        self.signing = (f'signing = ( {{ domain = "example.test"; keys = ( {{ selector = "m"; file = "{self.missing}"; }},\n'
                        f'  {{ selector = "g"; file = "{self.good}"; }} ); }},\n'
                        f'{{ domain = "other.test"; keys = ( {{ selector = "m"; file = "{self.missing}"; }} ); }} );\n')

    @staticmethod
    def make(path):
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", path], check=True)
        path.chmod(0o600)

    def edits(self, author="a@example.test", address="127.0.0.1"):
        c = self.d.client(address=address)
        reply = c.message(header=plain_header(author))
        c.quit()
        self.assertTrue(reply.accepted, reply)
        return [(e[2], *re.findall(r"\bs=(\w+);", e[3])) for e in reply.edits]

    def test_start_and_reload(self):
        self.d.configure(self.signing)
        check = subprocess.run([BINARY, "config", "check", "-c", self.d.path], capture_output=True, text=True)
        self.assertEqual(check.returncode, EX_CONFIG)
        self.assertIn("missing.pem: No such file or directory", check.stderr)
        self.d.start()
        self.assertEqual(len(self.d.lines(r"error: left out.*assay\.conf:\d+: .*missing\.pem: No such file")), 1)
        self.assertEqual(self.edits(), [("DKIM-Signature", "g")])
        self.assertEqual(self.edits("a@other.test"), [])
        self.d.wait_for_log('not-signed="no key for other.test"')
        self.assertIn(("Authentication-Results",), self.edits(address="192.0.2.10"))
        self.assertFalse(self.d.reload())
        self.assertEqual(self.edits(), [("DKIM-Signature", "g")])
        self.make(self.missing)
        self.assertTrue(self.d.reload())
        self.assertEqual(sorted(self.edits()), [("DKIM-Signature", "g"), ("DKIM-Signature", "m")])
        self.assertEqual(self.edits("a@other.test"), [("DKIM-Signature", "m")])
        self.good.unlink()
        self.assertFalse(self.d.reload())  # and the old keys stay
        self.assertEqual(len(self.edits()), 2)

    def test_tables(self):
        keys, signing = self.d.directory / "KeyTable", self.d.directory / "SigningTable"
        keys.write_text(f"g %:g:{self.good}\nm %:m:{self.missing}\nn other.test:n:{self.missing}\nx other.test:x:{self.good}\n")
        signing.write_text("*@example.test m\n*@example.test g\n*@other.test n\n*@other.test x\n")
        self.d.configure(f'key-table = "{keys}"; signing-table = "refile:{signing}";\n')
        self.d.start()
        self.assertEqual(len(self.d.lines("error: left out")), 1)
        self.assertEqual(self.edits(), [("DKIM-Signature", "g")])
        self.assertEqual(self.edits("a@other.test"), [("DKIM-Signature", "x")])

    def test_missing_directory(self):
        self.d.configure(f'signing = ( {{ domain = "example.test"; directory = "{self.d.directory}/none"; }} );\n')
        self.d.start()
        self.d.wait_for_log(r"error: .*none: No such file or directory")
        self.assertEqual(self.edits(), [])
        self.assertIn(("Authentication-Results",), self.edits(address="192.0.2.10"))

    def hourly(self, config, complaint):
        """The complaint comes at the start and each hour, and not before; the daemon looks every ten minutes."""
        self.d = self.daemon("", ZONE, start=False, clock=True)
        self.d.configure(config)
        self.d.start()
        self.d.wait_for_log(complaint)
        for hours in range(1, 3):
            for _ in range(5):
                self.d.clock.go_on(601)
                self.d.counters()  # it has looked at its clock
            self.assertEqual(len(self.d.lines(complaint)), hours)
            self.d.clock.go_on(601)
            self.d.wait_for_log(complaint, hours + 1)

    def test_each_hour(self):
        self.hourly(self.signing, "error: left out")
        self.make(self.missing)
        self.assertTrue(self.d.reload())
        self.d.clock.go_on(4000)
        self.d.counters()
        self.assertEqual(len(self.d.lines("error: left out")), 3)

    def test_directory_each_hour(self):
        missing = self.d.directory / "none"
        self.hourly(f'signing = ( {{ domain = "example.test"; directory = "{missing}"; }} );\n', "error: .*none: No such file")


if __name__ == "__main__":
    harness.main()
