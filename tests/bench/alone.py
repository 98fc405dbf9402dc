"""alone.py - figures that are no trial: what an idle connection keeps of memory, and what the canonicaliser costs.

print_idle(bench)   Caches and threads are made by some mail first. Then CONNECTIONS connections play one message each
                    and stay open. What the process has grown by, divided by the connections, holds what libmilter
                    keeps for each: the difference to the null filter is our own.
print_canon(bench)  Relaxed canonicalisation of 1 MB beside SHA-256 of the same bytes, by bench_dkim."""

import pathlib
import subprocess

CONNECTIONS = 1000
SECONDS = 0.2  # for each body


def memory_per_connection(bench, name):
    """Kilobytes of the filter's processes for each idle connection."""
    f = bench.filters[name]
    subprocess.run(bench.words(f, "verify", 8, 400), check=True, stdout=subprocess.DEVNULL)
    before = f.memory_mb()
    words = bench.words(f, "verify", CONNECTIONS, CONNECTIONS, "-k")
    idle = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    idle.stdout.readline()  # all have had their message
    grown = f.memory_mb() - before
    idle.communicate()
    return grown * 1024 / CONNECTIONS


def print_idle(bench):
    null, ours = (memory_per_connection(bench, name) for name in ("null", "assay"))
    print(f"\n{CONNECTIONS} idle connections after a message: KB for each in the null filter {null:.1f}, in assay {ours:.1f}: "
          f"{ours - null:.1f} of its own", flush=True)


def print_canon(bench):
    program = pathlib.Path(bench.load).parent / "bench_dkim"
    done = subprocess.run([program, str(SECONDS), "canon"], check=True, capture_output=True, text=True)
    print(f"\n{'relaxed canonicalisation, 1 MB':32} {'x SHA-256':>9} {'ns/byte':>8}")
    for line in done.stdout.splitlines():
        name, ratio, each = line.rsplit(maxsplit=2)
        print(f"{name:32} {ratio:>9} {each:>8}", flush=True)


ALONE = {"idle": print_idle, "canon": print_canon}
