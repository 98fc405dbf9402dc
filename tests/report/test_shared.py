#!/usr/bin/python3
"""A store that hosts share, in a real PostgreSQL: what it has been told it says as a store of files does, one host sends, and a
server that is away, stopped, older, newer or empty has a clear outcome.

    test_shared.py ASSAY FILL [ASSAY_WEB]"""

import concurrent.futures
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

for folder in ("lib", "wire"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))
import corpus
import harness
import pagestore
import postgresql
import webserver

ASSAY, FILL, WEB = (*sys.argv[1:], None)[:3]
DAY = 20800
OVER = (DAY + 1) * 86400 + 5
SENDER = 0x61737231  # the lock of who sends

server = None


def setUpModule():
    global server
    if not postgresql.programs():
        raise unittest.SkipTest("there is no PostgreSQL server")
    server = postgresql.Server()


def tearDownModule():
    server.close()


class Host:
    """A machine with its configuration."""

    def __init__(self, test, store="local", more=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-shared-"))
        test.addCleanup(shutil.rmtree, self.folder)
        self.state = self.folder / "state"
        self.state.mkdir()
        (self.folder / "zone").write_text(pagestore.ZONE + '_dmarc.example.com. TXT "v=DMARC1; p=reject; rua=mailto:d@example.com"\n')
        self.mailer = self.folder / "mailer"
        self.box = self.folder / "box"
        self.box.mkdir()
        self.mailer.write_text(f"#!/bin/sh\ncat >{self.box}/$$.$(date +%N)\n")
        self.mailer.chmod(0o755)
        self.store = store
        self.conf = self.folder / "assay.conf"
        self.conf.write_text(
            f'state-dir = "{self.state}";\nstore = "{store}";\nauthserv-id = "mx.recv.example";\n'
            f'reports = {{ send = true; from = "r@recv.example"; mailer = "{self.mailer}"; '
            f'domains = [ "example.org", "example.net" ]; {more} }};\n')

    def assay(self, *words, input=None, env=None):
        group = [] if words[0] in ("config", "doctor") else ["report"]
        command = [ASSAY, *group, *words[:1 if group else 2], "-c", self.conf, *words[1 if group else 2:]]
        return subprocess.run(list(map(str, command)), capture_output=True, check=False, input=input, timeout=300,
                              env={**os.environ, **(env or {})})

    def run(self, *words, status=0, **options):
        done = self.assay(*words, **options)
        if done.returncode != status:
            raise AssertionError(f"{words}: {done.returncode} {done.stdout.decode()} {done.stderr.decode()}")
        return done.stdout.decode()

    def fill(self, *words, day=DAY):
        to = self.state / "rows.db" if self.store == "local" else self.store
        subprocess.run([FILL, to, str(day), *map(str, words)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "ASSAY_SPOOL": str(self.state / "spool.db")})

    def mails(self):
        return [path.read_bytes() for path in sorted(self.box.iterdir())]


def without_times(text):
    """When a report was received, and where it came from, is not the same for two stores."""
    text = re.sub(r'"(received|origin)":\s*("[^"]*"|\d+)', r'"\1":0', text)
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?|\d+ \w{3} \d{4} \d\d:\d\d UTC", "TIME", text)


def by_identity(text):
    """Reports that end together stand in the order in which they came."""
    return sorted(json.loads(text), key=lambda r: (r["end"], r["org_name"], r["report_id"], r["domain"]))


class Shared(unittest.TestCase):
    maxDiff = 3000

    def url(self):
        return server.url(server.database())

    def two(self, **options):
        return Host(self, **options), Host(self, self.url(), **options)


class SameAnswers(Shared):
    def test_received_reports(self):
        """Every command, and every page, of the same reports."""
        hosts = self.two()
        folder = hosts[0].folder / "reports"
        pagestore.make_reports(folder, 30)
        pagestore.make_others(hosts[0].folder / "others")
        junk = hosts[0].folder / "junk"
        junk.write_text(f"From: {pagestore.SUBJECT} <x@y.example>\nSubject: {pagestore.SUBJECT}\n\nno report\n")
        for h in hosts:
            h.run("receive", "--dns", h.folder / "zone", folder)
            h.run("receive", "--dns", h.folder / "zone", hosts[0].folder / "others")
            h.run("receive", junk, status=65)
            h.run("receive", folder)  # known by now
        for words in (["list", "--json"], ["show", "--json"], ["sources", "--json"], ["sources", "--json", "--since", "7d"],
                      ["reporters", "--json"], ["failures", "--json"], ["alarms", "--json"], ["readiness", "--json"], ["list", "--refused", "--json"],
                      ["list", "--csv"], ["list", "--tls", "--json"], ["sources"], ["readiness"]):
            with self.subTest(words=words):
                said = [h.assay(*words) for h in hosts]
                self.assertEqual(said[0].returncode, said[1].returncode, said[1].stderr)
                self.assertEqual(without_times(said[0].stdout.decode()), without_times(said[1].stdout.decode()))
                self.assertIn(said[0].returncode, (0, 1, 2))
        pages = []
        for h in hosts:
            h.run("html", "-o", h.folder / "pages")
            pages.append({p.relative_to(h.folder / "pages"): p for p in sorted((h.folder / "pages").rglob("*.html"))})
        self.assertGreater(len(pages[0]), 10)
        self.assertEqual(list(pages[0]), list(pages[1]))
        for name, path in pages[0].items():
            self.assertEqual(without_times(path.read_text()), without_times(pages[1][name].read_text()), name)

    @unittest.skipUnless(WEB, "built without assay-web")
    def test_pages_of_the_web(self):
        """They read the shared store, under filters too, beside a writer; a server that goes away is said to be away."""
        hosts = self.two()
        folder = hosts[0].folder / "reports"
        pagestore.make_reports(folder, 12)
        for h in hosts:
            h.run("receive", folder)
            h.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3, day=pagestore.TODAY - 1)
        webs = [webserver.Web(WEB, h.conf) for h in hosts]
        try:
            for query in ("", "?days=7", "?domain=example.org", "?result=fail", "?reporter=google.example"):
                for view in ("overview", "sources", "failures", "readiness", "countries", "reporters", "reports", "ours"):
                    with self.subTest(view=view, query=query):
                        said = [w.ask(f"/{view}{query}") for w in webs]
                        self.assertEqual([s[0] for s in said], [200, 200])
                        self.assertEqual(without_times(said[0][2]), without_times(said[1][2]))
                        answers = [w.json(f"/api/{view}{query}") for w in webs]
                        self.assertEqual(*[without_times(json.dumps(answer)) for answer in answers])
                        if view == "ours":
                            self.assertEqual(sum(day["accepted"] for day in answers[1]), 3)
            server.stop()
            try:
                status, _, text = webs[1].ask("/overview")
                self.assertEqual(status, 503, text)
                self.assertNotIn("geheim", text)
            finally:
                server.start()
            self.assertEqual(webs[1].ask("/overview")[0], 200)
        finally:
            for w in webs:
                self.assertEqual(w.end()[0], 0)

    def test_exchange(self):
        """What a host exports, the shared store imports, and gives out again; imported twice, it counts once."""
        one, shared = self.two()
        folder = one.folder / "reports"
        pagestore.make_reports(folder, 5)
        one.run("receive", folder)
        out = one.assay("export").stdout
        for _ in range(2):
            self.assertEqual(shared.assay("import", input=out).returncode, 0)
        self.assertEqual(by_identity(one.run("list", "--json")), by_identity(shared.run("list", "--json")))
        back = Host(self)
        self.assertEqual(back.assay("import", input=shared.assay("export").stdout).returncode, 0)
        self.assertEqual(by_identity(one.run("show", "--json")), by_identity(back.run("show", "--json")))

    @staticmethod
    def change(host, sql):
        """In the store of received reports."""
        if host.store == "local":
            with contextlib.closing(sqlite3.connect(host.state / "received.db")) as database, database:
                database.execute(sql)
        else:
            server.query(urllib.parse.urlsplit(host.store).path[1:], f"SET search_path = assay_received; {sql}")

    def test_labels_and_old_rows(self):
        hosts = self.two(more='keep-rows = "10d";')
        folder = hosts[0].folder / "reports"
        pagestore.make_reports(folder, 20)
        for h in hosts:
            h.run("receive", folder)
            self.assertEqual(json.loads(h.run("label", "--json")), [])
            source = json.loads(h.run("sources", "--json"))[-1]["source"]
            h.run("label", source, "own", "Relay in the cellar")
            h.run("label", "192.0.2.0/24", "spoof")
            h.run("label", "192.0.2.0/24", "none")
            self.assertEqual([(label["source"], label["class"], label["title"]) for label in json.loads(h.run("label", "--json"))],
                             [(source, "own", "Relay in the cellar")])
            labelled, = (s for s in json.loads(h.run("sources", "--json")) if s["source"] == source)
            self.assertEqual((labelled["class"], labelled["title"]), ("own", "Relay in the cellar"))
        lists = [json.loads(without_times(h.run("list", "--json"))) for h in hosts]
        self.assertEqual(*lists)
        for h in hosts:  # eleven days later, for half of them
            self.change(h, "UPDATE report SET received = received - 950400 WHERE \"end\" < (SELECT avg(\"end\") FROM report)")
            self.change(h, "DELETE FROM note")
            h.run("receive", folder)
        fewer = [json.loads(without_times(h.run("list", "--json"))) for h in hosts]
        self.assertEqual(*fewer)
        self.assertLess(len(fewer[0]), len(lists[0]) * 2 / 3)
        for h in hosts:
            h.run("receive", folder)  # and they stay known
        self.assertEqual(json.loads(without_times(hosts[1].run("list", "--json"))), fewer[0])

    def test_rows_and_reports(self):
        """Odd, random and many rows: the reports that are made of them are the same."""
        hosts = self.two()
        for h in hosts:
            h.fill("odd")
            h.fill("random", 11, 150)
            h.fill("many", 3000)
            h.fill("tally", "none/accept", 3, "ours/accept", 2)
        self.assertEqual(json.loads(hosts[0].run("own", "--json")), json.loads(hosts[1].run("own", "--json")))
        written = []
        for h in hosts:
            out = h.folder / "out"
            h.run("send", "--dns", h.folder / "zone", "--at", str(OVER), "--directory", out)
            written.append(sorted(self.report(path) for path in out.glob("*.eml")))
        self.assertGreater(len(written[0]), 1)
        self.assertEqual(*written)

    def report(self, path):
        """Without what is made with the secret of the store; rows in no order."""
        import email
        message = email.message_from_bytes(path.read_bytes())
        xml = gzip.decompress(list(message.walk())[2].get_payload(decode=True)).decode("utf-8", "surrogateescape")
        head, *records = re.sub(r"<report_id>[^<]*", "<report_id>", xml).split("<record>")
        return message["To"], head, sorted(re.sub(r"</feedback>\s*$", "", r).strip() for r in records)


class Receiving(Shared):
    def report(self, rows):
        """Of so many rows from twenty addresses."""
        sender = ["192.0.2.10", 1, "pass", "pass", "{}", "2026a", "pass", "{}", "pass", "none"]
        return pagestore.report("google.example", pagestore.TODAY - 2, "example.org", 1, "".join(
            pagestore.row("example.org", [f"192.0.2.{n % 20}", *sender[1:]], n + 1) for n in range(rows))).encode()

    def test_rows_do_not_wait_for_the_server(self):
        """A report of many rows takes a few turns more than one of a single row."""
        turns = []
        for rows in (1, 1000):
            name = server.database()
            counted = postgresql.Turns(server)
            self.addCleanup(counted.close)
            h = Host(self, counted.url(name))
            h.run("receive", "--dns", h.folder / "zone", input=self.report(rows))
            turns.append(counted.count)
            self.assertEqual(server.query(name, "SELECT count(*), sum(messages) FROM assay_received.row"),
                             [(str(rows), str(rows * (rows + 1) // 2))])
        self.assertLess(turns[1] - turns[0], 250, turns)

    def test_many_reports_are_read_in_pages(self):
        """What is asked of each needs the connection: what is left of the answer has to be kept meanwhile."""
        name = server.database()
        counted = postgresql.Turns(server)
        self.addCleanup(counted.close)
        one, back = Host(self, counted.url(name)), Host(self)
        one.run("receive", "--dns", one.folder / "zone", input=self.report(1))
        columns = "reporter, email, domain, begin, \"end\", day, digest, policy, records, skipped, messages, trust, damaged, repaired," \
                  " received, size"
        server.query(name, f"SET search_path = assay_received; INSERT INTO report(key, report_id, contact, {columns}) SELECT"
                           " decode(md5(n::text), 'hex'), n::text::bytea, convert_to(repeat('x', 4000), 'UTF8'),"
                           f" {columns} FROM report, generate_series(1, 1000) n")
        counted.longest = 0
        out = one.assay("export").stdout
        self.assertLess(counted.longest, 2000000)
        self.assertEqual(back.assay("import", input=out).returncode, 0)
        for h in (one, back):
            names = [r["report_id"] for r in json.loads(h.run("list", "--json"))]
            self.assertEqual((len(names), len(set(names))), (1001, 1001))

    def test_old_reports_take_the_server_long(self):
        """Minutes, for a large store: it counts as a server that does not answer only after ten."""
        name = server.database()
        h = Host(self, server.url(name), more='keep-rows = "1d";')
        h.run("receive", input=self.report(1))
        server.query(name, "SET search_path = assay_received; UPDATE report SET received = 1; DELETE FROM note; CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN"
                           " PERFORM pg_advisory_lock(7); RETURN OLD; END $$ LANGUAGE plpgsql; CREATE TRIGGER slow BEFORE DELETE"
                           " ON report FOR EACH ROW EXECUTE FUNCTION slow()")
        clock = harness.Clock(h.folder / "clock")
        with concurrent.futures.ThreadPoolExecutor() as pool, server.session(name) as other:
            other("SELECT pg_advisory_lock(7), 'held'", "held")
            receiving = pool.submit(h.assay, "receive", "--dns", h.folder / "zone", input=self.report(1), env=clock.environment)
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
            harness.until(lambda: server.query(name, waits) == [("1",)], "reports are deleted")
            clock.go_on(300)
            time.sleep(0.5)  # for who would not wait any longer
            other("SELECT pg_advisory_unlock(7), 'free'", "free")
            done = receiving.result()
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(server.query(name, "SELECT count(*) FROM assay_received.report"), [("0",)])

    def test_a_row_that_the_server_refuses(self):
        """It shows only later, and nothing of the report is stored; later it is, once."""
        name = server.database()
        h = Host(self, server.url(name))
        h.run("receive", input=b"no report", status=65)
        server.query(name, "CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$"
                           " LANGUAGE plpgsql; CREATE TRIGGER no BEFORE INSERT ON assay_received.row FOR EACH ROW"
                           " WHEN (NEW.messages = 3) EXECUTE FUNCTION no()")
        done = h.assay("receive", input=self.report(5))
        self.assertEqual((done.returncode, b"the disk is full" in done.stderr), (75, True), done.stderr)
        self.assertEqual(server.query(name, "SELECT count(*) FROM assay_received.report"), [("0",)])
        server.query(name, "DROP TRIGGER no ON assay_received.row")
        for _ in range(2):
            h.run("receive", input=self.report(5))
        self.assertEqual(server.query(name, "SELECT count(*), sum(messages) FROM assay_received.row"), [("5", "15")])


class OneSends(Shared):
    def test_two_write_at_once(self):
        """Rows and received reports: every text stands once, every message counts."""
        name = server.database()
        hosts = [Host(self, server.url(name)) for _ in range(3)]
        folder = hosts[0].folder / "reports"
        pagestore.make_reports(folder, 6)
        jobs = [lambda h=h: h.fill("random", 5, 200) for h in hosts]
        jobs += [lambda h=h: h.run("receive", folder) for h in hosts]
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(job) for job in jobs]:
                done.result()
        alone = Host(self)
        for _ in hosts:
            alone.fill("random", 5, 200)
        alone.run("receive", folder)
        self.assertEqual(json.loads(alone.run("own", "--json")), json.loads(hosts[1].run("own", "--json")))
        for words in (["sources", "--json"], ["reporters", "--json"]):
            self.assertEqual(json.loads(alone.run(*words)), json.loads(hosts[1].run(*words)))
        for table, columns in (("assay_rows.results", "text"), ("assay_rows.policy", "domain, p, sp, np, adkim, aspf, fo, testing,"
                               " discovery, destinations"), ("assay_received.results", "text"), ("assay_received.report", "key")):
            twice = server.query(name, f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {columns} HAVING count(*) > 1) t")
            self.assertEqual(twice, [("0",)], table)

    def test_one_host_sends(self):
        store = self.url()
        one, two = Host(self, store), Host(self, store)
        one.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3)
        two.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 4)
        send = ("send", "--dns", two.folder / "zone", "--at", str(OVER))
        self.assertIn("1 mail handed over", one.run(*send))
        self.assertIn("0 mails handed over", two.run(*send))
        self.assertEqual((len(one.mails()), len(two.mails())), (1, 0))
        self.assertIn("7", two.run("sent"))
        self.assertEqual(one.run("sent", "--json"), two.run("sent", "--json"))

    def test_one_host_labels(self):
        """What one says all say; of two labels the later one counts."""
        store = self.url()
        one, two = Host(self, store), Host(self, store)
        one.run("label", "192.0.2.0/24", "spoof", "nobody")
        two.run("label", "192.0.2.0/24", "own", "our relay")
        self.assertRegex(one.run("label"), r"^own +192\.0\.2\.0/24 +our relay\n$")
        two.run("label", "192.0.2.0/24", "none")
        self.assertEqual(one.run("label"), "")

    def test_a_mail_comes_back_to_another_host(self):
        """Then its destination gets nothing from either, as it would from one with a store of files, and what is suppressed by
        hand at one host is so at the other."""
        store = self.url()
        one, two, alone = Host(self, store), Host(self, store), Host(self)
        later = str(OVER + 86400)
        for sends, takes in ((one, two), (alone, alone)):
            send = ("send", "--dns", sends.folder / "zone", "--json", "--at")
            sends.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3)
            self.assertEqual(json.loads(sends.run(*send, str(OVER)))["handed_over"], 1)
            ident = re.search(rb"(?m)^Message-ID: (<.*>)$", sends.mails()[0]).group(1)
            mail = b"From: MAILER-DAEMON@far.example\n\nThis did not arrive:\n\n" + ident + b"\n"
            self.assertIn("d@example.com: gets no reports until", takes.run("bounce", "--at", str(OVER + 3600), input=mail))
            self.assertIn("is known", sends.run("bounce", "--at", str(OVER + 3601), input=mail))
            sends.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3, day=DAY + 1)
            told = json.loads(sends.run(*send, later))
            self.assertEqual((told["handed_over"], told["suppressed"]), (0, 1))
        for words in (["suppressed", "--json", "--at", later], ["sent", "--json"]):
            said = [json.loads(h.run(*words)) for h in (one, two, alone)]
            self.assertEqual(said[0], said[1])
            self.assertEqual(*[[(s["destination"], s.get("since"), s.get("state")) for s in by] for by in said[1:]])
            self.assertEqual({s["destination"] for s in said[0]}, {"d@example.com"})
        self.assertIn("again", two.run("suppressed", "remove", "d@example.com"))
        two.run("suppressed", "add", "example.org")
        self.assertRegex(one.run("suppressed", "--at", later), r"^example\.org  since .*: by hand\n$")
        one.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3, day=DAY + 2)
        self.assertIn("1 mail handed over", one.run("send", "--dns", one.folder / "zone", "--at", str(OVER + 2 * 86400)))

    def test_while_another_host_sends(self):
        name = server.database()
        one = Host(self, server.url(name))
        one.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3)
        send = ("send", "--dns", one.folder / "zone", "--at", str(OVER))
        with server.session(name) as other:
            other(f"SELECT pg_advisory_lock({SENDER}, 1), 'held'", "held")
            self.assertIn("another host sends", one.run(*send))
            self.assertEqual(json.loads(one.run(*send, "--json"))["mails"], [])
            self.assertEqual(one.mails(), [])
            self.assertIn("1 mail would be sent", one.run(*send, "--dry-run"))
        self.assertIn("1 mail handed over", one.run(*send))


class Trouble(Shared):
    def test_an_empty_database_is_no_reports(self):
        h = Host(self, self.url())
        self.assertEqual(json.loads(h.run("list", "--json")), [])
        self.assertIn("start the daemon once", h.assay("own").stderr.decode())

    def test_a_server_that_is_not_there(self):
        h = Host(self, "postgresql://assay:geheim@127.0.0.1:9/reports")
        done = h.assay("list")
        self.assertEqual(done.returncode, 75)
        self.assertIn("postgresql://127.0.0.1:9/reports", done.stderr.decode())
        self.assertNotIn("geheim", done.stderr.decode())
        self.assertEqual(h.assay("receive", input=b"x").returncode, 75)

    def test_a_server_that_does_not_answer(self):
        h = Host(self, self.url())
        h.run("receive", "--dns", h.folder / "zone", input=b"no report", status=65)
        server.freeze()
        try:
            began = time.monotonic()
            done = h.assay("list")
            self.assertEqual((done.returncode, b"does not answer" in done.stderr), (75, True), done.stderr)
            self.assertLess(time.monotonic() - began, 60)
        finally:
            server.thaw()
        self.assertEqual(json.loads(h.run("list", "--json")), [])

    def test_an_older_schema_is_brought_up_to_date(self):
        name = server.database()
        h = Host(self, server.url(name))
        h.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 3)
        server.query(name, "SET search_path = assay_rows; DROP TABLE secret, report, body, mail, suppressed;"
                           " UPDATE version SET number = 1")
        done = h.assay("own")
        self.assertEqual((done.returncode, b"not of this version" in done.stderr), (75, True), done.stderr)
        h.fill("row", "example.com", "mailto:d@example.com", "192.0.2.1", 4)
        self.assertEqual(server.query(name, "SELECT number FROM assay_rows.version"), [("2",)])
        self.assertEqual(json.loads(h.run("own", "--json"))[0]["messages"], 7)
        self.assertIn("1 mail handed over", h.run("send", "--dns", h.folder / "zone", "--at", str(OVER)))

    def test_an_older_store_of_received_reports(self):
        name = server.database()
        h = Host(self, server.url(name))
        h.run("receive", input=corpus.X.encode())
        before = h.run("list", "--json")
        server.query(name, 'SET search_path = assay_received; DROP INDEX report_newness; CREATE INDEX report_end ON report("end");'
                           " ALTER TABLE report DROP COLUMN author, DROP COLUMN other; DROP TABLE share; UPDATE version SET number = 1")
        self.assertEqual(h.run("list", "--json"), before)
        for author, wanted in (("z.example", ("z.example", True)), ("evil.example", ("evil.example", True)),
                               ("google.example", ("google.example", False)), ("evil.example", ("google.example", False))):
            h.run("receive", "--deliver", input=b"Authentication-Results: mx.recv.example; dmarc=pass header.from=%s\n" % author.encode() +
                  corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid="twice", org="google.example"))), passes=False))
            got, = (r for r in json.loads(h.run("list", "--json")) if r["report_id"] == "twice")
            self.assertEqual((got["sent_by"], got["sent_by_other"]), wanted)
        self.assertEqual(server.query(name, "SELECT number FROM assay_received.version"), [("4",)])
        self.assertEqual([int(n) > 0 for n, in server.query(name, "SELECT size FROM assay_received.share")], [True])

    def test_a_later_schema_is_left_alone(self):
        name = server.database()
        h = Host(self, server.url(name))
        h.run("receive", input=b"no report", status=65)
        server.query(name, "UPDATE assay_received.version SET number = 99")
        for words in (["list"], ["receive"]):
            done = h.assay(*words, input=b"no report")
            self.assertEqual((done.returncode, b"later version" in done.stderr), (75, True), done.stderr)
        self.assertEqual(server.query(name, "SELECT number FROM assay_received.version"), [("99",)])

    def test_what_the_configuration_may_say(self):
        for store, wanted in (("mysql://x/y", "neither"), ("postgresql://", "names no database"),
                              ("postgresql://h/" + "x" * 500, "longer than")):
            done = Host(self, store).assay("config", "check")
            self.assertEqual((done.returncode, wanted in done.stderr.decode()), (78, True), done.stderr)
        self.assertEqual(Host(self, self.url()).assay("config", "check").returncode, 0)
        for store, shown in ((self.url(), f"postgresql://assay:***@/d{server.databases}?host={server.folder}"),
                             ("postgresql://h/x?user=u&password=geheim", "postgresql://h/x?***"),
                             ("postgresql://u@h/x:geheim@y", "postgresql://u@h/x:geheim@y")):
            self.assertIn(f'store = "{shown}";', Host(self, store).run("config", "show"))

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root")
    def test_without_the_library(self):
        h = Host(self, self.url())
        libraries = [str(p) for p in pathlib.Path("/usr/lib").glob("*/libpq.so.5")]
        hide = " && ".join(f"mount --bind /dev/null {p}" for p in libraries)
        done = subprocess.run(["unshare", "-m", "sh", "-c", f'{hide} && exec "$0" "$@"', ASSAY, "report", "list", "-c", h.conf],
                              capture_output=True, text=True, check=False)
        if "unshare" in done.stderr or "mount" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 75)
        self.assertIn("apt install libpq5", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
