#!/usr/bin/python3
"""The fault matrix: each fault with each kind of work under way. What the sender sees is never a refusal (5xx) that the mail
has not earned, and nothing is lost: what was accepted, recorded, counted or handed over is there afterwards, once. The log
has one line for each outage. The table at the end has to be that of tests/README, which says what its words mean."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("wire", "report", "lib")]

import corpus
import harness
import postgresql
import test_faults
import test_greylist
import test_policy
import test_srs
import traffic
from dns_server import SILENT
from milter_client import Vanished, plain_header

FILL, CRASH = os.environ["ASSAY_FILL"], os.environ["ASSAY_CRASH_LIBRARY"]
DNS = 'timeout = "1s"; deadline = "2s"; max-ttl = "1s"; negative-ttl = "0s"; failure-ttl = "0s";'
TRIES = 5
ROUNDS = 2  # of each work while a fault lasts
WORDS = ["right", "unknown", "later", "451", "closed"]  # the worst of what was seen counts
WORKS = ["inbound", "signing", "local", "redis", "rows", "srs", "policy", "send", "receive"]
DOORS = {"inbound", "signing", "local", "redis", "rows", "srs", "policy"}
OUR_OWN = r"(warning|error): "

# Lines that an outage causes, once each, and the works that they belong to.
LINES = {
    "dns": (r"warning: DNS: no resolver answers", {"inbound"}),
    "list": (r"warning: DNS list .* counts for nothing now", {"inbound", "policy"}),
    "state": (r"error: state store (?!redis:)", {"local"}),
    "redis": (r"error: state store redis:", {"redis"}),
    "rows": (r"error: report rows", {"rows"}),
    "slow": (r"warning: state store .* is slow", {"local"}),
    "threads": (r"warning: no thread can be had", DOORS),
    "refused": (r"warning: a \w+ connection is refused", DOORS),
}


class Site:
    """A daemon with everything on, the files of its works, and what has to be there at the end. state: where greylisting has
    its own, "local" or "redis"; postgresql: the server that has rows and reports, or None: files have them."""

    def __init__(self, test, state, postgresql):
        self.test, self.postgresql = test, postgresql
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="assay-matrix-"))
        test.addCleanup(shutil.rmtree, self.scratch)
        self.faults = test_faults.Faults(self.scratch)
        self.mail = traffic.Traffic(self.scratch)
        self.number = 0
        self.rows = self.maybe_rows = 0
        self.environment = {}  # of commands
        self.recorded, self.reports, self.sends = [], set(), []
        self.to_send = []  # folders that are ready
        self.address = None  # of SRS, made before
        self.redis = test_greylist.Redis() if state == "redis" else None
        if self.redis:
            test.addCleanup(self.redis.stop)
        self.srs, self.policy = ((harness.LOOPBACK, harness.free_port()) for _ in range(2))
        secrets = self.scratch / "secrets"
        secrets.write_text(test_srs.SECRETS)
        secrets.chmod(0o600)
        self.state = self.scratch / "state"
        self.state.mkdir()
        where = f"redis://127.0.0.1:{self.redis.port}/0" if self.redis else "local"
        self.database = postgresql and postgresql.database()
        store = f'store = "{postgresql.url(self.database)}";' if postgresql else ""
        self.d = test.daemon(traffic.CONFIG + self.mail.keys.signing() + f"""
state-dir = "{self.state}"; state = "{where}"; {store}
greylist = {{ mode = "enforce"; delay = "1s"; }};
exceptions = {{ networks = [ "192.0.2.0/24" ]; }};
dnsbl = {{ lists = ( {{ zone = "bl.test"; weight = 10; }} ); }};
srs = {{ listen = "inet:{self.srs[1]}@{harness.LOOPBACK}"; domain = "srs.example.org"; secrets = "{secrets}"; }};
policy-service = {{ listen = "inet:{self.policy[1]}@{harness.LOOPBACK}"; checks = [ "spf", "dnsbl" ]; }};
""", dns=DNS, environment=self.faults.environment, start=False)
        self.zone = self.mail.zone
        self.zone.update({"2.0.0.127.bl.test": {"A": ["127.0.0.2"]}, "rows.test": traffic.CLIENT,
                          "_dmarc.rows.test": {"TXT": ["v=DMARC1; p=none; rua=mailto:d@rows.test"]},
                          **{f"silent{n}.test": SILENT for n in range(6)}, **{f"_dmarc.silent{n}.test": SILENT for n in range(6)},
                          "rows.test._report._dmarc.elsewhere.test": {"TXT": ["v=DMARC1"]}})
        self.d.dns.zone = self.zone
        self.d.start()

    def next(self):
        self.number += 1
        return self.number

    @contextlib.contextmanager
    def client(self, **options):
        c = self.d.client(timeout=30, hello=False)
        try:
            c.hello(**options)
            yield c
            c.quit()
        finally:
            c.socket.close()

    # --- Works: each tells what the sender sees, and raises AssertionError for what must not be

    def judged(self, message, reply):
        problem = message.judge(reply)
        if problem:
            self.test.assertIsNone(message.tolerate(reply), problem)
        return "451" if problem else "right"

    def inbound(self):
        seen = []
        for message in (self.mail.cold(), self.mail.cold_forged(), self.mail.verified()):
            with self.client() as c:
                seen.append(self.judged(message, message.play(c, "IN")))
        return worst(seen)

    def signing(self):
        message = self.mail.mine()
        with self.client() as c:
            traffic.authenticate(c)
            reply = message.play(c, "OURS")
        self.test.assertFalse(reply.accepted and message.judge(reply), f"unsigned: {reply}")
        return self.judged(message, reply)

    def from_network(self, network):
        with self.client(address=f"{network}.1") as c:
            return c.message(sender="<a@plain.test>", header=plain_header("a@plain.test"))

    def greylisting(self):
        """The store has 0.2 s for an answer, for which this machine may be too busy: once is no time."""
        seen = ["unknown"]
        while seen[-1] == "unknown" and len(seen) < TRIES:
            seen.append(self.come_first())
        return seen[-1]

    def come_first(self):
        """Of an unknown network, which is asked to come again, and recorded."""
        n = self.next()
        network = f"198.{18 + n // 250}.{n % 250}"
        reply = self.from_network(network)
        if "Greylisted" in reply.text:
            self.recorded.append(network)
            return "right"
        self.test.assertTrue(reply.accepted or reply.code[:1] == "4", reply)
        return "unknown" if reply.accepted else "451"

    def mail_of_rows(self):
        with self.client() as c:
            return c.message(sender="<a@rows.test>", header=plain_header("a@rows.test"))

    def count_rows(self):
        reply = self.mail_of_rows()
        self.test.assertTrue(reply.accepted or reply.code[:1] == "4", reply)
        self.rows += reply.accepted
        return "right" if reply.accepted else "451"

    @contextlib.contextmanager
    def load(self, threads=2):
        """Mail that is counted comes in, all of which has to be accepted. What is given tells how much was."""
        accepted, stop = [], threading.Event()

        def work():
            while not stop.is_set():
                reply = self.mail_of_rows()
                self.test.assertTrue(reply.accepted, reply)
                accepted.append(reply)

        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            working = [pool.submit(work) for _ in range(threads)]
            try:
                yield lambda: len(accepted)
            finally:
                stop.set()
        self.rows += len(accepted)
        for one in working:
            one.result()

    def rewrite(self):
        """A sender, and a bounce to an address that was made before."""
        m = test_srs.Map(self.srs)
        try:
            answers = [m.ask("forward alice@example.com"), self.address and m.ask(f"reverse {self.address}") or "OK "]
        finally:
            m.close()
        if None in answers:
            raise Vanished("no answer")
        for answer in answers:
            self.test.assertRegex(answer, "^(OK |TEMP )")
        if answers[0].startswith("OK"):
            self.address = answers[0][3:]
        return "right" if all(answer.startswith("OK") for answer in answers) else "451"

    def ask_policy(self):
        n = self.next()
        p = test_policy.Policy(self.policy)
        try:
            action = p.ask(instance=f"i{n}", client_address="192.0.2.10", client_name="client.test", helo_name="client.test",
                           sender=f"a@n{n}.fresh.test")
        finally:
            p.close()
        if action is None:
            raise Vanished("no answer")
        if action.startswith("PREPEND Received-SPF: pass"):
            return "right"
        self.test.assertRegex(action, r"^(DUNNO|PREPEND|4\d\d )")
        return "451" if action[0] == "4" else "unknown"

    # --- Commands

    def run(self, folder, *words):
        command = [harness.BINARY, "report", words[0], "-c", str(folder / "assay.conf"), *map(str, words[1:])]
        before = getattr(self, "limits", None)
        environment = {**os.environ, **self.faults.environment, **self.environment, "ASAN_OPTIONS": "verify_asan_link_order=0"}
        if words[0] == "receive":
            environment["LD_PRELOAD"] += ":" + CRASH
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, preexec_fn=before, check=False)

    def new_store(self):
        return self.postgresql.url(self.postgresql.database()) if self.postgresql else "local"

    def folder(self, reports, store):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        (folder / "state").mkdir()
        (folder / "assay.conf").write_text(
            f'state-dir = "{folder}/state";\nstore = "{store}";\nauthserv-id = "mx.recv.test";\n'
            f'dns = {{ servers = [ "{self.d.dns.servers}" ]; {DNS} }};\n'
            f'reports = {{ country-file = "/nonexistent"; {reports} }};\n')
        return folder

    def complain(self, done):
        """A command that did not work says why, on one line."""
        lines = [line for line in done.stderr.splitlines() if line]
        self.test.assertTrue(lines, done)
        self.test.assertEqual(len(lines), 1, lines)

    def ready_to_send(self):
        """With the rows of a report."""
        store = self.new_store()
        folder = self.folder('send = true; from = "reports@recv.test"; mailer = "MAILER";', store)
        box = folder / "box"
        box.mkdir()
        mailer = folder / "mailer"
        mailer.write_text(f"#!/bin/sh\n[ -e {self.scratch}/kill ] && kill -9 $PPID\nf={box}/$$\ncat > $f.part && mv $f.part $f.mail\n")
        mailer.chmod(0o755)
        conf = folder / "assay.conf"
        conf.write_text(conf.read_text().replace("MAILER", str(mailer)))
        yesterday = int(time.time() // 86400) - 1
        to = folder / "state/rows.db" if store == "local" else store
        subprocess.run([FILL, to, str(yesterday), "row", "rows.test", "mailto:d@elsewhere.test", "192.0.2.1", "3"],
                       check=True, stdout=subprocess.DEVNULL, env={**os.environ, "ASSAY_SPOOL": str(folder / "state/spool.db")})
        return folder

    def send(self):
        folder = self.to_send.pop() if self.to_send else self.ready_to_send()
        done = self.run(folder, "send")
        self.sends.append((folder, done.returncode < 0))
        if done.returncode == 0 and self.in_box(folder):
            return "right"
        if done.returncode > 0:
            self.complain(done)
        return "later"

    def receive(self):
        name = f"r{self.next()}"
        folder = getattr(self, "incoming", None) or self.folder('domains = [ "example.org" ]; keep-rows = "36500d";', self.new_store())
        self.incoming = folder
        (folder / name).write_text(corpus.xml(rid=name))
        done = self.run(folder, "receive", "--deliver", folder / name)
        self.test.assertIn(done.returncode, (0, 75, -9), done)
        self.reports.add(name)
        if done.returncode == 0:
            return "right"
        if done.returncode > 0:
            self.complain(done)
        return "later"

    def play(self, work):
        began = time.monotonic()
        word = self.played(work)
        if os.environ.get("ASSAY_MATRIX"):
            print(f"    {work}: {word}, {time.monotonic() - began:.1f} s", flush=True)
        return word

    def played(self, work):
        how = {"local": self.greylisting, "redis": self.greylisting, "rows": self.count_rows, "srs": self.rewrite,
               "policy": self.ask_policy}.get(work) or getattr(self, work)
        try:
            return how()
        except (Vanished, ConnectionError, socket.timeout, FileNotFoundError) as gone:
            self.test.assertNotIsInstance(gone, socket.timeout, f"{work}: no answer")
            return "closed"

    # --- What has to be there

    def rows_kept(self):
        sql = ("SELECT coalesce(sum(messages), 0) FROM {0}row JOIN {0}sender ON {0}sender.id = sender"
               " WHERE header_from = 'rows.test'")
        try:
            if self.postgresql:
                return int(self.postgresql.query(self.database, sql.format("assay_rows."))[0][0])
            with contextlib.closing(sqlite3.connect(f"file:{self.state}/rows.db?mode=ro", uri=True)) as db:
                return db.execute(sql.format("")).fetchone()[0]
        except (sqlite3.OperationalError, RuntimeError):  # no table yet
            return 0

    def known_networks(self):
        done = subprocess.run([harness.BINARY, "greylist", "list", "--json", "-c", self.d.path], capture_output=True, text=True, check=False)
        return {key["name"] for key in json.loads(done.stdout or '{"keys": []}')["keys"]}

    def rows_are_there(self):
        """How long that took."""
        began, least, most = time.monotonic(), self.rows - self.maybe_rows, self.rows
        harness.until(lambda: least <= self.rows_kept() <= most, f"{least} to {most} rows")
        return time.monotonic() - began

    def nothing_is_lost(self, forgotten):
        self.rows_are_there()
        if not forgotten:
            known = self.known_networks()
            self.test.assertEqual([n for n in self.recorded if f"{n}.0/24" not in known], [], known)
        for network in self.recorded[-2 * ROUNDS :]:
            harness.until(lambda network=network: self.from_network(network).accepted, f"{network} passes when it comes again")
        for folder, killed in self.sends:
            self.handed_over(folder, killed)
        if self.reports:
            for name in self.reports:
                self.test.assertEqual(self.run(self.incoming, "receive", "--deliver", self.incoming / name).returncode, 0)
            listed = json.loads(self.run(self.incoming, "list", "--json").stdout)
            self.test.assertEqual(sorted(r["report_id"] for r in listed), sorted(self.reports))

    def in_box(self, folder):
        return [path.read_bytes() for path in (folder / "box").glob("*.mail")]

    def handed_over(self, folder, killed):
        """Once, however often the command is run; what was handed over when the command was killed comes again as the same."""
        if killed:
            harness.until(lambda: self.in_box(folder), "the mailer ends")
        for hours in range(8):
            before = self.in_box(folder)
            done = self.run(folder, "send", "--at", int(time.time()) + 3600 * hours)
            mails = self.in_box(folder)
            if before and len(mails) == len(before) and done.returncode == 0:
                break
        else:
            self.test.fail(f"it is not done: {done} {list(folder.rglob('*'))}")
        self.test.assertEqual((len(mails), len(set(mails))), (1 + killed, 1))


def worst(words):
    return max(words, key=WORDS.index)


# --- Faults: each begins and ends, at one site -----------------------------------------------------


class Fault:
    kinds = {}  # of faults.def
    postgresql = None  # the server that has rows and reports
    carried = 0  # seconds until the rows were there that had waited
    forgets = False  # first contacts may be forgotten: a network is asked to come again once more

    def here(self):
        """Can this machine have it?"""
        return True

    def begin(self, site):
        for kind, permille in self.kinds.items():
            site.faults.arm(kind, permille)

    def keep_up(self, site):
        """Before each work, in case the fault has become less."""

    def end(self, site):
        for kind in self.kinds:
            site.faults.arm(kind, 0)


class Kill(Fault):
    """A message is under way, and the next work finds nobody there. Commands are killed in their midst."""

    def begin(self, site):
        c = site.d.client()
        c.mail(), c.rcpt()
        site.count_rows()
        site.maybe_rows = 1  # of the last second
        site.d.process.kill()
        site.d.process.wait()
        c.socket.close()
        (site.scratch / "kill").touch()
        site.environment["CRASH_AT"] = "5"

    def end(self, site):
        (site.scratch / "kill").unlink()
        del site.environment["CRASH_AT"]
        site.d.launch()


class Redis(Fault):
    forgets = True

    def begin(self, site):
        if site.redis:
            site.redis.process.kill()
            site.redis.process.wait()

    def end(self, site):
        if site.redis:
            site.redis.start()


class Postgresql(Fault):
    """Its server is killed while mail comes in, and comes back."""

    def here(self):
        if os.environ.get("ASSAY_POSTGRESQL") == "0" or not postgresql.programs():
            return False
        self.postgresql = self.postgresql or postgresql.Server()
        return True

    def begin(self, site):
        if not site.redis:  # there nothing is sent
            site.to_send = [site.ready_to_send() for _ in range(ROUNDS)]
        with site.load() as accepted:
            harness.until(lambda: accepted() >= 20, "mail before the server is killed")
            self.postgresql.kill()
            before = accepted()
            harness.until(lambda: accepted() >= before + 20, "mail after that")

    def end(self, site):
        self.postgresql.start()
        self.carried = site.rows_are_there()


class DeadDns(Fault):
    def begin(self, site):
        site.d.dns.dead = True

    def end(self, site):
        site.d.dns.dead = False


class LyingDns(Fault):
    def begin(self, site):
        site.d.dns.lying = True

    def end(self, site):
        site.d.dns.lying = False


class Descriptors(Fault):
    """Not one more than are open."""

    def settled(self, pid):
        """Those for DNS come and go."""
        seen = []
        while len(seen) < 10 or seen[-1] != seen[-10]:
            seen.append(sorted(map(int, os.listdir(f"/proc/{pid}/fd"))))
            time.sleep(0.05)
        return seen[-1]

    def fill(self, site, pid):
        while len(used := self.settled(pid)) <= max(used):
            self.idle.append(site.d.client())  # takes a number that is free
        self.limit = len(used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (self.limit, self.before[1]))

    def is_full(self, pid):
        return len(self.settled(pid)) == self.limit

    def begin(self, site):
        pid = site.d.process.pid
        self.before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        self.idle = []
        self.fill(site, pid)
        while not self.is_full(pid):  # one that was there for a while has gone
            resource.prlimit(pid, resource.RLIMIT_NOFILE, self.before)
            self.fill(site, pid)
        site.limits = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))

    def keep_up(self, site):
        with contextlib.suppress(Vanished, ConnectionError):  # the daemon was quicker: it is full
            while len(os.listdir(f"/proc/{site.d.process.pid}/fd")) < self.limit:
                self.idle.append(site.d.client())

    def end(self, site):
        resource.prlimit(site.d.process.pid, resource.RLIMIT_NOFILE, self.before)
        site.limits = None
        for c in self.idle:
            c.quit()


class Threads(Fault):
    """None is to be had while all that there are wait for DNS."""

    kinds = {"thread": 1000}

    def begin(self, site):
        super().begin(site)
        self.waiting = [site.d.client(timeout=30) for _ in range(6)]
        for n, c in enumerate(self.waiting):
            c.mail(f"<a@silent{n}.test>"), c.rcpt()
            for name, value in plain_header(f"a@silent{n}.test"):
                c.header(name, value)
            c.end_of_header()
            c.send("E")
        site.d.wait_for_log("no thread can be had")

    def end(self, site):
        super().end(site)
        for c in self.waiting:
            reply = c.reply()
            site.test.assertTrue(reply.accepted or reply.code[:1] == "4", reply)
            c.quit()


def armed(forgets=False, **kinds):
    return type("Armed", (Fault,), {"kinds": kinds, "forgets": forgets})()


# Those that have to come with a fault, and those that may: a list is silent while DNS is dead, and this machine may be slow.
CAUSES = {
    "disk full": {"state", "rows"}, "disk slow": {"slow"}, "DNS dead": {"dns"}, "DNS lies": {"list"}, "Redis dead": {"redis"},
    "PostgreSQL dead": {"rows"},
    "no threads": {"threads"}, "no files": {"refused"},
}
MAY_CAUSE = {"DNS dead": {"list"}}
LATER = 4  # seconds

FAULTS = {
    "kill -9": Kill(),
    "disk full": armed(file_write=1000),
    "disk slow": armed(file_slow=1000),
    "clock ahead": armed(clock_ahead=1000, forgets=True),
    "clock behind": armed(clock_behind=1000, forgets=True),
    "DNS dead": DeadDns(),
    "DNS lies": LyingDns(),
    "Redis dead": Redis(),
    "PostgreSQL dead": Postgresql(),
    "no threads": Threads(),
    "no files": Descriptors(),
}


def rows_to_play():
    """ASSAY_MATRIX names some. ASSAY_MATRIX_PART: 2/3 are the second, the fifth and so on of them."""
    rows = list(filter(None, os.environ.get("ASSAY_MATRIX", ",".join(FAULTS)).split(",")))
    part, parts = map(int, os.environ.get("ASSAY_MATRIX_PART", "1/1").split("/"))
    return rows[part - 1 :: parts]


class Matrix(harness.WireTest):
    @classmethod
    def tearDownClass(cls):
        for fault in FAULTS.values():
            if fault.postgresql:
                fault.postgresql.close()

    def works(self, state):
        return [w for w in WORKS if w != {"local": "redis", "redis": "local"}[state] and (state == "local" or w == "redis")]

    def right(self, site, work):
        began = time.monotonic()
        harness.until(lambda: site.play(work) == "right", f"{work} is right", 40)
        return time.monotonic() - began

    def lines_of(self, site, since):
        """Of the daemon's log: which outages it tells of. Anything else, or one of them twice, is wrong."""
        found = []
        for line in site.d.log()[since:].splitlines():
            if not re.search(OUR_OWN, line):
                continue
            names = [name for name, (pattern, _) in LINES.items() if re.search(pattern, line)]
            self.assertEqual(len(names), 1, f"a line of its own: {line}")
            found += names
        self.assertEqual(len(found), len(set(found)), f"one line an outage: {found}\n{site.d.log()[since:][-3000:]}")
        return found

    def lines_that_came(self, site, since, causes):
        """What is written in the background (rows) fails somewhat later."""
        end = time.monotonic() + LATER
        while not causes <= set(lines := self.lines_of(site, since)) and time.monotonic() < end:
            time.sleep(0.1)
        return lines

    def played(self, site, fault, work):
        fault.keep_up(site)
        return site.play(work)

    def trial(self, name, state):
        fault = FAULTS[name]
        site = Site(self, state, fault.postgresql)
        works = self.works(state)
        for work in works:
            self.right(site, work)
        harness.until(lambda: site.rows_kept() == site.rows, "rows are written")
        since = len(site.d.log())
        fault.begin(site)
        cells = {work: worst(self.played(site, fault, work) for _ in range(ROUNDS)) for work in works}
        causes = {line for line in CAUSES.get(name, set()) if LINES[line][1] & set(works)}  # not all with every store
        lines = self.lines_that_came(site, since, causes)
        fault.end(site)
        took = {work: self.right(site, work) for work in works}
        if "rows" in took:
            took["rows"] += fault.carried
        site.nothing_is_lost(fault.forgets)
        marks = CAUSES.get(name, set()) & set(lines)
        return {work: (word, sum(work in LINES[line][1] for line in marks), took[work]) for work, word in cells.items()}, set(lines)

    def matrix(self):
        shown = {}
        for name in rows_to_play():
            if not FAULTS[name].here():
                print(f"{name}: not here", flush=True)
                continue
            with self.subTest(fault=name):
                local, there = self.trial(name, "local")
                redis, here = self.trial(name, "redis")
                self.assertEqual(CAUSES.get(name, set()) - there - here, set(), "lines that are missing")
                self.assertEqual((there | here) - CAUSES.get(name, set()) - MAY_CAUSE.get(name, set()) - {"slow"}, set(), "other lines")
                shown[name] = {**local, **redis}
        return shown

    def table(self, shown, cell):
        head = f"{'':<16}" + "".join(f"{work:<10}" for work in WORKS)
        return [head.rstrip()] + ["".join([f"{name:<16}"] + [f"{cell(row[work]):<10}" for work in WORKS]).rstrip()
                                  for name, row in shown.items()]

    def documented(self):
        """The rows of the table in tests/README."""
        lines = (HERE.parent / "README").read_text().partition("THE FAULT MATRIX")[2].splitlines()
        first = [line.split() for line in lines].index(WORKS) + 1
        rows = [line.split() for line in lines[first : lines.index("", first)]]
        return {" ".join(row[: -len(WORKS)]): row[-len(WORKS) :] for row in rows}

    def test_matrix(self):
        shown = self.matrix()
        cell = lambda c: c[0] + "!" * c[1]
        print("\n".join(["", *self.table(shown, cell), "", "seconds until all is right again:",
                         *self.table(shown, lambda c: f"{c[2]:.1f}")]), flush=True)
        told = self.documented()
        self.assertEqual(list(told), list(FAULTS))
        for name, row in shown.items():
            with self.subTest(fault=name):
                self.assertEqual([cell(row[work]) for work in WORKS], told[name])


if __name__ == "__main__":
    harness.main()
