"""stores.py - the budgets of the stores that are no trial: rows into SQLite, reports that are read, and pages of them.

rows    A million rows of four threads, by bench_store: how many a second, and what one takes.
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
sys.path.append(str(HERE.parent / "report"))
from webserver import Web  # noqa: E402

DAY = 86400
DAYS, A_DAY, ROWS, MESSAGES = 400, 25, 100, 10  # of a row
SOURCES = 3000  # of nine rows in ten; others are seen once
LARGE = 3500  # rows
KEYS, NEW_ROWS = 1000, 1000000
DOMAINS = [f"d{i}.example" for i in range(20)]
PAGES = ("overview", "sources", "failures", "readiness", "reporters", "countries", "reports", f"reports?start={DAYS * A_DAY - 50}")
TIMES = 5


def rows(bench, _):
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        program = pathlib.Path(bench.load).parent / "bench_store"
        done = subprocess.run([program, str(KEYS), str(NEW_ROWS), folder], check=True, capture_output=True, text=True)
    yield "rows", done.stdout.splitlines()[-1]


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

    def __init__(self, assay, folder):
        self.assay, self.folder = assay, folder
        self.conf = folder / "assay.conf"
        (folder / "state").mkdir()
        (folder / "zone").write_text("$ORIGIN .\n")
        domains = ", ".join(f'"{d}"' for d in DOMAINS)
        self.conf.write_text(f'state-dir = "{folder}/state";\nreports = {{ domains = [ {domains} ]; }};\n')

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
        (folder / "reports").mkdir()
        for number in range(DAYS * A_DAY):
            (folder / "reports" / f"{number}.xml").write_text(report(number, today - DAYS + number // A_DAY, ROWS))
        took, cpu, memory = store.receive(folder / "reports")
        n = DAYS * A_DAY
        yield "reports read", f"{n} of {ROWS} rows: {n / took:.0f} a second, {cpu / n * 1e6:.0f} us CPU each, {memory:.0f} MB"
        (folder / "large.xml").write_text(report(n, today - 1, LARGE))
        took, cpu, memory = store.receive(folder / "large.xml")
        yield "reports read", f"one of {LARGE} rows: {took:.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MB"
        web = Web(assay.with_name("assay-web"), store.conf)
        try:
            yield "pages", f"{n * ROWS * MESSAGES} messages in {DAYS} days, ms / ms CPU: " + ", ".join(time_pages(web))
        finally:
            web.end()


STORES = {"rows": rows, "pages": pages}
