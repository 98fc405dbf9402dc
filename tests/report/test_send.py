#!/usr/bin/python3
"""assay report send: what is in reports, where they go, and what becomes of them."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import shutil
import socketserver
import sqlite3
import subprocess
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

from sending import ASSAY, DAY, HERE, OVER, ZONE, Sending

NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"
SECOND = OVER + 1000


class Content(Sending):
    def validate(self, xml):
        done = subprocess.run(["xmllint", "--noout", "--schema", HERE / "compatible.xsd", "-"], input=xml,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + xml.decode())

    def test_the_schema_sees_what_is_wrong(self):
        self.row()
        xml = self.written()[0].xml
        for old, new in ((b"<adkim>r</adkim>", b"<adkim></adkim>"), (b"<disposition>pass", b"<disposition>passed"),
                         (b"<org_name>recv.example</org_name>", b""), (b"<count>1<", b"<count>0<")):
            with self.assertRaises(AssertionError):
                self.validate(xml.replace(old, new))

    def test_odd_data_is_valid(self):
        self.fill("odd")
        mails = self.written()
        self.assertEqual(sorted(m.message["Subject"].split()[2] for m in mails), ["a.odd.example", "b.odd.example", "odd.example", "suffix"])
        for mail in mails:
            self.validate(mail.xml)
        report = ElementTree.fromstring([m for m in mails if "!odd.example!" in m.file][0].xml)
        records = report.findall(NS + "record")
        self.assertEqual(sum(int(r.find(f"{NS}row/{NS}count").text) for r in records), 8)
        self.assertEqual(max(len(r.findall(f"{NS}auth_results/{NS}dkim")) for r in records), 85)  # of 100, with a selector
        self.assertIn("2001:db8::25", [r.find(f"{NS}row/{NS}source_ip").text for r in records])

    def test_a_public_suffix_domain_and_several_authors(self):
        self.fill("odd")
        found = {}
        for mail in self.written():
            report = ElementTree.fromstring(mail.xml)
            found[report.find(f"{NS}policy_published/{NS}domain").text] = report
        suffix = found["suffix"]
        self.assertEqual(suffix.find(f"{NS}policy_published/{NS}np").text, "reject")
        self.assertEqual(sorted((r.find(f"{NS}identifiers/{NS}header_from").text,
                                 r.find(f"{NS}row/{NS}policy_evaluated/{NS}disposition").text)
                                for r in suffix.findall(NS + "record")),
                         [("bank.suffix", "pass"), ("no-such-name.suffix", "reject")])
        self.assertEqual([r.find(f"{NS}row/{NS}source_ip").text for r in found["b.odd.example"].findall(NS + "record")],
                         [suffix.find(f"{NS}record/{NS}row/{NS}source_ip").text])

    def test_progress_on_a_terminal(self):
        self.row()
        self.row("example.org", "mailto:d@example.org")
        ours, theirs = pty.openpty()
        subprocess.run([ASSAY, "report", "send", "-c", self.conf, "--dns", self.zone, "--at", str(OVER)],
                       stdin=theirs, stdout=theirs, stderr=theirs, check=True)
        told = os.read(ours, 4096).decode()
        os.close(ours)
        os.close(theirs)
        self.assertIn("1 of 2 mails", told)
        self.assertIn("2 of 2 mails\r\n", told)

    def test_random_data_is_valid(self):
        seed, n = int(os.environ.get("ASSAY_SEED", 19)), int(os.environ.get("ASSAY_REPORTS", 100))
        self.fill("random", seed, n)
        mails, xml = self.written(), self.directory / "xml"
        self.assertEqual(len(mails), n)
        self.assertLess(sum(len(mail.xml) for mail in mails), 20 << 20)  # fill.c bounds the work
        xml.mkdir()
        for i, mail in enumerate(mails):
            (xml / str(i)).write_bytes(mail.xml)
        done = subprocess.run(["xmllint", "--noout", "--schema", HERE / "compatible.xsd", *xml.iterdir()],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"seed {seed}: " + done.stderr)
        self.assertEqual(done.stderr.count(" validates\n"), n)
        with sqlite3.connect(self.state / "rows.db") as db:
            kept, = db.execute("SELECT sum(messages) FROM row").fetchone()
        told = sum(int(n.text) for m in mails for n in ElementTree.fromstring(m.xml).iter(NS + "count"))
        self.assertEqual(told, kept)

    def test_the_mail(self):
        self.row(messages=3)
        self.send()
        mail, = self.mails()
        m = mail.message
        ident = m["Subject"].split("<")[1].rstrip(">")
        self.assertRegex(ident, "^[0-9a-f]{32}$")
        self.assertEqual(m["Subject"], f"Report Domain: example.com Submitter: recv.example Report-ID: <{ident}>")
        self.assertEqual(m["From"], "dmarc-reports@recv.example")
        self.assertEqual(m["To"], "d@example.com")
        self.assertEqual(m["Message-ID"], f"<{ident}.1@recv.example>")
        self.assertEqual(m["Auto-Submitted"], "auto-generated")
        self.assertEqual(m["Date"], "Mon, 14 Dec 2026 00:00:05 -0000".replace("-0000", "+0000"))
        self.assertEqual(mail.words, ["-i", "-f", "dmarc-reports@recv.example", "--", "d@example.com"])
        text, gz = mail.parts
        self.assertEqual(text.get_content_type(), "text/plain")
        self.assertIn("got 3 messages", text.get_content())
        self.assertEqual(gz.get_content_type(), "application/gzip")
        self.assertEqual(gz["Content-Transfer-Encoding"], "base64")
        self.assertEqual(gz.get_content_disposition(), "attachment")
        name = f"recv.example!example.com!{DAY * 86400}!{DAY * 86400 + 86399}!{ident}.xml.gz"
        self.assertEqual([mail.file, gz.get_param("name")], [name, name])
        self.assertIn(f'filename="{name}"\n'.encode(), mail.data)  # in one piece
        self.assertLessEqual(max(map(len, mail.data.splitlines())), 998)
        self.assertIn(b"<report_id>" + ident.encode(), mail.xml)

    def test_organization_and_contact(self):
        self.configure(reports='organization = "Räuber & Söhne"; contact = "help@recv.example";')
        self.row()
        report = ElementTree.fromstring(self.written()[0].xml)
        self.assertEqual(report.find(f"{NS}report_metadata/{NS}org_name").text, "Räuber & Söhne")
        self.assertEqual(report.find(f"{NS}report_metadata/{NS}email").text, "help@recv.example")

    def test_legacy_destinations(self):
        self.configure(reports='legacy-destinations = [ "old.example.com" ];')
        self.row(rua="mailto:d@old.example.com,mailto:d@example.com")
        self.send()
        forms = {m.message["To"]: m.xml for m in self.mails()}
        old, new = forms["d@old.example.com"], forms["d@example.com"]
        self.assertIn(b"<feedback>", old)
        self.assertIn(b"<disposition>none<", old)
        self.assertIn(b'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">', new)
        self.assertEqual(new.replace(b' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"', b"").replace(b">pass</disp", b">none</disp"),
                         old)

    def test_a_changed_policy_makes_a_report_of_its_own(self):
        self.row()
        self.row(rua="mailto:e@example.com")
        self.assertEqual(sorted(m.message["To"] for m in self.written()), ["d@example.com", "e@example.com"])

    def test_mail_dmarc_reads_it(self):
        if subprocess.run(["perl", "-MMail::DMARC::Report::Receive", "-e", "1"], capture_output=True, check=False).returncode:
            self.skipTest("there is no Mail::DMARC")
        # Debian's version knows no namespace.
        self.configure(reports='legacy-destinations = [ "example.com", "odd.example" ];')
        self.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3, "2001:db8::7", 4)
        self.fill("odd")
        out = self.directory / "out"
        self.send("--directory", out)
        done = subprocess.run([HERE / "mail-dmarc", *sorted(out.glob("*.eml"))], capture_output=True, text=True, check=True)
        found = {r["domain"]: r for r in map(json.loads, done.stdout.splitlines())}
        rows = [(r["source"], r["count"], r["disposition"], r["dkim"], r["spf"], r["header_from"], r["envelope_from"])
                for r in found["example.com"]["rows"]]
        self.assertEqual(sorted(rows), [("192.0.2.1", "3", "none", "fail", "pass", "example.com", "example.com"),
                                        ("2001:db8::7", "4", "none", "fail", "pass", "example.com", "example.com")])
        self.assertEqual([found["example.com"][k] for k in ("begin", "end", "p", "org_name")],
                         [str(DAY * 86400), str(DAY * 86400 + 86399), "reject", "recv.example"])
        self.assertEqual(sum(int(r["count"]) for r in found["odd.example"]["rows"]), 8)

    def test_assay_report_receive_reads_it(self):
        self.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3, "2001:db8::7", 4)
        out = self.directory / "out"
        self.send("--directory", out)
        self.assay("receive", "--dns", self.zone, *out.glob("*.eml"))
        report, = json.loads(self.assay("show", "--json").stdout)
        self.assertEqual((report["domain"], report["org_name"], report["messages"]), ("example.com", "recv.example", 7))
        self.assertEqual(sorted((r["source_ip"], r["count"], r["disposition"], r["spf"]) for r in report["rows"]),
                         [("192.0.2.1", 3, "pass", "pass"), ("2001:db8::7", 4, "pass", "pass")])

    def test_a_large_report_is_split_by_rows(self):
        self.configure(reports='size-limit = "64K";')
        self.fill("many", 12000)
        mails = self.written()
        self.assertGreater(len(mails), 2)
        seen = set()
        for mail in mails:
            self.assertLess(len(mail.data), 65536)
            self.validate(mail.xml)
            rows = {r.text for r in ElementTree.fromstring(mail.xml).iter(NS + "source_ip")}
            self.assertFalse(seen & rows)
            seen |= rows
        self.assertEqual(len(seen), 12000)
        self.assertEqual(len({m.file for m in mails}), len(mails))
        sizes = sorted((len(counts), sum(counts)) for counts in
                       ([int(c.text) for c in ElementTree.fromstring(m.xml).iter(NS + "count")] for m in mails))
        size_of = lambda told: sorted((m["rows"], m["messages"]) for m in told)
        self.assertEqual(size_of(self.told("--dry-run")["mails"]), sizes)
        self.send()
        self.assertEqual(sorted(m.key for m in self.mails()), sorted(m.key for m in mails))
        self.assertEqual(size_of(json.loads(self.assay("sent", "--json").stdout)), sizes)


class Destinations(Sending):
    def answers(self, rua, zone="", **options):
        """Where the mails of a record with these URIs would go, and why others do not."""
        self.zone.write_text(ZONE + zone)
        self.row(rua=rua)
        return {m["destination"]: (m["state"], m["note"]) for m in self.told("--dry-run", **options)["mails"]}

    def test_what_is_no_mail_is_ignored(self):
        found = self.answers("https://example.com/in,ftp://example.com/x,mailto:d@example.com,mailto:%20@example.com")
        self.assertEqual(found, {"d@example.com": ("built", None)})

    def test_an_address_that_is_named_twice_gets_one(self):
        self.row(rua="mailto:d@example.com,mailto:e@example.com,mailto:D@Example.com")
        told = self.told()
        self.assertEqual([(m["destination"], m["state"], m["note"]) for m in told["mails"] if m["note"]],
                         [("D@example.com", "refused", "the record names this address twice")])
        self.assertEqual(sorted(m.message["To"] for m in self.mails()), ["d@example.com", "e@example.com"])

    def test_below_the_same_organizational_domain(self):
        self.assertEqual(self.answers("mailto:d@a.b.example.com")["d@a.b.example.com"][0], "built")

    def test_consent(self):
        found = self.answers(
            "mailto:d@yes.example,mailto:d@no.example,mailto:d@any.example,mailto:d@junk.example,mailto:d@moved.example,"
            "mailto:d@away.example,mailto:d@slow.example",
            'example.com._report._dmarc.yes.example TXT "v=DMARC1;"\n'
            '*._report._dmarc.any.example TXT "v=DMARC1"\n'
            'example.com._report._dmarc.junk.example TXT "hello v=DMARC1"\n'
            'example.com._report._dmarc.moved.example TXT "v=DMARC1; rua=mailto:new@moved.example"\n'
            'example.com._report._dmarc.away.example TXT "v=DMARC1; rua=mailto:new@else.example"\n'
            "example.com._report._dmarc.slow.example SERVFAIL\n", status=1)
        self.assertEqual({d: s for d, (s, _) in found.items()}, {
            "d@yes.example": "built", "d@no.example": "refused", "d@any.example": "built",
            "d@junk.example": "refused", "new@moved.example": "built", "d@away.example": "refused",
            "d@slow.example": "pending"})
        self.assertIn("another host, else.example", found["d@away.example"][1])
        self.assertIn("servfail", found["d@slow.example"][1])

    def test_no_consent_is_no_warning_and_is_not_asked_again(self):
        self.row(rua="mailto:d@no.example")
        done = self.send()
        self.assertEqual([done.stderr, self.mails()], ["", []])
        self.zone.write_text(ZONE + 'example.com._report._dmarc.no.example TXT "v=DMARC1"\n')
        self.assertEqual(self.told()["reports"], 0)

    def test_trouble_with_the_dns_is_asked_again(self):
        self.row(rua="mailto:d@example.com,mailto:d@slow.example")
        self.zone.write_text(ZONE + "example.com._report._dmarc.slow.example SERVFAIL\n")
        self.send(status=1)
        self.assertEqual([m.message["To"] for m in self.mails()], ["d@example.com"])
        self.zone.write_text(ZONE + 'example.com._report._dmarc.slow.example TXT "v=DMARC1"\n')
        self.send(at=SECOND)
        self.assertEqual(sorted(m.message["To"] for m in self.mails()), ["d@example.com", "d@slow.example"])
        self.assertEqual(len({m.file for m in self.mails()}), 1)

    def test_domains_that_are_skipped_or_not_asked_for(self):
        self.configure(reports='skip-domains = [ "skip.example" ];')
        for domain in ("skip.example", "a.skip.example", "b.example", "a.b.example", "c.example"):
            self.row(domain, f"mailto:d@{domain}")
        domains = lambda *w: sorted(m["domain"] for m in self.told("--dry-run", *w)["mails"])
        self.assertEqual(domains(), ["a.b.example", "b.example", "c.example"])
        self.assertEqual(domains("--domain", "b.example"), ["a.b.example", "b.example"])


class Periods(Sending):
    def test_only_days_that_are_over_in_utc(self):
        for zone in ("UTC", "Europe/Berlin", "America/Los_Angeles"):
            with self.subTest(zone=zone):
                shutil.rmtree(self.state)
                self.state.mkdir()
                self.row()
                environment = {"TZ": zone}
                self.assertEqual(self.told("--dry-run", at=OVER - 6, environment=environment)["shown"], 0)
                told = self.told("--dry-run", at=OVER - 5, environment=environment)
                self.assertEqual((told["mails"][0]["begin"], told["mails"][0]["end"]), (DAY * 86400, DAY * 86400 + 86399))

    def test_a_day_that_was_missed_and_one_that_is_too_old(self):
        for day in (DAY - 2, DAY - 1, DAY):
            self.row(messages=day - DAY + 5, day=day)
        self.assertEqual(sorted(m["messages"] for m in self.told()["mails"]), [4, 5])

    def test_the_last_of_february(self):
        leap = 1835395200 // 86400  # 2028-02-29
        self.row(day=leap)
        told = self.told("--dry-run", at="2028-03-01T00:00:00Z")
        self.assertEqual(told["mails"][0]["begin"], 1835395200)

    def test_a_clock_that_steps_back_sends_nothing_twice(self):
        self.row()
        self.send()
        self.send(at=OVER - 7200)
        self.send()
        self.assertEqual(len(self.mails()), 1)


class States(Sending):
    def test_each_once(self):
        self.row()
        self.assertEqual(self.told()["handed_over"], 1)
        again = self.told()
        self.assertEqual((again["reports"], again["handed_over"], again["mails"]), (0, 0, []))
        self.assertEqual(len(self.mails()), 1)

    def test_showing_notes_nothing(self):
        self.row()
        shown = [m.key for m in self.written()]
        self.assertEqual([m.key for m in self.written()], shown)
        self.assertEqual(self.told("--dry-run")["shown"], 1)
        self.send()
        self.assertEqual([m.key for m in self.mails()], shown)
        self.assertEqual(self.written(), [])

    def test_it_is_off_by_default(self):
        self.row()
        self.conf.write_text(self.conf.read_text().replace("send = true;", ""))
        self.assertIn("reports.send", self.send(status=78).stderr)
        self.assertEqual(len(self.written()), 1)
        self.conf.write_text(self.conf.read_text().replace('from = "dmarc-reports@recv.example";', ""))
        self.assertIn("reports.from", self.send("--dry-run", status=78).stderr)

    def test_the_first_day_is_not_over_yet(self):
        self.row()
        self.row("example.org", "mailto:d@example.org")
        self.row("none.example", "")  # asks for no reports
        noon = OVER - 43205
        self.assertEqual(self.send("--dry-run", at=noon).stdout.splitlines()[1:],
                         ["2 reports on 2026-12-13 so far: to be sent once that day is over (UTC)"])
        told = self.told("--dry-run", "--domain", "example.org", at=noon)
        self.assertEqual((told["reports"], told["under_way"]), (0, 1))
        self.assertEqual(self.told("--dry-run")["under_way"], 0)
        self.assertEqual(self.told(at=noon)["under_way"], 0)
        self.assertEqual(self.send().stdout.count("\n"), 1)

    def test_one_is_not_many(self):
        self.row()
        text = self.send("--dry-run").stdout
        self.assertIn(", 1 message in 1 row\n1 report: 1 mail would be sent, 0 to be tried again", text)
        self.row(messages=2, address="192.0.2.2")
        self.row("example.org", "mailto:d@example.org", messages=2)
        text = self.send("--dry-run").stdout
        self.assertIn(", 3 messages in 2 rows\n", text)
        self.assertIn("\n2 reports: 2 mails would be sent", text)
        self.send()
        self.assertRegex(self.assay("sent").stdout, "to d@example.com, 3 messages\n.* to d@example.org, 2 messages\n")

    def test_a_mailer_in_trouble_is_tried_again_with_the_same_mail(self):
        self.row()
        (self.box / "down").write_text("75")
        done = self.send(status=2)
        self.assertIn("status 75: no room here", done.stderr)
        (self.box / "down").unlink()
        self.assertEqual(self.told(at=OVER + 899)["handed_over"], 0)  # not yet
        self.row(messages=7)  # too late: the content stands
        key = self.written(at=SECOND)[0].key
        self.send(at=OVER + 900)
        self.assertEqual([m.key for m in self.mails()], [key])
        self.assertIn(b"<count>1</count>", self.mails()[0].xml)

    def test_a_mailer_that_says_much(self):
        self.mailer.write_text("#!/bin/sh\nhead -c 5000 /dev/zero | tr '\\0' x\nexit 75\n")
        self.row()
        mail, = self.told(status=2)["mails"]
        self.assertRegex(mail["note"], "^the mailer ended with status 75: x{290,300}(\\.\\.\\.)?$")

    def test_some_trouble_is_a_warning(self):
        self.row()
        self.row("example.org", "mailto:d@slow.example")
        self.zone.write_text(ZONE + "example.org._report._dmarc.slow.example SERVFAIL\n")
        self.assertEqual(self.told(status=1)["later"], 1)

    def test_a_mail_that_is_refused_for_good(self):
        self.row()
        (self.box / "down").write_text("67")
        self.assertEqual(self.told(status=2)["failed"], 1)
        (self.box / "down").unlink()
        self.assertEqual(self.told(at=SECOND)["mails"], [])

    def test_given_up_after_48_hours(self):
        self.row()
        (self.box / "down").write_text("75")
        tries, statuses = [], set()
        for at in range(OVER, OVER + 50 * 3600, 1800):
            done = self.send("--json", at=at, status=None)
            statuses.add(done.returncode)
            if json.loads(done.stdout)["later"]:
                tries.append(at)
        self.assertEqual(statuses, {0, 2})  # giving up is no trouble with the store
        self.assertGreater(len(tries), 8)
        self.assertLess(tries[-1], OVER + 48 * 3600 + 1)
        self.assertGreater(tries[-1], OVER + 42 * 3600 - 1)
        (self.box / "down").unlink()
        self.assertEqual(self.told(at=OVER + 51 * 3600)["mails"], [])

    def test_there_is_no_store(self):
        self.send("--dry-run", status=75)

    def test_a_store_that_is_not_whole(self):
        self.row()
        with contextlib.closing(sqlite3.connect(self.state / "rows.db")) as db:
            db.execute("DROP TABLE suppressed")
        for words in (("--dry-run",), ()):
            self.assertIn("send: no such table: suppressed", self.send(*words, status=75).stderr)
        self.assertEqual(self.mails(), [])

    def test_one_run_at_a_time(self):
        self.row()
        with open(self.state / "report-send.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another", self.send(status=75).stderr)
        self.send()

    def test_a_directory_that_cannot_be(self):
        self.row()
        self.send("--directory", "/proc/none", status=73)

    def test_the_directory_is_the_callers(self):
        if os.geteuid():
            self.skipTest("wants root")
        self.row()
        for path in (self.state, *self.state.iterdir()):
            shutil.chown(path, "daemon", "daemon")
        self.directory.chmod(0o711)
        mail, = self.written()
        self.assertEqual(os.stat(self.directory / "out" / mail.name).st_uid, 0)
        self.assertEqual({os.stat(p).st_uid for p in self.state.iterdir()}, {1})

    def waiting(self):
        """A report that was built, and could not be handed over."""
        self.row()
        self.configure(mailer="/bin/false")
        self.send(status=2)
        self.configure()

    def test_a_name_that_leads_out_of_the_directory(self):
        """Root writes, and whoever took the daemon's user over may have changed its database."""
        self.waiting()
        for name in ("../led", "/" + str(self.directory / "led"), "", ".led", "l\x1bed", "l/ed", "x" * 300):
            with sqlite3.connect(self.state / "rows.db") as db:
                db.execute("UPDATE report SET report_id = ?", (name,))
            if not os.geteuid():
                for path in (self.state, *self.state.iterdir()):
                    shutil.chown(path, "daemon", "daemon")
            self.directory.chmod(0o711)
            done = self.send("--directory", self.directory / "out", status=73)
            self.assertNotIn("\x1b", done.stderr + done.stdout)
            self.assertIn("is no name for a file" if len(name) < 100 else "", done.stderr)
            self.assertEqual([p for p in self.directory.rglob("*.eml")], [])

    def test_what_stands_in_the_place_of_a_mail(self):
        """Whoever may write into the directory has had nothing of root's changed by it."""
        self.waiting()
        mail, = self.written()
        victim, out = self.directory / "victim", self.directory / "out" / mail.name
        victim.write_text("precious")
        for plant in (out.hardlink_to, out.symlink_to, lambda _: os.mkfifo(out)):
            out.unlink()
            plant(victim)
            self.send("--directory", out.parent)
            self.assertEqual(victim.read_text(), "precious")
            self.assertTrue(out.is_file() and not out.is_symlink() and b"Report" in out.read_bytes())

    def test_the_mailer_may_have_a_group_of_its_own(self):
        if os.geteuid():
            self.skipTest("wants root")
        program = self.directory / "sgid"
        shutil.copy("/usr/bin/id", program)
        shutil.chown(program, "root", "mail")
        program.chmod(0o2755)
        self.row()
        for path in (self.state, *self.state.iterdir()):
            shutil.chown(path, "daemon", "daemon")
        self.directory.chmod(0o711)
        script = self.directory / "script"
        script.write_text(f"#!/bin/sh\n{program} -gn >{self.box}/group\n")
        script.chmod(0o755)
        self.box.chmod(0o777)
        self.configure(mailer=script)
        self.send()
        self.assertEqual((self.box / "group").read_text(), "mail\n")

    def test_the_daemons_user_hands_over(self):
        if os.geteuid():
            self.skipTest("wants root")
        self.row()
        for path in (self.state, self.box, *self.state.iterdir()):
            shutil.chown(path, "daemon", "daemon")
        self.directory.chmod(0o711)
        self.send()
        self.assertEqual([os.stat(self.box / m.name).st_uid for m in self.mails()], [1])


class Smtp(Sending):
    """A server that says what it is told to."""

    def serve(self, replies):
        got = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(ConnectionError):  # whom it does not understand it leaves
                    self.talk()

            def talk(self):
                for piece in replies.get("hello", (b"220-one\r\n", b"220 two\r\n")):
                    self.wfile.write(piece)
                    time.sleep(0.05)
                for line in self.rfile:
                    word = line.split(b":")[0].strip().split(b" ")[0].upper().decode()
                    got.append(line)
                    self.wfile.write(replies.get(word, b"250 fine\r\n" if word != "DATA" else b"354 go on\r\n"))
                    if word == "QUIT":
                        return
                    if word == "DATA" and "DATA" not in replies:
                        data = b""
                        while not data.endswith(b"\r\n.\r\n"):
                            data += self.rfile.readline()
                        got.append(data)
                        self.wfile.write(replies.get("end", b"250 taken\r\n"))

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.configure(mailer=f"smtp://127.0.0.1:{server.server_address[1]}")
        return got

    def test_it_is_handed_over(self):
        got = self.serve({})
        self.row()
        shown, = self.written()
        self.send()
        self.assertEqual([got[1], got[2]], [b"MAIL FROM:<dmarc-reports@recv.example>\r\n", b"RCPT TO:<d@example.com>\r\n"])
        self.assertEqual(got[4], shown.data.replace(b"\n", b"\r\n") + b".\r\n")

    def test_an_old_server(self):
        got = self.serve({"EHLO": b"502 what\r\n"})
        self.row()
        self.send()
        self.assertTrue(got[1].startswith(b"HELO "))

    def test_refusals(self):
        for replies, state in (({"RCPT": b"550 5.1.1 nobody\r\n"}, "failed"), ({"end": b"451 later\r\n"}, "built"),
                               ({"hello": [b"554 go away\r\n"]}, "built"), ({"MAIL": b"junk\r\n"}, "built"),
                               ({"hello": [b"2" * 1000, b"2" * 40000]}, "built"), ({"EHLO": b"250-" + b"x" * 2040 + b"\r\n250 y\r\n",
                                                                   "RCPT": b"553 no\r\n"}, "failed")):
            with self.subTest(replies=replies):
                shutil.rmtree(self.state)
                self.state.mkdir()
                self.serve(replies)
                self.row()
                self.assertEqual(self.told(status=2)["mails"][0]["state"], state)

    def test_nobody_is_there(self):
        self.configure(mailer="smtp://127.0.0.1:1")
        self.row()
        self.assertIn("Connection refused", self.send(status=2).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
