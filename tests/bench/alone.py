"""alone.py - figures that are no trial: what an idle connection keeps of memory, and what the canonicaliser costs.

idle    Caches and threads are made by some mail first. Then CONNECTIONS connections play one message each and stay
        open. What the process has grown by is divided by the connections.
canon   Relaxed canonicalisation of 1 MB beside SHA-256 of the same bytes, by bench_dkim.

Each yields lines (what, figures), as the functions of special.py do."""

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


def idle(bench, _):
    null, ours = (memory_per_connection(bench, name) for name in ("null", "assay"))
    yield "idle connections", f"{CONNECTIONS}, after a message: {ours:.1f} KB for each, {null:.1f} in the null filter on libmilter"


def canon(bench, _):
    program = pathlib.Path(bench.load).parent / "bench_dkim"
    done = subprocess.run([program, str(SECONDS), "canon"], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        name, ratio, each = line.rsplit(maxsplit=2)
        yield "canonicalisation", f"relaxed, 1 MB, {name.strip()}: {ratio} times SHA-256, {each} ns per byte"


ALONE = {"idle": idle, "canon": canon}
