#!/usr/bin/python3
"""test_figures.py ASSAY [--large] - the figures of `assay report`, compared with a naive count of the same rows; labels,
readiness, alarms. --large: ten million messages over 400 days, and how long an answer takes."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import corpus
import mmdb

ASSAY = sys.argv[1]
DAY = 86400
TODAY = int(time.time()) // DAY
FAILED = []
NOBODY = 65534
ZONE = """$ORIGIN .
1.2.0.192.in-addr.arpa. PTR mail1.esp.example.
mail1.esp.example. A 192.0.2.1
2.2.0.192.in-addr.arpa. PTR mail2.esp.example.
mail2.esp.example. A 192.0.2.2
3.2.0.192.in-addr.arpa. PTR liar.esp.example.
liar.esp.example. A 198.51.100.1
10.113.0.203.in-addr.arpa. PTR mx.example.org.
mx.example.org. A 203.0.113.10
20.113.0.203.in-addr.arpa. PTR lists.forwarder.example.
lists.forwarder.example. A 203.0.113.20
"""
SOURCES = {
    "192.0.2.1": "esp.example", "192.0.2.2": "esp.example", "192.0.2.3": "192.0.2.0/24",
    "203.0.113.10": "example.org", "203.0.113.20": "forwarder.example", "2001:db8::5": "2001:db8::/48",
}


def check(what, good, *more):
    if not good:
        FAILED.append(what)
        print("NOT SO:", what, *(str(m)[:1500] for m in more), sep="\n    ")


class Store:
    def __init__(self, folder, domains='"example.org", "example.com"', reports=""):
        self.folder = pathlib.Path(folder)
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "zone").write_text(ZONE)
        (self.folder / "assay.conf").write_text(
            f'state-dir = "{self.folder}/state";\nreports = {{ domains = [ {domains} ]; {reports} }};\n')

    def run(self, *words, stdin=b""):
        command = [ASSAY, "report", words[0], "-c", str(self.folder / "assay.conf"), *map(str, words[1:])]
        if words[0] == "receive":
            command += ["--dns", str(self.folder / "zone")]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=600)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *words):
        status, out, err = self.run(*words, "--json")
        check(f"{words} answers", status in (0, 1, 2), status, out, err)
        return json.loads(out)

    def receive(self, reports):
        path = self.folder / "mbox"
        path.write_bytes(b"".join(b"From x Tue Nov 14 10:00:00 2023\n" + corpus.mail(
            corpus.TEXT, corpus.attachment(corpus.gz(report))).replace(b"Message-ID", f"X-N: {i}\nMessage-ID".encode()) +
            b"\n" for i, report in enumerate(reports)))
        status, out, err = self.run("receive", "--trust", "aligned", path)
        check("received", status == 0, out, err)
        return out


def auth(dkim=None, spf=None):
    text = "".join(f"<dkim><domain>{d}</domain><selector>{s}</selector><result>{r}</result></dkim>" for d, s, r in dkim or [])
    return text + "".join(f"<spf><domain>{d}</domain><result>{r}</result></spf>" for d, r in spf or [])


# What a kind of row says, how it passes, and the two reasons if it does not.
KINDS = [
    (dict(dkim="pass", spf="pass", auth=auth([("example.org", "s1", "pass")], [("example.org", "pass")])), "pass_both", ()),
    (dict(dkim="pass", spf="fail", auth=auth([("example.org", "s1", "pass")], [("list.example", "pass")])), "pass_dkim", ()),
    (dict(dkim="fail", spf="pass", auth=auth([], [("example.org", "pass")])), "pass_spf", ()),
    (dict(dkim="fail", spf="fail", disposition="reject", auth=auth([], [("evil.example", "fail")])), "fail",
     ("no-signature", "spf-fails")),
    (dict(dkim="fail", spf="fail", disposition="quarantine",
          auth=auth([("example.org", "s1", "fail")], [("list.example", "pass")])), "fail",
     ("broken-signature", "spf-other-domain")),
    (dict(dkim="fail", spf="fail", auth=auth([("esp.example", "k", "pass")], [("example.org", "softfail")])), "fail",
     ("other-signer", "spf-fails")),
    (dict(dkim="fail", spf="fail", auth=auth([("sub.example.org", "k", "pass")], [("sub.example.org", "pass")])), "fail",
     ("strict-alignment",)),
]


def report(domain, reporter, day, rows, number=0, **policy):
    text = "".join(corpus.row(ip=ip, count=count, header_from=domain, **KINDS[kind][0]) for ip, count, kind in rows)
    return corpus.xml(rows=text, org=reporter, rid=f"{domain}-{reporter}-{day}-{number}", begin=day * DAY,
                      end=day * DAY + DAY - 1, pol=corpus.policy(domain, **policy))


class Model:
    """The same rows, counted as slowly as can be."""

    def __init__(self):
        self.rows = []

    def add(self, domain, reporter, day, rows):
        self.rows += [(domain, reporter, day, ip, count, kind) for ip, count, kind in rows]

    def count(self, by, **wanted):
        sums = {}
        for domain, reporter, day, ip, count, kind in self.rows:
            have = {"domain": domain, "reporter": reporter, "source": SOURCES[ip]}
            if domain == "foreign.example" or day < wanted["from_day"] or day > TODAY or any(
                    have[n] != v for n, v in wanted.items() if n in have):
                continue
            passes = KINDS[kind][1]
            if wanted.get("result") == "fail" and passes != "fail" or wanted.get("result") == "pass" and passes == "fail":
                continue
            entry = sums.setdefault(have[by], {"messages": 0, "fail": 0, "pass_both": 0, "pass_dkim": 0, "pass_spf": 0,
                                               "rejected": 0, "quarantined": 0, "causes": {}})
            entry["messages"] += count
            entry[passes] += count
            entry["rejected"] += count if KINDS[kind][0].get("disposition") == "reject" else 0
            entry["quarantined"] += count if KINDS[kind][0].get("disposition") == "quarantine" else 0
            for cause in KINDS[kind][2]:
                entry["causes"][cause] = entry["causes"].get(cause, 0) + count
        return sums


def same_counts(what, want, got, name):
    seen = {}
    for g in got:
        entry = {n: g[n] for n in ("messages", "fail", "pass_both", "pass_dkim", "pass_spf", "rejected", "quarantined")}
        if name == "source":
            entry["causes"] = {c: n for c, n in g["causes"].items() if n}
        if g["messages"]:
            seen[g[name]] = entry
    want = {k: {n: v for n, v in e.items() if n != "causes" or name == "source"} for k, e in want.items()}
    check(what, seen == want, want, seen)


def compared(folder):
    rand = random.Random(1)
    store, model = Store(folder / "compared"), Model()
    reports = []
    for day in range(TODAY - 60, TODAY):
        for domain in ("example.org", "example.com", "foreign.example"):
            for reporter in ("Alpha", "Beta", "=Gamma"):
                if rand.random() < 0.3:
                    continue
                rows = [(rand.choice(list(SOURCES)), rand.randint(1, 9), rand.randrange(len(KINDS) if domain == "example.org" else 4))
                        for _ in range(rand.randint(1, 5))]
                reports.append(report(domain, reporter, day, rows))
                model.add(domain, reporter, day, rows)
    rand.shuffle(reports)
    store.receive(reports)
    for words, wanted in (
        ([], {}), (["--domain", "example.org"], {"domain": "example.org"}), (["--reporter", "Beta"], {"reporter": "Beta"}),
        (["--source", "esp.example"], {"source": "esp.example"}), (["--result", "fail"], {"result": "fail"}),
        (["--result", "pass", "--domain", "example.com", "--reporter", "Alpha"],
         {"result": "pass", "domain": "example.com", "reporter": "Alpha"}),
        (["--since", str((TODAY - 6) * DAY)], {"from_day": TODAY - 6}),
        (["--since", "90d", "--source", "192.0.2.0/24"], {"from_day": TODAY - 90, "source": "192.0.2.0/24"}),
    ):
        wanted = {"from_day": TODAY - 29, **wanted}
        same_counts(f"sources {words}", model.count("source", **wanted), store.json("sources", *words), "source")
        same_counts(f"reporters {words}", model.count("reporter", **wanted), store.json("reporters", *words), "reporter")
    classes = {s["source"]: s["class"] for s in store.json("sources")}
    check("our own host", classes["example.org"] == "own", classes)
    check("of a label", store.run("label", "esp.example", "spoof", "The <b>ESP</b>")[0] == 0)
    labelled = {s["source"]: s for s in store.json("sources")}["esp.example"]
    check("the label counts", labelled["class"] == "spoof" and labelled["labelled"] and labelled["title"] == "The <b>ESP</b>",
          labelled)
    check("it is listed", "The <b>ESP</b>" in store.run("label")[1])
    check("as JSON, too", [(la["source"], la["class"]) for la in store.json("label")] == [("esp.example", "spoof")])
    check("it is taken back", store.run("label", "esp.example", "none")[0] == 0 and
          not {s["source"]: s for s in store.json("sources")}["esp.example"]["labelled"])
    check("not a class", store.run("label", "esp.example", "nonsense")[0] == 64)
    one = store.json("sources", "esp.example")[0]
    check("one source has its addresses", {a["address"] for a in one["addresses"]} == {"192.0.2.1", "192.0.2.2"} and
          one["addresses"][0]["name"].endswith(".esp.example"), one["addresses"])
    check("and its identities", any(i["domain"] == "example.org" and i["selector"] == "s1" for i in one["identities"]))
    check("a source that is none", store.run("sources", "nobody.example")[0] == 1)
    failing = store.json("failures")
    failures = {s["source"]: s for s in failing}
    want = model.count("source", from_day=TODAY - 29)
    check("the sums come first", failing[0]["source"] is None and failing[0]["class"] is None and
          failing[0]["messages"] == sum(w["messages"] for w in want.values()) and
          failing[0]["fail"] == sum(s["fail"] for s in failing[1:]) > 0 and
          all(n == sum(s["causes"][cause] for s in failing[1:]) for cause, n in failing[0]["causes"].items()), failing[0])
    check("failures", all(failures[s]["fail"] == w["fail"] for s, w in want.items() if w["fail"]), failures)
    check("CSV is no formula", "\"'=Gamma\"" in store.run("reporters", "--csv")[1])
    check("a domain apart", not any(r["domain"] == "foreign.example" for r in store.json("readiness")))
    check("it is listed all the same", any(r["domain"] == "foreign.example" for r in store.json("list")))
    for words in (["sources"], ["failures"], ["readiness"], ["reporters"], ["alarms"], ["list"], ["show"], ["sources", "esp.example"]):
        for form in ([], ["--csv"] if words[0] != "show" and len(words) == 1 else []):
            status, out, err = store.run(*words, *form)
            check(f"{words} {form} in a terminal", status in (0, 1, 2) and out and not err, status, out, err)


def trust(folder):
    store = Store(folder / "trust")
    path = store.folder / "x.xml"
    path.write_text(report("example.org", "A", TODAY - 3, [("192.0.2.1", 5, 0)]))
    store.run("receive", "--trust", "other", path)
    check("it does not count", store.json("sources") == [])
    check("but with --all-trust", store.json("sources", "--all-trust")[0]["messages"] == 5)
    check("and is listed", store.json("list")[0]["trust"] == "other")
    store.run("receive", path)
    check("a better way: it counts", store.json("sources")[0]["messages"] == 5)
    store.run("receive", path)
    check("once", store.json("sources")[0]["messages"] == 5 and len(store.json("list")) == 1)


def single(folder):
    """Reports about single messages are rolled up by who the source turns out to be."""
    store = Store(folder / "single")
    arf = corpus.ARF.format(encoding="", feedback=corpus.FEEDBACK.replace(
        "192.0.2.77 (host.example)", "192.0.2.1").replace("Tue, 14 Nov 2023 10:00:00 +0000", "x"))
    for n in range(3):
        (store.folder / "arf").write_text(arf.replace("Subject: Hello", f"Subject: Hello {n}"))
        store.run("receive", store.folder / "arf")
    status, out, err = store.run("failures")
    rolled_up = out.partition("Reports about single messages")[2]
    check("rolled up by source", "3  esp.example" in rolled_up and "192.0.2.0" not in rolled_up, status, out, err)
    listed = store.json("failures", "--single")
    check("and listed", [f["subject"] for f in listed] == ["Hello 2", "Hello 1", "Hello 0"] and
          listed[0]["source_ip"] == "192.0.2.1" and listed[0]["reporter"] == "reporter.example", listed)
    (store.folder / "arf").write_text(arf.replace("192.0.2.1", "203.0.113.9").replace("Hello", "From elsewhere"))
    store.run("receive", store.folder / "arf")
    subjects = lambda *words: [f["subject"] for f in store.json("failures", "--single", *words)]
    check("those of a source", len(subjects("--source", "esp.example")) == 3 and subjects("--source", "203.0.113.0/24") == ["From elsewhere"] and
          subjects("--source", "nobody.example") == [], subjects("--source", "esp.example"), subjects("--source", "203.0.113.0/24"))
    check("up to a day", len(subjects("--until", "0d")) == 4 and subjects("--since", "30d", "--until", "2d") == [], subjects("--until", "2d"))


def networks(folder):
    """Who has no name has a network, by a file; and a country."""
    where = folder / "geo.mmdb"
    where.write_bytes(mmdb.make({
        "192.0.2.0/24": {"autonomous_system_number": 64496, "autonomous_system_organization": "Example <Net>",
                         "country": {"iso_code": "DE"}},
        "203.0.113.0/24": {"country": {"iso_code": "FR"}}}))
    store = Store(folder / "networks", reports=f'country-file = "{where}"; network-file = "{where}";')
    store.receive([report("example.org", "A", TODAY - 3, [("192.0.2.3", 1, 0), ("203.0.113.10", 1, 0), ("198.51.100.9", 1, 0)])])
    got = {s["source"]: (s["kind"], s["country"]) for s in store.json("sources")}
    check("networks", got == {"AS64496 Example <Net>": ("as", "DE"), "example.org": ("name", "FR"),
                              "198.51.100.0/24": ("network", None)}, got)
    where.write_bytes(b"no such file")
    status, out, err = (store.run("receive", "--trust", "aligned", store.folder / "mbox"))
    check("a file that is none is told, and no more", status == 0, out, err)


def readiness(folder):
    names = ["R1", "R2", "R3", "R4", "R5"]

    def judged(rows, reporters=5, days=14):
        store = Store(folder / f"ready{len(list(folder.iterdir()))}", '"example.org"')
        store.receive([report("example.org", names[r], TODAY - d, rows) for d in range(1, days + 1) for r in range(reporters)])
        return store.json("readiness")[0]

    good = [("203.0.113.10", 100, 0), ("192.0.2.1", 50, 0)]
    check("reject", judged(good)["verdict"] == "reject")
    check("few reporters", judged(good, reporters=4)["verdict"] == "no-data")
    check("few days", judged(good, days=9)["verdict"] == "no-data")
    check("spoof hinders nobody", judged(good + [("192.0.2.3", 300, 3)])["verdict"] == "reject")
    some = judged(good + [("203.0.113.10", 1, 3)])
    check("99 %", some["verdict"] == "quarantine" and some["pass_per_10000"] == 9933, some)
    bad = judged(good + [("203.0.113.10", 10, 3)])
    check("own mail fails", bad["verdict"] == "not-yet" and bad["hit"][0]["source"] == "example.org" and
          "example.org should not" in bad["summary"], bad)


def alarms(folder):
    def alarmed(what, change, expect, status):
        store = Store(folder / what, '"example.org"')
        reports = []
        for d in range(40, -1, -1):
            for reporter in ("A", "B"):
                rows, policy, skip = [("203.0.113.10", 50, 0)], {}, False
                rows, policy, skip = change(d, reporter, rows, policy, skip)
                if not skip:
                    reports.append(report("example.org", reporter, TODAY - d, rows, **policy))
        store.receive(reports)
        got, out, err = store.run("alarms", "--json")
        kinds = {a["alarm"] for a in json.loads(out)}
        check(f"alarm: {what}", kinds == expect and got == status, kinds, got, out, err)

    alarmed("quiet", lambda d, r, rows, p, s: (rows, p, s), set(), 0)
    alarmed("new", lambda d, r, rows, p, s: (rows + ([("192.0.2.1", 5, 0)] if d < 4 else []), p, s), {"new-source"}, 2)
    alarmed("rate", lambda d, r, rows, p, s: (rows + ([("203.0.113.10", 9, 3)] if d < 5 else []), p, s), {"pass-rate"}, 2)
    alarmed("silence", lambda d, r, rows, p, s: (rows, p, d < 6 and r == "B"), {"reporter-silent"}, 1)
    alarmed("selector", lambda d, r, rows, p, s: (rows + ([("203.0.113.20", 9, 4)] if d < 5 else []), p, s),
            {"selector-failing"}, 1)
    alarmed("record", lambda d, r, rows, p, s: (rows, {"sp": "reject"} if d < 4 else {}, s), {"record-changed"}, 1)


def large(folder):
    rand = random.Random(2)
    store = Store(folder / "large")
    SOURCES.update({f"10.{i % 40}.{i // 250 % 250}.{i % 250}": "" for i in range(20000)})
    ips, reports, n = list(SOURCES), [], 0
    began = time.monotonic()
    for day in range(TODAY - 400, TODAY):
        for reporter in range(25):
            rows = [(rand.choice(ips), rand.randint(1, 20), rand.randrange(4)) for _ in range(rand.randint(20, 180))]
            n += sum(c for _, c, _ in rows)
            reports.append(report(rand.choice(["example.org", "example.com"]), f"Reporter {reporter}", day, rows))
    print(f"{len(reports)} reports, {n} messages, made in {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    print(store.receive(reports).strip(), f"in {time.monotonic() - began:.0f} s")
    for words in (["sources", "--since", "400d"], ["failures", "--since", "400d"], ["reporters", "--since", "400d"],
                  ["sources", "--since", "90d"], ["readiness"], ["alarms"], ["list", "--since", "30d"]):
        took, work = min(timed(store, words) for _ in range(5))
        print(f"{' '.join(words)}: {took:.3f} s, of the processor {work:.3f} s")
        check(f"{words} within 0.3 s", took < 0.3)


def timed(store, words):
    began, before = time.monotonic(), os.times()
    store.run(*words)
    after = os.times()
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - began, work


def denied(folder):
    """Whoever may not look is told so, and gets no empty answer, lest an empty export goes to a twin."""
    if os.geteuid() != 0:
        return
    folder.chmod(0o755)
    program, conf, state = folder / "assay", folder / "denied.conf", folder / "denied"
    shutil.copy(ASSAY, program)
    room = folder / "room"
    state.mkdir(mode=0o700)
    room.mkdir()
    os.chown(room, NOBODY, NOBODY)
    conf.write_text(f'state-dir = "{state}";\nreports = {{ from = "r@example.org"; }};\n')
    for words in ("list", "sources", "readiness", "export", "digest", "html -o pages", "sent", "send --dry-run"):
        done = subprocess.run([program, "report", *words.split(), "-c", conf], capture_output=True, text=True, user=NOBODY, group=NOBODY,
                              extra_groups=[], cwd=room, check=False)
        check(f"{words} without rights", (done.returncode, done.stdout) == (75, "") and "run this as root" in done.stderr, done)


def main():
    with tempfile.TemporaryDirectory(prefix="assay-figures-") as name:
        for part in [large] if "--large" in sys.argv else [compared, trust, single, networks, readiness, alarms, denied]:
            part(pathlib.Path(name))
    print(f"{len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


main()
