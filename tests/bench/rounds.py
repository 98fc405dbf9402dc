"""rounds.py - plays a trial to its filters in interleaved rounds, and says what a message cost.

Figures are medians of the rounds; a ratio is the median of the rounds' own ratios. A round that does not end as it
should ends the program with the filter's log."""

import statistics
import subprocess
import sys
import time

WARM_UP = 200  # messages
LESS = 4  # a peer is played a fourth of the messages: it takes its time
FIGURES = ("cpu_us", "ratio", "rate", "p50", "p99", "memory", "queries")
HEAD = (f"{'trial':18} {'filter':24} {'CPU us':>8} {'x floor':>7} {'msg/s':>7} {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>7} "
        f"{'queries':>7}")


class Bench:
    """What all rounds need: the load generator, the filters, the corpora, the DNS."""

    def __init__(self, load, filters, corpora, world, rounds, share):
        self.load, self.filters, self.corpora, self.world = load, filters, corpora, world
        self.rounds, self.share = rounds, share

    def words(self, f, corpus, connections, messages, *options):
        """The command that plays messages to a filter."""
        expected = [word for words in f.expected for word in ("-e", words)]
        return [self.load, *expected, *options, f.address, str(self.corpora / corpus), str(connections), str(messages)]


class Round:
    """One play of a corpus to one filter. share: of the messages that may come to another end than they should. settle:
    seconds after it that still count, for what is written in the background."""

    def __init__(self, bench, f, corpus, connections, messages, *options, share=0.0, settle=0.0):
        cpu, queries = f.cpu(), bench.world.queries()
        played = subprocess.run(bench.words(f, corpus, connections, messages, *options), capture_output=True, text=True,
                                check=False)
        if played.returncode:
            sys.exit(f"{f.name}: {played.stderr}{f.log.read_text()[-2000:]}")
        count, seconds, self.p50, self.p99, well = (float(word) for word in played.stdout.split())
        if count - well > count * share:
            sys.exit(f"{f.name}: {int(count - well)} of {int(count)} messages of {corpus} came to another end: see {f.log}")
        time.sleep(settle)
        self.cpu_us = (f.cpu() - cpu) / count * 1e6
        self.queries = (bench.world.queries() - queries) / count
        self.rate = count / seconds
        self.memory = f.memory_mb()
        self.ratio = 1.0


class RawRound:
    """OpenSSL alone for a corpus: CPU and nothing else."""

    def __init__(self, bench, name, corpus):
        words = [bench.filters.floor, name, str(bench.corpora / corpus), str(bench.filters.key)]
        self.cpu_us = float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        self.queries = self.rate = self.memory = self.p50 = self.p99 = 0
        self.ratio = 1.0


def is_peer(name):
    return name.startswith(("open", "pyspf", "rspamd"))


def figures(row):
    """The medians of a row of rounds, by name."""
    return {what: statistics.median(getattr(r, what) for r in row) for what in FIGURES}


def play_trial(bench, trial, names):
    """Yields each filter's name with its figures."""
    play = play_cold if trial.corpus == "cold" else play_warm
    for name, row in play(bench, trial, names).items():
        yield name, figures(row)


def play_warm(bench, trial, names):
    def play(name, messages):
        if name.startswith("raw"):
            return RawRound(bench, name, trial.corpus)
        return Round(bench, bench.filters[name], trial.corpus, trial.connections, messages, "-n", str(trial.each))

    messages = max(trial.connections * 2, int(trial.messages * bench.share))
    fewer = max(trial.connections * 2, messages // LESS)
    rows = {n: [] for n in names}
    for n in names:  # caches and threads are warm before anything counts
        play(n, 16 if trial.corpus == "1M" else max(WARM_UP, trial.connections * 2))
    for turn in range(bench.rounds):
        for n in names if turn % 2 else reversed(names):
            rows[n].append(play(n, fewer if is_peer(n) else messages))
        for n in names:
            rows[n][-1].ratio = rows[n][-1].cpu_us / rows[names[0]][-1].cpu_us
    return rows


def play_cold(bench, trial, names):
    """Each round has senders that no filter has met."""
    rows = {n: [] for n in names}
    for n in names:
        bench.filters.stop(n)
        bench.world.set_delay(0)
        Round(bench, bench.filters[n], "verify", trial.connections, WARM_UP)
    bench.world.set_delay(trial.delay)
    for turn in range(min(bench.rounds, 3)):
        for n in names if turn % 2 else reversed(names):
            corpus = f"{trial.corpus}{turn}"
            rows[n].append(Round(bench, bench.filters[n], corpus, trial.connections, trial.messages, "-w", str(trial.smtp)))
        for n in names:
            rows[n][-1].ratio = rows[n][-1].cpu_us / rows[names[0]][-1].cpu_us
    bench.world.set_delay(0)
    return rows


def line(trial, name, f):
    return (f"{trial.name:18} {name:24} {f['cpu_us']:8.0f} {f['ratio']:7.2f} {f['rate']:7.0f} {f['p50']:8.2f} "
            f"{f['p99']:8.2f} {f['memory']:7.1f} {f['queries']:7.2f}")
