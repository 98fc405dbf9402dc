"""special.py - what the table of costs does not show: floods, reloads, silent name servers, memory, the tail.

Each function plays one thing - to those of its filters that were asked for - and yields lines (what, figures). A filter here is new (but for the tail's), and stopped afterwards. As in
rounds.py a play that does not end as it should ends the program."""

import contextlib
import signal
import statistics
import subprocess
import sys
import time

from alone import ALONE
from rounds import Round
from trials import PEERS

SILENT_CONNECTIONS = 400  # with a deadline of two seconds: 200 new silent names in a second
SILENT_OPTIONS = 'dns = { servers = [ "127.0.0.2@53" ]; deadline = "2s"; };'
REFUSING = 'spf = { on-fail = "reject"; reject-at = "mail"; };'
SIZES = ((0, 8192, "below 8 KB"), (8192, 65536, "8 to 64 KB"), (65536, 1 << 30, "above 64 KB"))


@contextlib.contextmanager
def started(bench, name, options=""):
    bench.filters.stop(name)
    f = bench.filters.start(name, options)
    try:
        yield f
    finally:
        f.stop()


@contextlib.contextmanager
def beside(words):
    """A load generator that plays while something else is measured."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def result(process, f):
    """messages, seconds, p50, p99, well of a load generator that has to end well."""
    out = process.communicate()[0]
    if process.returncode:
        sys.exit(f"{f.name}: the load generator failed: see {f.log}")
    return [float(word) for word in out.split()]


def times(played):
    return f"p50 {played.p50:.1f} ms, p99 {played.p99:.1f} ms"


def flood(bench, _):
    """Mail from ever new domains, each refused at MAIL."""
    with started(bench, "assay-refusing", REFUSING) as f:
        f.expected = ()
        Round(bench, f, "flood", 8, 200, "-r", "-u", "0")
        before = f.memory_mb()
        count = int(40000 * bench.share)
        r = Round(bench, f, "flood", 8, count, "-r", "-u", "1000")
        yield "refused at MAIL", (f"{r.cpu_us:.0f} us, {r.rate:.0f} msg/s, {r.queries:.1f} queries of each; memory "
                                  f"{before:.0f} to {r.memory:.0f} MB after {count}")


def reload(bench, _):
    """SIGHUP after SIGHUP under load: is a message lost, and who waits?"""
    with started(bench, "assay-reloading") as f:
        Round(bench, f, "verify", 8, 400)
        calm = Round(bench, f, "verify", 8, 4000)
        count, hups = int(20000 * bench.share), 0
        with beside(bench.words(f, "verify", 8, count)) as load:
            while load.poll() is None:
                f.process().send_signal(signal.SIGHUP)
                hups += 1
                time.sleep(0.2)
            _, _, p50, p99, well = result(load, f)
        yield "reload under load", (f"{hups} reloads, {count - well:.0f} of {count} messages lost; p50 {p50:.1f} ms, "
                                    f"p99 {p99:.1f} ms; without reloads {times(calm)}")


def silent(bench, names):
    """Good mail beside mail from domains whose name servers never answer."""
    for name in (n for n in ("assay", "opendkim+opendmarc", "rspamd") if n in names):
        bench.world.set_delay(0)
        with started(bench, f"{name}-slow", SILENT_OPTIONS) as f:
            Round(bench, f, "verify", 8, 400)
            calm = Round(bench, f, "verify", 8, 2000)
            expected, f.expected = f.expected, ()
            words = bench.words(f, "silent", SILENT_CONNECTIONS, 10**6, "-u", "0")
            f.expected = expected
            with beside(words):
                time.sleep(3)
                good = Round(bench, f, "verify", 8, 2000)
            yield "silent domains", f"{name}: good mail {times(good)}; alone {times(calm)}"


def tail(bench, names):
    """The times of a mixed load by size of the message."""
    for name in ("floor-verify", *(n for n in ("assay", *PEERS) if n in names)):
        f, path = bench.filters[name], bench.corpora / "times"
        Round(bench, f, "verify", 8, 4000 if name == "assay" else 2000, "-t", str(path))
        lines = [line.split() for line in path.read_text().splitlines()]
        found = []
        for low, high, label in SIZES:
            ms = sorted(float(took) for size, took in lines if low <= int(size) < high)
            found.append(f"{label} {statistics.median(ms):.1f} / {ms[len(ms) * 99 // 100]:.1f} ms")
        yield "p50 / p99 by size", f"{name}: {', '.join(found)}"


def full_caches(bench, _):
    """Resident memory with a thousand connections when the cache has long been full."""
    with started(bench, "assay") as f:
        for turn in range(3):
            Round(bench, f, f"cold{turn}", 8, 200)
        f.expected = ()
        count = int(100000 * bench.share)
        Round(bench, f, "flood", 1000, count, "-u", "0", share=0.2)  # the resolver does not answer all in time
        yield "full caches", f"{f.memory_mb():.0f} MB with 1000 connections and after {count} senders"


SPECIALS = {"flood": flood, "reload": reload, "silent": silent, "tail": tail, "caches": full_caches, **ALONE}
