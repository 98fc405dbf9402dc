"""stores.py - the budgets of the stores that are no trial: rows, reports that are read, and pages of them.

rows    A million messages by bench_store, once 20 to a row, and once each a row: how many a second, and what one takes. Into
        SQLite, and a fifth as many into PostgreSQL, where Debian's server is installed.
pages   10,000 reports of a hundred rows, 10 million messages in 400 days, are received; and one report of 3,500 rows.
        Then assay-web is asked for each page over all days, five times: wall time and its CPU, medians.

Each yields lines (what, figures), as the functions of special.py do. What does not end well ends the program."""

import ipaddress
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "report"), str(HERE.parent / "lib")]
import postgresql  # noqa: E402
from webserver import Web  # noqa: E402

DAY = 86400
DAYS, A_DAY, ROWS, MESSAGES = 400, 25, 100, 10  # of a row
SOURCES = 3000  # of nine rows in ten; others are seen once
LARGE = 3500  # rows
NEW_ROWS = 1000000
DOMAINS = [f"d{i}.example" for i in range(20)]
PAGES = ("overview", "sources", "failures", "readiness", "reporters", "countries", "reports", f"reports?start={DAYS * A_DAY - 50}")
TIMES = 5


def bench_store(bench, n_rows, *server):
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        program = pathlib.Path(bench.load).parent / "bench_store"
        done = subprocess.run([program, "0", str(n_rows), folder, *server], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def rows(bench, _):
    for line in bench_store(bench, NEW_ROWS):
        yield "rows", line
    if not postgresql.programs():
        return
    server = postgresql.Server(durable=True)
    try:
        for line in bench_store(bench, NEW_ROWS // 5, server.url(server.database())):
            yield "rows, PostgreSQL", line
        yield "reports read, PostgreSQL", read_small(bench, server.url(server.database()))
    finally:
        server.close()


def read_small(bench, url):
    """A thousand reports of ten rows into a server."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        store = Received(bench.filters.programs["assay"], pathlib.Path(name), f'store = "{url}";\n')
        return store.receive_many(int(time.time()) // DAY - 1, 1000, 10)


def row(domain, i, day):
    source = i * 2654435761 + day * 97 if i % 10 == 0 else i % SOURCES
    address = ipaddress.ip_address((198 << 24) + source % (1 << 22))
    good = "pass" if i % 4 else "fail"
    return (f"<record><row><source_ip>{address}</source_ip><count>{MESSAGES}</count><policy_evaluated><disposition>none"
            f"</disposition><dkim>{good}</dkim><spf>{good}</spf></policy_evaluated></row><identifiers><header_from>{domain}"
            f"</header_from></identifiers><auth_results><dkim><domain>{domain}</domain><selector>s{i % 3}</selector><result>"
            f"{good}</result></dkim><spf><domain>{domain}</domain><result>{good}</result></spf></auth_results></record>\n")


def report(number, day, n_rows):
    domain, reporter = DOMAINS[number % len(DOMAINS)], f"reporter{number % 30}.example"
    rows_of_it = "".join(row(domain, i + number * 7, day) for i in range(n_rows))
    return (f"<?xml version='1.0'?>\n<feedback><report_metadata><org_name>{reporter}</org_name><email>r@{reporter}</email>"
            f"<report_id>{number}</report_id><date_range><begin>{day * DAY}</begin><end>{day * DAY + DAY - 1}</end></date_range>"
            f"</report_metadata><policy_published><domain>{domain}</domain><p>reject</p></policy_published>\n{rows_of_it}"
            "</feedback>\n")


class Received:
    """A store of received reports in a folder."""

    def __init__(self, assay, folder, more=""):
        self.assay, self.folder = assay, folder
        self.conf = folder / "assay.conf"
        (folder / "state").mkdir()
        (folder / "zone").write_text("$ORIGIN .\n")
        domains = ", ".join(f'"{d}"' for d in DOMAINS)
        self.conf.write_text(f'state-dir = "{folder}/state";\nreports = {{ domains = [ {domains} ]; }};\n{more}')

    def receive(self, path):
        """Seconds, CPU seconds, and the most memory in MB."""
        words = [self.assay, "report", "receive", "-c", self.conf, "--dns", self.folder / "zone", path]
        began = time.monotonic()
        process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{path}: receiving ended with {process.returncode}")
        return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024

    def receive_many(self, first_day, n, n_rows, a_day=1000):
        """So many reports from that day on: the line that says how long they took."""
        (self.folder / "reports").mkdir()
        for number in range(n):
            (self.folder / "reports" / f"{number}.xml").write_text(report(number, first_day + number // a_day, n_rows))
        took, cpu, memory = self.receive(self.folder / "reports")
        return f"{n} of {n_rows} rows: {n / took:.0f} a second, {cpu / n * 1e6:.0f} us CPU each, {memory:.0f} MB"


def cpu_of(pid):
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)


def ask_page(web, path):
    """Milliseconds of the wall clock and of CPU."""
    began, cpu = time.monotonic(), cpu_of(web.process.pid)
    status, _, text = web.ask(path)
    if status != 200 or "</html>" not in text:
        sys.exit(f"{path}: {status} {text[:300]}")
    return (time.monotonic() - began) * 1000, (cpu_of(web.process.pid) - cpu) * 1000


def time_pages(web):
    for page in PAGES:
        path = f"/{page}{'&' if '?' in page else '?'}days={DAYS}"
        times = [ask_page(web, path) for _ in range(TIMES)]
        wall, cpu = (statistics.median(column) for column in zip(*times))
        yield f"{page.replace('?', ' ')} {wall:.0f} / {cpu:.0f}"


def pages(bench, _):
    assay = bench.filters.programs["assay"]
    today = int(time.time()) // DAY
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        folder = pathlib.Path(name)
        store = Received(assay, folder)
        n = DAYS * A_DAY
        yield "reports read", store.receive_many(today - DAYS, n, ROWS, A_DAY)
        (folder / "large.xml").write_text(report(n, today - 1, LARGE))
        took, cpu, memory = store.receive(folder / "large.xml")
        yield "reports read", f"one of {LARGE} rows: {took:.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MB"
        web = Web(assay.with_name("assay-web"), store.conf)
        try:
            yield "pages", f"{n * ROWS * MESSAGES} messages in {DAYS} days, ms / ms CPU: " + ", ".join(time_pages(web))
        finally:
            web.end()


STORES = {"rows": rows, "pages": pages}
