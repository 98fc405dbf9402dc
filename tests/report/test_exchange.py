#!/usr/bin/python3
"""test_exchange.py ASSAY [STEPS [SEED]] - two stores that receive, and exchange what they have, in random order: with one of
them down for a while, with streams that are cut, lost, or come late and once more, in both directions at once, and with
commands that are killed. In the end both have what came to either, and nothing twice."""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import corpus

ASSAY = sys.argv[1]
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
DAY = 86400
TODAY = int(time.time()) // DAY
LATE = 20  # streams that are kept, to come once more


def fail(*words):
    print(f"seed {SEED}:", *words, sep="\n  ")
    sys.exit(1)


class Store:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.down = 0  # for so many steps
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "zone").write_text("")
        (self.folder / "assay.conf").write_text(
            f'state-dir = "{self.folder}/state";\n'
            'reports = { domains = [ "example.org" ]; keep-rows = "36500d"; keep-failures = "36500d"; };\n')

    def command(self, *words):
        dns = ["--dns", str(self.folder / "zone")] if words[0] in ("receive", "import") else []
        return [ASSAY, "report", words[0], "-c", str(self.folder / "assay.conf"), *dns, *map(str, words[1:])]

    def run(self, *words, stdin=b"", expect=(0,)):
        done = subprocess.run(self.command(*words), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in expect:
            fail(words, done.returncode, done.stderr.decode())
        return done.stdout

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def receive(self, data, trust, expect):
        path = self.folder / "in"
        path.write_bytes(data)
        self.run("receive", "--trust", trust, path, expect=(expect,))

    def all(self):
        """What it has, in an order that does not depend on the way it came."""
        parts = {
            "reports": self.json("show"),
            "sources": self.json("sources", "--since", "90d"),
            "reporters": self.json("reporters", "--since", "90d"),
            "failing": self.json("failures", "--since", "90d"),
            "single": self.json("failures", "--single", "--since", "5000d"),
            "tls": self.json("list", "--tls"),
            "refused": self.json("list", "--refused"),
            "labels": self.json("label"),
        }
        return {name: sorted(json.dumps(entry, sort_keys=True) for entry in part) for name, part in parts.items()}


def make(rand, n):
    """A mail or file, what it adds (a part of the store, and what tells it from others there), and the exit status."""
    kind = rand.random()
    if kind < 0.1:
        address = f"192.0.2.{n % 250}"
        feedback = corpus.FEEDBACK.replace("192.0.2.77", address)
        return corpus.ARF.format(encoding="", feedback=feedback).encode(), ("single", address), 0
    if kind < 0.2:
        return corpus.TLS.replace("tls-1", f"tls-{n}").encode(), ("tls", f"tls-{n}"), 0
    if kind < 0.25:
        return f"From: x@spam.example\nSubject: spam {n}\n\nno report\n".encode(), ("refused", f"spam {n}"), 65
    if kind < 0.3:
        text = corpus.xml(rid="").replace("r@", f"r{n}@")
        return corpus.mail(corpus.TEXT, corpus.attachment(text), subject=f"no id {n}"), ("refused", f"no id {n}"), 65
    day = TODAY - rand.randint(1, 60)
    rows = "".join(corpus.row(ip=f"192.0.2.{rand.randint(1, 9)}", count=rand.randint(1, 5), dkim=rand.choice(["pass", "fail"]))
                   for _ in range(rand.randint(0, 4)))
    org = rand.choice(["A", "B & C", "\u00dc"])
    text = corpus.xml(rows=rows, rid=f"r{n}", org=org.replace("&", "&amp;"), begin=day * DAY, end=day * DAY + DAY - 1)
    return corpus.gz(text), ("reports", (org, f"r{n}", day * DAY)), 0


def told_apart(part, entries):
    """Of a part of the store: what make() says of each."""
    how = {
        "reports": lambda e: (e["org_name"], e["report_id"], e["begin"]),
        "single": lambda e: e["source_ip"],
        "tls": lambda e: e["report_id"],
        "refused": lambda e: e["subject"],
    }[part]
    return sorted(how(json.loads(entry)) for entry in entries)


# --- Steps ---


def kill_in_midst(rand, other, stream):
    killed = subprocess.Popen(other.command("import"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        killed.stdin.write(stream[: len(stream) // 2])
        killed.stdin.flush()
    except BrokenPipeError:
        pass
    time.sleep(rand.random() / 50)
    killed.kill()
    killed.communicate()


def exchange(rand, one, other, late):
    stream = one.run("export", *rand.choice([[], ["--since", "1d"]]))
    late.append(stream)
    del late[:-LATE]
    what = rand.random()
    if other.down:
        return
    if what < 0.2:
        other.run("import", stdin=stream[:rand.randrange(len(stream))], expect=(65,))
    elif what < 0.3:
        kill_in_midst(rand, other, stream)
    else:
        other.run("import", stdin=stream)


def both_at_once(one, other):
    """As two timers do that start in the same second."""
    running = []
    for a, b in ((one, other), (other, one)):
        out = subprocess.Popen(a.command("export"), stdout=subprocess.PIPE)
        running += [out, subprocess.Popen(b.command("import"), stdin=out.stdout, stdout=subprocess.DEVNULL)]
        out.stdout.close()
    statuses = [process.wait() for process in running]
    if any(statuses):
        fail(f"exchanged at once: {statuses}")


def step(rand, stores, n, written, late):
    for store in stores:
        store.down = max(0, store.down - 1)
    if not any(s.down for s in stores) and rand.random() < 0.02:
        rand.choice(stores).down = rand.randint(5, 40)
    a, b = rand.sample(stores, 2)
    if a.down:
        a, b = b, a  # mail comes to the one that is there
    what = rand.random()
    if what < 0.45:
        data, adds, status = make(rand, n)
        a.receive(data, rand.choice(["none", "other", "aligned"]), status)
        written.append((data, adds, status))
    elif what < 0.6 and written:
        data, _, status = rand.choice(written)
        a.receive(data, rand.choice(["none", "aligned"]), status)
    elif what < 0.65:
        a.run("label", f"192.0.2.{rand.randint(0, 1)}/24", rand.choice(["own", "spoof", "none"]), f"name {n}")
    elif what < 0.75 and late:
        a.run("import", stdin=rand.choice(late))
    elif what < 0.8 and not b.down:
        both_at_once(a, b)
    else:
        exchange(rand, a, b, late)


def compare(stores, written):
    ends = [store.all() for store in stores]
    for part in ends[0]:
        if ends[0][part] != ends[1][part]:
            fail(f"{part} differs", *(set(ends[0][part]) ^ set(ends[1][part])))
    for part in ("reports", "single", "tls", "refused"):
        want, got = sorted({what for _, (where, what), _ in written if where == part}), told_apart(part, ends[0][part])
        if want != got:
            fail(f"{part}: is not what came", f"not there: {set(want) - set(got)}", f"there: {len(got)}, wanted: {len(want)}")
    return ends[0]


def main():
    rand = random.Random(SEED)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="assay-exchange-") as name:
        stores = [Store(pathlib.Path(name) / "one"), Store(pathlib.Path(name) / "two")]
        written, late = [], []
        for n in range(STEPS):
            step(rand, stores, n, written, late)
        one, two = stores
        for _ in range(2):
            two.run("import", stdin=one.run("export"))
            one.run("import", stdin=two.run("export"))
        end = compare(stores, written)
    print(f"seed {SEED}: {STEPS} steps in {time.monotonic() - began:.0f} s; both have the same "
          + ", ".join(f"{len(entries)} {part}" for part, entries in end.items()))


main()
