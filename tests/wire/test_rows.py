#!/usr/bin/python3
"""Rows for reports on the wire: what the daemon counts of its mail, what a kill leaves, what a store in trouble does to mail,
and when old rows go."""

import contextlib
import email
import gzip
import os
import signal
import sqlite3
import subprocess
import xml.etree.ElementTree as ElementTree

import harness
from harness import until

NOON = 1800014400  # 2027-01-15T12:00:00Z
DAY = NOON // 86400
ZONE = {
    "example.com": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject; rua=mailto:d@example.com"]},
}
BASE = 'authserv-id = "mx.test";\ntrusted-networks = [ ];\n'
ROW = ("SELECT day, domain, header_from, hex(source), verdict, messages FROM row JOIN policy ON policy.id = policy"
       " JOIN sender ON sender.id = sender ORDER BY day, source")


class Rows(harness.WireTest):
    def start(self, config="", state=None, zone=ZONE, **options):
        d = self.daemon("", zone, base=BASE, start=False, **options)
        d.state = state or d.directory / "state"
        if state is None:
            d.state.mkdir()
        d.more = f'state-dir = "{d.state}";\n'
        d.configure(d.more + config)
        d.start()
        return d

    def send(self, d, address="192.0.2.10", sender="<a@example.com>", author="a@example.com"):
        before = len(d.lines(r" ms=\d+"))
        c = d.client(hello=False)
        c.hello(address=address)
        reply = c.message(header=[("From", " " + author), ("Subject", " x")], sender=sender)
        c.quit()
        d.wait_for_log(r" ms=\d+", before + 1)
        return reply

    def query(self, d, sql):
        if not (d.state / "rows.db").exists():
            return []
        try:
            with contextlib.closing(sqlite3.connect(f"file:{d.state}/rows.db?mode=ro", uri=True)) as db:
                return db.execute(sql).fetchall()
        except sqlite3.OperationalError:  # not made yet
            return []

    def becomes(self, d, sql, wanted):
        until(lambda: self.query(d, sql) == wanted, f"{wanted} of {self.query(d, sql)}")

    def test_messages_are_counted_by_kind(self):
        d = self.start(wall=NOON)
        for address in ("192.0.2.10", "192.0.2.10", "203.0.113.5", "192.0.2.10"):
            self.send(d, address)
        self.send(d, author="a@plain.test")
        self.becomes(d, ROW, [(DAY, "example.com", "example.com", "C000020A", 9, 3),
                              (DAY, "example.com", "example.com", "CB007105", 2, 1)])
        self.becomes(d, "SELECT day, name, messages FROM tally", [(DAY, "none/accept", 1)])
        self.assertEqual(d.counters()["rows-added"], 5)
        self.assertEqual(os.stat(d.state / "rows.db").st_mode & 0o777, 0o640)

    def test_a_kill_loses_no_more_than_a_second(self):
        d = self.start()
        self.send(d)
        self.becomes(d, "SELECT sum(messages) FROM row", [(1,)])
        d.signal(signal.SIGKILL)
        d.process.wait()
        d.launch()
        d.wait_for_log("is listening on", 2)
        self.send(d)
        self.becomes(d, "SELECT sum(messages) FROM row", [(2,)])

    def test_a_stop_writes_what_waits(self):
        d = self.start()
        self.send(d)
        self.assertEqual(d.stop(), 0)
        self.assertEqual(self.query(d, "SELECT sum(messages) FROM row"), [(1,)])

    def test_a_store_in_trouble_costs_no_mail(self):
        d = self.start(state=harness.pathlib.Path(harness.tempfile.mkdtemp(prefix="assay-wire-")) / "none")
        self.addCleanup(harness.shutil.rmtree, d.state.parent)
        for _ in range(3):
            self.assertTrue(self.send(d).accepted)
        d.wait_for_log(r"report rows.*rows wait in memory")
        self.assertEqual(len(d.lines(r"rows wait in memory")), 1)
        d.state.mkdir()
        self.becomes(d, "SELECT sum(messages) FROM row", [(3,)])

    def test_old_rows_go(self):
        d = self.start('reports = { keep-rows = "2d"; };\n', wall=NOON)
        self.send(d)
        self.becomes(d, "SELECT day FROM row", [(DAY,)])
        for days, left in ((1, [(DAY,), (DAY + 1,)]), (2, [(DAY + 1,), (DAY + 3,)])):
            d.clock.go_on(days * 86400)
            self.send(d)
            self.becomes(d, "SELECT day FROM row ORDER BY day", left)

    def test_two_that_report_to_each_other_come_to_an_end(self):
        zone = {f"{name}.test": {"TXT": ["v=spf1 ip4:192.0.2.10 -all"]} for name in "ab"}
        zone |= {f"_dmarc.{name}.test": {"TXT": [f"v=DMARC1; p=reject; rua=mailto:dmarc@{name}.test"]} for name in "ab"}
        sites = {}
        for name in "ab":
            d = self.start(f'reports = {{ from = "reports@{name}.test"; domains = [ "{name}.test" ]; }};\n', zone=zone,
                           wall=NOON)
            sites[name] = d
        self.send(sites["b"], sender="<x@a.test>", author="x@a.test")
        self.becomes(sites["b"], "SELECT sum(messages) FROM row", [(1,)])
        sent = []
        for day in range(1, 5):  # each day both report, and get the other's report
            for name, other in (("a", "b"), ("b", "a")):
                for mail in self.reports(sites[name], NOON + day * 86400):
                    sent.append((day, name, mail["To"]))
                    c = sites[other].client(hello=False)
                    c.hello(address="192.0.2.10")
                    header = [(k, " " + v) for k, v in mail.items()]
                    self.assertTrue(c.message(sender=f"<reports@{name}.test>", to=[f"<{mail['To']}>"], header=header).accepted)
                    c.quit()
                    sites[other].wait_for_log("report-row=none")
            for d in sites.values():
                d.clock.go_on(86400)
        self.assertEqual(sent, [(1, "b", "dmarc@a.test"), (2, "b", "dmarc@a.test")])  # --directory notes nothing

    def reports(self, d, at):
        out = d.directory / f"out-{at}"
        if not (d.state / "rows.db").exists():
            return []
        until(lambda: self.query(d, "PRAGMA user_version") not in ([], [(0,)]), "the store is made")
        command = [harness.BINARY, "report", "send", "-c", d.path, "--at", str(at), "--directory", out]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [email.message_from_bytes(path.read_bytes()) for path in sorted(out.glob("*.eml"))]

    def told(self, d):
        """What the reports about the day of NOON publish, by domain, with (author, disposition, dkim, spf, count) of each row."""
        found = {}
        for mail in self.reports(d, NOON + 86400):
            attached, = (part for part in mail.walk() if part.get_content_type() == "application/gzip")
            report = ElementTree.fromstring(gzip.decompress(attached.get_payload(decode=True)))
            policy = {e.tag.split("}")[1]: e.text for e in report.find("{*}policy_published")}
            rows = [tuple(r.find("{*}" + path.replace("/", "/{*}")).text for path in (
                "identifiers/header_from", "row/policy_evaluated/disposition", "row/policy_evaluated/dkim",
                "row/policy_evaluated/spf", "row/count")) for r in report.findall("{*}record")]
            found[policy["domain"]] = policy, sorted(rows)
        return found

    ACT = 'reports = { from = "reports@recv.test"; };\ndmarc = { on-reject = "reject"; on-quarantine = "quarantine"; %s };\n'

    def test_a_public_suffix_and_a_walk_from_the_message_to_the_report(self):
        """psd=y: the domain below is the organizational one, and the suffix's record is in force, sp for what exists, np for what
        does not. A record further up the tree is found by the walk."""
        spf = {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}
        zone = {
            "_dmarc.suffix": {"TXT": ["v=DMARC1; psd=y; p=none; sp=quarantine; np=reject; fo=1; rua=mailto:d@reports.suffix"]},
            "suffix._report._dmarc.reports.suffix": {"TXT": ["v=DMARC1"]},  # which is another organization
            "shop.suffix": spf,
            "deep.shop.suffix": {"A": ["192.0.2.80"]},
            "_dmarc.corp.test": {"TXT": ["v=DMARC1; p=reject; sp=none; adkim=s; aspf=s; t=y; rua=mailto:d@corp.test"]},
            "a.b.corp.test": spf,
        }
        d = self.start(self.ACT % "", zone=zone, wall=NOON)
        self.send(d, sender="<x@shop.suffix>", author="x@deep.shop.suffix")  # aligned within shop.suffix
        self.assertTrue(self.send(d, "203.0.113.5", sender="<x@shop.suffix>", author="x@shop.suffix").accepted)
        self.assertFalse(self.send(d, sender="<x@shop.suffix>", author="x@no-such.suffix").accepted)
        self.send(d, sender="<x@a.b.corp.test>", author="x@a.b.corp.test")
        self.send(d, sender="<x@a.b.corp.test>", author="x@b.corp.test")  # aligned, if alignment were relaxed
        self.becomes(d, "SELECT sum(messages) FROM row", [(5,)])
        found = self.told(d)
        self.assertEqual(found.pop("suffix"), (
            {"domain": "suffix", "adkim": "r", "aspf": "r", "p": "none", "sp": "quarantine", "np": "reject", "fo": "1",
             "testing": "n", "discovery_method": "treewalk"},
            [("deep.shop.suffix", "pass", "fail", "pass", "1"), ("no-such.suffix", "reject", "fail", "fail", "1"),
             ("shop.suffix", "quarantine", "fail", "fail", "1")]))
        self.assertEqual(found.pop("corp.test"), (
            {"domain": "corp.test", "adkim": "s", "aspf": "s", "p": "reject", "sp": "none", "fo": "0", "testing": "y",
             "discovery_method": "treewalk"},
            [("a.b.corp.test", "none", "fail", "pass", "1"), ("b.corp.test", "none", "fail", "fail", "1")]))
        self.assertEqual(found, {})

    def test_discovery_by_the_public_suffix_list(self):
        zone = {"_dmarc.example.co.uk": {"TXT": ["v=DMARC1; p=reject; np=none; rua=mailto:d@example.co.uk"]}}
        suffixes = harness.pathlib.Path(harness.tempfile.mkdtemp(prefix="assay-wire-")) / "list"
        self.addCleanup(harness.shutil.rmtree, suffixes.parent)
        suffixes.write_text("com\nuk\nco.uk\n")
        d = self.start(self.ACT % f'discovery = "psl"; public-suffix-list = "{suffixes}";', zone=zone, wall=NOON)
        self.send(d, author="x@a.b.example.co.uk")
        self.becomes(d, "SELECT sum(messages) FROM row", [(1,)])
        (policy, rows), = self.told(d).values()
        self.assertEqual((policy["domain"], policy["discovery_method"]), ("example.co.uk", "psl"))
        self.assertEqual([row[0] for row in rows], ["a.b.example.co.uk"])

    def test_recording_ends_and_begins_with_a_reload(self):
        d = self.start()
        self.assertTrue(d.reload(d.more + "reports = { record = false; };\n"))
        self.send(d)
        self.assertTrue(d.reload(d.more))
        self.send(d, "192.0.2.99")
        self.becomes(d, "SELECT hex(source), messages FROM row", [("C0000263", 1)])


if __name__ == "__main__":
    harness.main()
