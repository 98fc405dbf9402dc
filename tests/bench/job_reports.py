"""job_reports.py - DMARC reports: results of a day kept, reports made of them and sent, and reports of others read.

The day is --day messages from 100 domains, each from one of 20 addresses, with a signature that passes. Every domain gets
a report by SMTP on loopback; the reports that are read are those that assay makes (100 mails of some 20 rows with 2000
messages), in the form of RFC 7489, which all can read.

assay          rows in SQLite as the daemon keeps them (tests/report/fill.c), report send, report receive.
OpenDMARC      1.4.2: opendmarc-import and opendmarc-reports, with MariaDB 10.11, whose processes count. The database is
               opendmarc's own schema on a disk in memory, without grants, and commits do not wait for it.
Mail::DMARC    1.20211209, with SQLite on a disk in memory: save_aggregate() in one process, dmarc_send_reports without
               pauses, handed to this host without TLS; reports are read in one process, since dmarc_receive takes one
               mail at a time (its --mbox does not work in this version).
dmarcts        dmarcts-report-parser 2022-07-21, with the same MariaDB. It only reads.

parsedmarc is not in Debian 12; dmarc-cat, which is, prints reports and stores none. rspamd's reports (rspamadm
dmarc_report) are not measured. All are run to their end: there is no
time of one message. Memory is the most that the processes had, with the database's."""

import contextlib
import email
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile

import sink
from filters import resident
from jobs import Play, Rounds, fresh

DOMAINS = [f"sender{n}.example.org" for n in range(100)]
MIDNIGHT = int(time.time() // 86400) * 86400
NOON = MIDNIGHT - 43200  # of yesterday
HERE = pathlib.Path(__file__).resolve().parent
DISK = pathlib.Path("/run/jobs")  # in memory
SOCKET = pathlib.Path("/run/mysqld/mysqld.sock")
ENVIRONMENT = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
MARIADB = ["--no-defaults", "--user=root", f"--datadir={DISK}/mariadb"]
SERVER = [*MARIADB, f"--socket={SOCKET}", f"--pid-file={DISK}/mariadb.pid", "--skip-networking", "--skip-grant-tables",
          "--innodb-flush-log-at-trx-commit=0", "--innodb-use-native-aio=0", "--innodb-flush-method=fsync"]
SCHEMA = pathlib.Path("/usr/share/dbconfig-common/data/opendmarc/install/mysql")
MAIL_DMARC = """[organization]
domain = recv.example.org
org_name = recv.example.org
email = dmarc@recv.example.org
[report_store]
backend = SQL
dsn = dbi:SQLite:dbname={path}
[dmarc]
backend = perl
[dns]
timeout = 5
public_suffix_list = /usr/share/publicsuffix/public_suffix_list.dat
[smtp]
hostname = mx.recv.example.org
transports = JobTransport
"""
# No look-up of the MX, no TLS, and one connection.
TRANSPORT = """package JobTransport;
use Email::Sender::Transport::SMTP::Persistent;
sub new { bless {}, shift }
sub get_transports_for {
    my $self = shift;
    return $self->{one} ||= Email::Sender::Transport::SMTP::Persistent->new({ host => '127.0.0.1', port => 25 });
}
1;
"""
DMARCTS = """$debug = 0; $delete_reports = 0; $dbtype = 'mysql'; $dbname = 'dmarc'; $dbuser = 'root'; $dbpass = '';
$dbhost = ''; $dbport = ''; $maxsize_xml = 50000; $compress_xml = 0; $delete_failed = 0; $imapreadfolder = 'none';
"""


def day(messages):
    """Domain, address, result of SPF of each."""
    for n in range(messages):
        address = f"198.51.{n % len(DOMAINS)}.{n // len(DOMAINS) * 7 % 20 + 1}"
        yield DOMAINS[n % len(DOMAINS)], address, "fail" if n // len(DOMAINS) % 3 == 2 else "pass"


def history(n, domain, address, spf):
    """A message as opendmarc writes it into its history."""
    return (f"job 4{n:09X}\nreporter mx.recv.example.org\nreceived {NOON}\nipaddr {address}\nfrom {domain}\nmfrom {domain}\n"
            f"dkim {domain} s2026 0\nspf {0 if spf == 'pass' else 7}\npdomain {domain}\npolicy 15\nrua mailto:d@{domain}\n"
            f"pct 100\nadkim 114\naspf 114\np 114\nsp 0\nalign_dkim 4\nalign_spf {4 if spf == 'pass' else 5}\n"
            "arc 7\narc_policy 2 json:[]\naction 2\n")


class Run:
    """A command run to its end, and what it and the processes beside it took."""

    def __init__(self, words, beside=(), **options):
        began, spent, self.memory = time.monotonic(), sum(map(cpu_of, beside)), 0.0
        with open(DISK / "output", "w+b") as out:
            process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       env={**ENVIRONMENT, **options.pop("env", {})}, **options)
            used = self.wait(process)
        self.seconds = time.monotonic() - began
        self.cpu = used.ru_utime + used.ru_stime + sum(map(cpu_of, beside)) - spent
        self.memory += sum(map(resident, beside)) / 1024
        self.output = (DISK / "output").read_text(errors="replace")
        if process.returncode:
            sys.exit(f"{words[0]}: exit status {process.returncode}\n{self.output[-3000:]}")

    def wait(self, process):
        """What it took. Its memory is looked at meanwhile: the kernel's figure at the end has that of whoever started it."""
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return used
            self.memory = max(self.memory, resident(process.pid, "VmHWM") / 1024)
            time.sleep(0.005)

    def play(self, items):
        return Play(self.cpu / items * 1e6, items / self.seconds, 0, 0, self.memory)


def cpu_of(pid):
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)


@contextlib.contextmanager
def mariadb():
    """Its process id."""
    SOCKET.parent.mkdir(exist_ok=True)
    subprocess.run(["mariadb-install-db", *MARIADB, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = DISK / "mariadb.log"
    with open(log, "wb") as out:
        server = subprocess.Popen(["mariadbd", *SERVER], stdout=out, stderr=out)
    try:
        while not SOCKET.exists():
            if server.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.05)
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def sql(text):
    """What MariaDB answers."""
    words = ["mariadb", "--no-defaults", f"--socket={SOCKET}", "--skip-column-names"]
    return subprocess.run(words, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


class Assay:
    name = "assay"

    def __init__(self, bench, _):
        self.folder, self.state = fresh(bench, "job-reports"), DISK / "assay"
        self.program = bench.filters.programs["assay"]
        self.fill = self.program.parent / "tests" / "report" / "report_fill"
        self.conf = self.folder / "assay.conf"
        self.conf.write_text(
            f'state-dir = "{self.state}";\nauthserv-id = "mx.recv.example.org";\ndns = {{ servers = [ "127.0.0.1@53" ]; }};\n'
            'reports = { send = true; from = "dmarc@reports.recv.example.org"; mailer = "smtp://127.0.0.1:25";\n'
            f"  legacy-destinations = {json.dumps(DOMAINS)}; }};\n")

    def clear(self):
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(mode=0o700)

    def keep(self, path):
        return Run([self.fill, self.state / "rows.db", NOON // 86400, "messages", path])

    def report(self, what, *words):
        return Run([self.program, "report", what, "-c", self.conf, *words])

    def send(self):
        return self.report("send", "--at", MIDNIGHT + 3600)

    def receive(self, mails):
        return self.report("receive", *mails)

    def told(self):
        """How many messages the reports that were read tell of."""
        return sum(report["messages"] for report in json.loads(self.report("list", "--json").output))


class OpenDmarc:
    name = "OpenDMARC"

    def __init__(self, bench, server):
        self.folder, self.server = fresh(bench, "job-opendmarc"), server

    def clear(self):
        sql("DROP DATABASE IF EXISTS opendmarc;\n" + SCHEMA.read_text())

    def keep(self, path):
        lines = (line.split() for line in path.read_text().splitlines())
        (self.folder / "history").write_text("".join(history(n, *line) for n, line in enumerate(lines)))
        return Run(["opendmarc-import", f"--input={self.folder}/history"], [self.server])

    def send(self):
        return Run(["opendmarc-reports", "--day", "--utc", "--report-org=recv.example.org", "--report-email=dmarc@recv.example.org"],
                   [self.server], cwd=self.folder)


class MailDmarc:
    name = "Mail::DMARC"

    def __init__(self, bench, _):
        self.folder = fresh(bench, "job-mail-dmarc")
        self.store = DISK / "mail-dmarc.sqlite"
        (self.folder / "mail-dmarc.ini").write_text(MAIL_DMARC.format(path=self.store))
        (self.folder / "JobTransport.pm").write_text(TRANSPORT)

    def run(self, *words):
        env = {"MAIL_DMARC_CONFIG_FILE": str(self.folder / "mail-dmarc.ini"), "PERL5LIB": str(self.folder)}
        return Run(words, env=env, cwd=self.folder)

    def clear(self):
        self.store.unlink(missing_ok=True)

    def keep(self, path):
        return self.run(HERE / "job-mail-dmarc", "record", NOON, path)

    def send(self):
        return self.run("dmarc_send_reports", "--delay=0", "--batch=1000")

    def receive(self, mails):
        return self.run(HERE / "job-mail-dmarc", "receive", *mails)

    def told(self):
        with sqlite3.connect(self.store) as db:
            return db.execute("SELECT sum(count) FROM report_record").fetchone()[0]


class Dmarcts:
    name = "dmarcts-report-parser"

    def __init__(self, bench, server):
        self.folder, self.server = fresh(bench, "job-dmarcts"), server
        (self.folder / "dmarcts-report-parser.conf").write_text(DMARCTS)

    def clear(self):
        sql("DROP DATABASE IF EXISTS dmarc; CREATE DATABASE dmarc;")

    def receive(self, mails):
        return Run(["dmarcts-report-parser", "-e", *mails], [self.server], cwd=self.folder)

    def told(self):
        return int(sql("SELECT sum(rcount) FROM dmarc.rptrecord;"))


@contextlib.contextmanager
def prepared(count):
    """The database server's process id, the sink, and the file of so many messages."""
    DISK.mkdir(exist_ok=True)
    messages = DISK / "messages"
    messages.write_text("".join(" ".join(line) + "\n" for line in day(count)))
    mails = sink.Sink("127.0.0.1", (), 25)
    mails.start()
    with mariadb() as server:
        yield server, mails, messages


def reports(bench):
    with prepared(bench.day) as (server, mails, messages):
        yield from made(bench, server, mails, messages)
        yield from read(bench, server, messages)


def told_in(mail):
    """How many messages the report in a mail tells of."""
    parts = [part.get_payload(decode=True) for part in email.message_from_bytes(mail).walk() if not part.is_multipart()]
    packed = next(part for part in parts if part[:2] in (b"PK", b"\x1f\x8b"))
    if packed[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            xml = archive.read(archive.namelist()[0])
    else:
        xml = gzip.decompress(packed)
    return sum(map(int, re.findall(rb"<count>(\d+)<", xml)))


def made(bench, server, mails, messages):
    tools = {tool.name: tool(bench, server) for tool in (Assay, OpenDmarc, MailDmarc)}
    rounds = Rounds(bench, *tools)
    for turn in list(rounds.turns)[:3]:
        for name in rounds.order(turn):
            tools[name].clear()
            rounds.add("reports: a message kept", name, tools[name].keep(messages).play(bench.day))
            mails.messages.clear()
            run = tools[name].send()
            if (found := [len(mails.messages), sum(map(told_in, mails.messages))]) != [len(DOMAINS), bench.day]:
                sys.exit(f"{name} sent reports, messages: {found}, not {[len(DOMAINS), bench.day]}\n{run.output[-3000:]}")
            rounds.add("reports: a report made, sent", name, run.play(len(DOMAINS)))
    return rounds.found()


def read(bench, server, messages):
    tools = {tool.name: tool(bench, server) for tool in (Assay, MailDmarc, Dmarcts)}
    rounds = Rounds(bench, *tools)
    tools["assay"].clear()
    tools["assay"].keep(messages)
    tools["assay"].report("send", "--at", MIDNIGHT + 3600, "--directory", DISK / "mails")
    files = sorted((DISK / "mails").glob("*.eml"))
    for turn in rounds.turns:
        for name in rounds.order(turn):
            tools[name].clear()
            rounds.add("reports: a report read", name, tools[name].receive(files).play(len(files)))
            if (told := tools[name].told()) != bench.day:
                sys.exit(f"{name} has read of {told} messages, not {bench.day}")
    return rounds.found()
