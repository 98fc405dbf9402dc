"""jobs.py - the jobs that assay does beside verifying and signing, with a peer for each: `tests/bench/run jobs`.

A job is a function of JOBS: it starts assay and its peers, has them do the same work in alternating rounds, and yields
Part after Part of it. A peer pays for all its processes, with the database that it needs. Figures are medians of the
rounds; a ratio is the median of the rounds' own ratios to the first contestant, which is assay. Work that does not end
as it should ends the program."""

import contextlib
import shutil
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from filters import Filter, assay_command

ROUNDS, QUICK = 5, 3
SETTLE = 0.5  # seconds after some work: what is written in the background counts
HEAD = f"{'job':31} {'by':26} {'CPU us':>8} {'x assay':>8} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8} {'MB':>7}"


class Play(NamedTuple):
    """What one contestant did in one round: CPU of an item in us, items a second, times of one item in ms (0: all were
    done at once), memory in MB."""

    cpu_us: float
    rate: float
    p50: float
    p99: float
    memory: float


class Part(NamedTuple):
    job: str
    plays: dict  # contestant -> a Play of each round


class Rounds:
    """Plays of contestants in alternating rounds, by part of the job."""

    def __init__(self, bench, *names):
        self.names = names
        self.turns = range(min(bench.rounds, ROUNDS if bench.share == 1 else QUICK))
        self.parts = {}

    def order(self, turn):
        return self.names if turn % 2 == 0 else self.names[::-1]

    def add(self, part, name, play):
        self.parts.setdefault(part, {n: [] for n in self.names})[name].append(play)

    def found(self):
        return [Part(part, plays) for part, plays in self.parts.items()]


def median(plays, what):
    return statistics.median(getattr(play, what) for play in plays)


def ratio(part, name):
    ours = next(iter(part.plays.values()))
    return statistics.median(p.cpu_us / o.cpu_us for p, o in zip(part.plays[name], ours))


def lines(part):
    """Of the table."""
    for name, plays in part.plays.items():
        cpu, rate, p50, p99, memory = (median(plays, what) for what in Play._fields)
        times = f"{p50:8.2f} {p99:8.2f}" if p99 else f"{'-':>8} {'-':>8}"
        yield f"{part.job:31} {name:26} {cpu:8.1f} {ratio(part, name):8.2f} {rate:9.0f} {times} {memory:7.1f}"


def readme(parts):
    """The table of the README: a line for each part and peer."""
    yield f"    {'':31} {'assay, us':>9}   {'peer':21} {'us':>8} {'x':>6}"
    for part in parts:
        ours, *peers = part.plays
        for i, name in enumerate(peers):
            first = f"{part.job:31} {median(part.plays[ours], 'cpu_us'):9.0f}" if i == 0 else f"{'':41}"
            yield f"    {first}   {name:21} {median(part.plays[name], 'cpu_us'):8.0f} {ratio(part, name):6.1f}"


def fresh(bench, name):
    """An empty folder for a contestant."""
    folder = bench.filters.directory / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def wait_for(f, path):
    """Until a door that a filter has beside its first is there."""
    end = time.monotonic() + 30
    while not path.exists():
        if time.monotonic() > end:
            sys.exit(f"{f.name}: no {path}\n{f.log.read_text()[-2000:]}")
        time.sleep(0.02)


@contextlib.contextmanager
def assay(bench, name, options, expected=(), beside=()):
    """Our daemon with a state of its own, which logs no more than the peers do."""
    folder = fresh(bench, name)
    command = assay_command(folder, bench.filters.programs["assay"], "127.0.0.1@53", name, f'log-level = "error";\n{options}')
    yield from running(Filter(folder, name, [command], expected, beside=beside))


@contextlib.contextmanager
def peer(bench, name, command, expected=(), beside=(), tcp=False):
    """command: of the folder and the address to listen on. beside: processes that it needs, and pays for."""
    folder = fresh(bench, name)
    f = Filter(folder, name, [lambda at: command(folder, at)], expected, tcp, beside)
    yield from running(f)


def running(f):
    try:
        yield f
    finally:
        f.stop()


class Asked:
    """A server of lines that bench_ask asks; f: whose processes."""

    def __init__(self, bench, f, kind, socket):
        self.program = bench.load.replace("bench_load", "bench_ask")
        self.f, self.kind, self.socket = f, kind, str(socket)

    def play(self, requests, words, connections=8):
        """requests: a file. All answers have to have these words."""
        cpu = self.f.cpu()
        asking = subprocess.Popen([self.program, "-e", words, self.kind, self.socket, str(requests), str(connections)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = asking.stdout.readline().split()
        time.sleep(SETTLE)
        spent, memory = self.f.cpu() - cpu, self.f.memory_mb()
        asking.communicate()
        count, seconds, p50, p99, well = map(float, told or [0] * 5)
        if asking.returncode or well < count or not count:
            sys.exit(f"{self.f.name}: {well:.0f} of {count:.0f} answers have \"{words}\"\n{self.f.log.read_text()[-2000:]}")
        return Play(spent / count * 1e6, count / seconds, p50, p99, memory)


def requests_file(path, requests):
    """What bench_ask reads."""
    path.write_text("".join(f"{len(text)}\n{text}" for text in requests))
    return path
