"""rounds.py - plays a trial to its filters in interleaved rounds, and says what a message cost.

Figures are medians of the rounds; a ratio is the median of the rounds' own ratios. A round that does not end as it
should ends the program with the filter's log."""

import statistics
import subprocess
import sys

FIGURES = ("cpu_us", "ratio", "rate", "p50", "p99", "memory")
WARM_UP = 200  # messages
HEAD = f"{'trial':18} {'filter':13} {'CPU us':>8} {'x floor':>7} {'msg/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'RSS MB':>7}"


class Round:
    """One play of a corpus to one filter."""

    def __init__(self, load, f, corpus, connections, messages, each):
        before = f.cpu()
        words = [load, f.address, str(corpus), str(connections), str(messages), str(each)]
        played = subprocess.run(words, capture_output=True, text=True, check=False)
        if played.returncode:
            sys.exit(f"{played.stderr}{f.log.read_text()[-2000:]}")
        count, seconds, self.p50, self.p99, accepted = (float(word) for word in played.stdout.split())
        if accepted != count:
            sys.exit(f"{int(count - accepted)} messages of {corpus} were not accepted: see {f.log}")
        self.cpu_us = (f.cpu() - before) / count * 1e6
        self.rate = count / seconds
        self.memory = f.memory_mb()
        self.ratio = 1.0


def median(values):
    return statistics.median(values)


def play_rounds(load, filters, corpora, trial, rounds, share):
    """The rounds of each filter of the trial, by name."""
    names = [n for one in trial.filters for n in ((one, "against") if one == "assay" else (one,)) if n in filters]
    messages = max(trial.connections * 2, int(trial.messages * share))
    corpus = corpora / trial.corpus
    rows = {n: [] for n in names}
    few = 16 if trial.corpus == "1M" else max(WARM_UP, trial.connections * 2)
    for n in names:  # caches and threads are warm before anything counts
        Round(load, filters[n], corpus, trial.connections, few, trial.each)
    for turn in range(rounds):
        for n in names if turn % 2 else reversed(names):
            rows[n].append(Round(load, filters[n], corpus, trial.connections, messages, trial.each))
        for n in names:
            rows[n][-1].ratio = rows[n][-1].cpu_us / rows[names[0]][-1].cpu_us
    return rows


def play_trial(load, filters, corpora, trial, rounds, share):
    for n, row in play_rounds(load, filters, corpora, trial, rounds, share).items():
        cpu, ratio, rate, p50, p99, memory = (median(getattr(r, what) for r in row) for what in FIGURES)
        print(f"{trial.name:18} {n:13} {cpu:8.0f} {ratio:7.2f} {rate:8.0f} {p50:8.2f} {p99:8.2f} {memory:7.1f}", flush=True)
