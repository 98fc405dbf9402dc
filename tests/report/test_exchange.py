#!/usr/bin/python3
"""test_exchange.py ASSAY [STEPS] - two stores that receive, and exchange what they have, in random order, with streams that
are cut and commands that are killed: in the end both have the union, and no report twice."""

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
DAY = 86400
TODAY = int(time.time()) // DAY


class Store:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "zone").write_text("")
        (self.folder / "assay.conf").write_text(
            f'state-dir = "{self.folder}/state";\nreports = {{ domains = [ "example.org" ]; keep-rows = "36500d"; }};\n')

    def command(self, *words):
        dns = ["--dns", str(self.folder / "zone")] if words[0] in ("receive", "import") else []
        return [ASSAY, "report", words[0], "-c", str(self.folder / "assay.conf"), *dns, *map(str, words[1:])]

    def run(self, *words, stdin=b"", expect=(0,)):
        done = subprocess.run(self.command(*words), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in expect:
            sys.exit(f"{words}: {done.returncode} {done.stderr.decode()}")
        return done.stdout

    def all(self):
        listed = json.loads(self.run("show", "--json"))
        return {
            "reports": sorted(map(json.dumps, listed)),
            "sources": sorted(json.dumps(s, sort_keys=True) for s in json.loads(self.run("sources", "--json", "--since", "90d"))),
            "single": sorted(json.dumps(s) for s in json.loads(self.run("failures", "--single", "--json", "--since", "5000d"))),
            "tls": sorted(json.dumps(s) for s in json.loads(self.run("list", "--tls", "--json"))),
            "labels": self.run("label"),
        }


def make(rand, n):
    kind = rand.random()
    if kind < 0.1:
        return corpus.ARF.format(encoding="", feedback=corpus.FEEDBACK.replace(".77", f".{n % 250}")).encode(), 1
    if kind < 0.2:
        return corpus.TLS.replace("tls-1", f"tls-{n}").encode(), 0
    day = TODAY - rand.randint(1, 60)
    rows = "".join(corpus.row(ip=f"192.0.2.{rand.randint(1, 9)}", count=rand.randint(1, 5), dkim=rand.choice(["pass", "fail"]))
                   for _ in range(rand.randint(0, 4)))
    text = corpus.xml(rows=rows, rid=f"r{n}", org=rand.choice(["A", "B & C", "\u00dc"]).replace("&", "&amp;"),
                      begin=day * DAY, end=day * DAY + DAY - 1)
    return corpus.gz(text), None


def exchange(rand, one, other):
    words = rand.choice([[], ["--since", "1d"]])
    stream = one.run("export", *words)
    what = rand.random()
    if what < 0.2:
        other.run("import", stdin=stream[:rand.randrange(len(stream))], expect=(65,))
    elif what < 0.3:
        killed = subprocess.Popen(other.command("import"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            killed.stdin.write(stream[: len(stream) // 2])
            killed.stdin.flush()
        except BrokenPipeError:
            pass
        time.sleep(rand.random() / 50)
        killed.kill()
        killed.wait()
    else:
        other.run("import", stdin=stream)


def step(rand, stores, n, written):
    a, b = rand.sample(stores, 2)
    what = rand.random()
    if what < 0.5:
        data, _ = make(rand, n)
        path = a.folder / "in"
        path.write_bytes(data)
        a.run("receive", "--trust", rand.choice(["none", "other", "aligned"]), path)
        written.append(data)
    elif what < 0.65 and written:
        path = b.folder / "in"
        path.write_bytes(rand.choice(written))
        b.run("receive", "--trust", rand.choice(["none", "aligned"]), path)
    elif what < 0.7:
        a.run("label", f"192.0.2.{rand.randint(0, 1)}/24", rand.choice(["own", "spoof", "none"]), f"name {n}")
    else:
        exchange(rand, a, b)


def main():
    seed = int(time.time())
    rand = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="assay-exchange-") as name:
        stores = [Store(pathlib.Path(name) / "one"), Store(pathlib.Path(name) / "two")]
        written = []
        for n in range(STEPS):
            step(rand, stores, n, written)
        one, two = stores
        for _ in range(2):
            two.run("import", stdin=one.run("export"))
            one.run("import", stdin=two.run("export"))
        ends = [s.all() for s in stores]
        for part in ends[0]:
            if ends[0][part] != ends[1][part]:
                print(f"seed {seed}: {part} differ", *map(str, (set(ends[0][part]) ^ set(ends[1][part]))), sep="\n  ")
                sys.exit(1)
        identities = [(r["org_name"], r["report_id"], r["begin"]) for r in map(json.loads, ends[0]["reports"])]
        if len(identities) != len(set(identities)):
            sys.exit(f"seed {seed}: a report is there twice")
        print(f"seed {seed}: {STEPS} steps, {len(identities)} reports, {len(ends[0]['single'])} failures, {len(ends[0]['tls'])} TLS")


main()
