#!/usr/bin/python3
"""test_receive.py ASSAY - `assay report receive`: every form of corpus.py, and what becomes of the whole mailbox: exit
statuses, identity, trust, kill -9 in its midst, memory."""

import csv
import io
import json
import os
import pathlib
import pty
import sqlite3
import subprocess
import sys
import tempfile
import time

import corpus

ASSAY = sys.argv[1]
FAILED = []


def check(what, good, *more):
    if not good:
        FAILED.append(what)
        print("NOT SO:", what, *(str(m)[:2000] for m in more), sep="\n    ")


class Store:
    """A state-dir with its configuration."""

    def __init__(self, folder, reports=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        (self.folder / "state").mkdir(exist_ok=True)
        (self.folder / "zone").write_text("")
        (self.folder / "assay.conf").write_text(
            f'state-dir = "{self.folder}/state";\nauthserv-id = "mx.example.org";\n'
            f'reports = {{ domains = [ "example.org" ]; keep-rows = "36500d"; country-file = "/nonexistent"; {reports} }};\n')

    def run(self, *words, stdin=b"", env=None):
        command = [ASSAY, "report", words[0], "-c", str(self.folder / "assay.conf"), *map(str, words[1:])]
        if words[0] == "receive":
            command += ["--dns", str(self.folder / "zone")]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=300,
                              env=env)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *words):
        status, out, err = self.run(*words, "--json")
        check(f"{words} is JSON", status == 0, out, err)
        return json.loads(out)

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path


def same(want, got):
    return all(got.get(name, "missing") == value for name, value in want.items())


def found_as_expected(store, expected):
    reports = store.json("show")
    want = sorted(((org, rid, rows) for org, rid, rows in expected), key=lambda r: (r[0] or "", r[1]))
    got = sorted(reports, key=lambda r: (r["org_name"] or "", r["report_id"]))
    return len(want) == len(got) and all(
        org == g["org_name"] and rid == g["report_id"] and len(rows) == len(g["rows"]) == g["records"] and
        all(same(w, have) for w, have in zip(rows, g["rows"])) and g["messages"] == sum(r["count"] for r in rows)
        for (org, rid, rows), g in zip(want, got)), reports


def play_case(folder, number, name, inputs, expected):
    store = Store(folder / str(number))
    inputs = inputs if isinstance(inputs, list) else [inputs]
    files = [store.write(f"input{i}", data) for i, data in enumerate(inputs)]
    status, out, err = store.run("receive", *files)
    if isinstance(expected, list):
        good, reports = found_as_expected(store, expected)
        if name.startswith("43 dates"):
            good = good and (reports[0]["begin"], reports[0]["end"]) == (corpus.BEGIN, corpus.END)
        check(f"{name}: stored", status == 0 and good, status, out, err, json.dumps(reports, indent=1))
    elif expected == "tls":
        tls = store.json("list", "--tls")
        first = tls[0]["policies"][0] if tls else {}
        check(f"{name}: a TLS report", status == 0 and first.get("successes") == 7 and first["domain"] == "example.org" and
              tls[0]["begin"] == 1699920000, status, out, err, tls)
    elif expected == "failure":
        check(f"{name}: a failure report", status == 0 and "1 report about single messages" in out, status, out, err)
    elif expected == "damaged":
        reports = store.json("show")
        check(f"{name}: damaged", status == 0 and reports[0]["damaged"] and reports[0]["rows"], status, out, err)
    else:
        refused = store.json("list", "--refused")
        check(f"{name}: refused for {expected}", status == 65 and expected in refused[0]["why"] and not store.json("list"),
              status, out, err, refused)
    again, out, err = store.run("receive", *files)
    check(f"{name}: known", again == status and ("0 reports stored" in out), again, out, err)


def exit_statuses(folder):
    store = Store(folder / "exit")
    good, bad = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.X))), b"Subject: x\n\nhello\n"
    check("a pipe: stored", store.run("receive", "--deliver", stdin=good) == (0, "", ""))
    check("a pipe: known", store.run("receive", "--deliver", stdin=good) == (0, "", ""))
    check("a pipe: no report, no bounce", store.run("receive", "--deliver", stdin=bad) == (0, "", ""))
    check("it is refused all the same", len(store.json("list", "--refused")) == 1)
    check("with CR LF", store.run("receive", stdin=corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(
        corpus.xml(rid="crlf")))).replace(b"\n", b"\r\n"))[0] == 0)
    check("without --deliver: 65", store.run("receive", stdin=bad)[0] == 65)
    check("the gravest of several", store.run("receive", store.write("a", good), store.write("b", bad))[0] == 65)
    check("no such file: 66", store.run("receive", "/nonexistent", store.write("a", good))[0] == 66)
    (folder / "exit" / "state" / "received.db").rename(folder / "exit" / "aside")
    for left in (folder / "exit" / "state").iterdir():
        left.unlink()
    (folder / "exit" / "state" / "received.db").mkdir()
    check("no store: 75", store.run("receive", "--deliver", stdin=good)[0] == 75)
    config = (folder / "exit" / "assay.conf").read_text()
    for wrong in ("nonsense = 1;\n", 'user = "nobody-has-this-name";\n' if os.geteuid() == 0 else "{"):
        store.write("assay.conf", config + wrong)
        for command in ("receive", "bounce"):
            status, out, err = store.run(command, "--deliver", stdin=good)
            check(f"a pipe: the mail waits while the configuration is wrong: {command} {wrong}", status == 75 and err, status, out, err)
        check("without --deliver: 78", store.run("receive", stdin=good)[0] == 78)


def odd_texts(folder):
    """Text of a refused mail is stored as it came, and is made safe once, where it is shown."""
    store = Store(folder / "odd")
    odd = "a\x01b \\ \u00e4\u202e" + "\u00fc" * 100
    store.write("x\x02y", f"From: {odd}\nSubject: {odd}\n\nno report\n".encode())
    status, _, err = store.run("receive", folder / "odd" / "x\x02y")
    check("the complaint is safe", status == 65 and "x\\x02y: " in err and "\x02" not in err, err)
    refused, = store.json("list", "--refused")
    cut = odd.encode()[:200].decode(errors="ignore")
    check("as it came", refused["subject"] == refused["from"] == cut and refused["origin"].endswith("x\x02y"), refused)
    text = store.run("list", "--refused")[1]
    check("safe, and once", "a\\x01b \\x5c \u00e4\\xe2\\x80\\xae" in text and "x\\x02y" in text and
          "\x01" not in text and "\x02" not in text, text)


def all_that_is_said(folder):
    """`report show` tells what the report says of the record, its own errors, and rows that were left out."""
    store = Store(folder / "said")
    pol = ("<policy_published><domain>example.org</domain><p>none</p><np>reject</np><pct>50</pct><adkim>s</adkim><fo>1:d</fo>"
           "<testing>y</testing><discovery_method>treewalk</discovery_method></policy_published>")
    store.run("receive", store.write("xml", corpus.xml(pol=pol, rows=corpus.row() + corpus.row(ip="mail.example") * 2).replace(
        "</report_metadata>", "<error>lost \u009b3 of 4</error><generator>Gen/1</generator></report_metadata>")))
    out = store.run("show")[1]
    check("show: the record", "policy p=none np=reject pct=50 adkim=s fo=1:d testing=y discovery_method=treewalk\n" in out, out)
    check("show: what was left out", ", 1 row, 2 messages, 2 rows without an address left out; trust file" in out, out)
    check("show: errors and generator", "  it says of errors: lost \\xc2\\x9b3 of 4\n  made by Gen/1\n" in out, out)


def tables(folder):
    """What is no aggregate report as CSV; nothing in it acts on a terminal or in a spreadsheet."""
    store = Store(folder / "tables")
    odd = "=a\u009b31m\u202eb\xe9"
    arf = corpus.ARF.format(encoding="", feedback=corpus.FEEDBACK).replace("Subject: Hello", f"Subject: {odd}")
    store.write("no report", f"From: x@y.example\nSubject: {odd}\n\nno report\n".encode() + b"\xff\x9b")
    store.write("latin", b"From: -\nSubject: a\xff\x9b31m\n\nno report\n")
    store.run("receive", store.write("tls", corpus.TLS.replace('"organization-name":"Reporter"', f'"organization-name":"{odd}"')),
              store.write("arf", arf), store.write("xml", corpus.xml(org=odd)), folder / "tables" / "no report", store.folder / "latin")
    for words, key in ((["list"], None), (["list", "--tls"], "policies"), (["list", "--refused"], None),
                       (["failures", "--single", "--since", "30d"], None)):
        status, out, err = store.run(*words, "--csv")
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        want = [{**{k: v for k, v in r.items() if k != key}, **p} for r in store.json(*words) for p in r.get(key, [{}])]
        check(f"{words}: a line for each, with the names of --json", status == 0 and not err and len(rows) == len(want) > 0 and
              all(k in w and (isinstance(w[k], str) or v == ("" if w[k] is None else str(w[k]).lower())) for r, w in zip(rows, want)
                  for k, v in r.items()), out, err, want)
        check(f"{words}: harmless", all(bad not in out for bad in ("\u009b", "\u202e", '"=', '"-')), repr(out))
        check(f"{words}: letters stay", words == ["list", "--refused"] or "31m b\xe9" in out, repr(out))


def trust(folder):
    store = Store(folder / "trust")
    fields = {
        "aligned": "Authentication-Results: mx.example.org; dmarc=pass header.from=reporter.example\n",
        "other": "Authentication-Results: mx.example.org; dmarc=fail; spf=pass smtp.mailfrom=x.example\n",
        "none": "Authentication-Results: mx.example.org; dmarc=fail; spf=fail\n"
                "Authentication-Results: mx.example.org; dmarc=pass\n",
        "unreadable": "Authentication-Results: mx.example.org; dmarc=((\n"
                      "Authentication-Results: mx.example.org; dmarc=pass\n",
        "another-filter": "Authentication-Results: mx.example.org;\n iprev=pass (mx) smtp.remote-ip=2001:db8::1;\n spf=none "
                          "smtp.mailfrom=<>;\n gateway.x=y; dmarc=pass header.from=reporter.example\n",
        "own-words": 'Authentication-Results: mx.example.org; spf=pass smtp.mailfrom="; dmarc=pass; "@x.example for y;'
                     ' dkim=pass header.i="; dmarc=pass"@x.example\n',
    }
    for n, (want, field) in enumerate(fields.items()):
        body = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid=want))), passes=False)
        _, out, _ = store.run("receive", store.write(f"m{n}", field.encode() + body))
        check(f"{want}: whether it counts", ("  1 of them does not count: its mail did not pass DMARC" in out) ==
              (want not in ("aligned", "another-filter")), out)
    forged = b"Authentication-Results: mx.other.example; dmarc=pass\n"
    store.run("receive", store.write("forged", forged + corpus.mail(
        corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid="forged"))), passes=False)))
    lone = Store(folder / "lone")
    mails = [lone.write(name, forged + corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid=name))), passes=False))
             for name in ("one", "two")]
    check("how many count, as JSON", json.loads(lone.run("receive", "--json", *mails)[1])["uncounted"] == 2)
    more = [lone.write(m.name + "+", m.read_bytes().replace(b"gzip", b"x-gzip")) for m in mails]
    check("what is known already is not counted again", "not count" not in lone.run("receive", *more)[1])
    status, out, err = store.run("receive", store.write("file", corpus.xml(rid="file")))
    check("a file counts", "not count" not in out, out)
    got = {r["report_id"]: r["trust"] for r in store.json("list")}
    check("trust", got == {"aligned": "aligned", "other": "other", "none": "none", "unreadable": "none", "forged": "none",
                           "another-filter": "aligned", "own-words": "other", "file": "file"}, got)
    body = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid="none"))))
    store.run("receive", store.write("better", body))
    check("more trust later", {r["report_id"]: r["trust"] for r in store.json("list")}["none"] == "aligned")


def html_of(store):
    """The pages as files, in one text."""
    status, out, err = store.run("html", "--output", store.folder / "html")
    check("pages", status == 0, out, err)
    return "".join(p.read_text() for p in sorted((store.folder / "html").rglob("*.html")))


def senders(folder):
    """Who passes DMARC for a domain of their own may send reports in the name of others: that is kept, and shown."""
    store, twin, now = Store(folder / "senders"), Store(folder / "senders-twin"), int(time.time())
    cases = [  # id, org_name, email, header.from as our daemon says it; sent_by, sent_by_other
        ("real", "google.example", "noreply@google.example", "mail.Google.example.", "mail.google.example", False),
        ("odd", "google.example", "x", '"<script>&.example"', "<script>&.example", True),
        ("forged", "google.example", "noreply@google.example", "evil.example", "evil.example", True),
        ("own-address", "google.example", "noreply@evil.example", "evil.example", "evil.example", True),
        ("people", "Google &lt;b&gt;Inc", "noreply@google.example", "a.evil.example", "a.evil.example", True),
        ("agrees", "Outlook", "&lt;a@microsoft.example&gt;", "microsoft.example", "microsoft.example", False),
        ("nobody", "Outlook", "", "microsoft.example", "microsoft.example", False),
        ("no-domain", "google.example", "x", '"a..b"', None, False),
        ("unsaid", "google.example", "x", None, None, False),
    ]
    for rid, org, email, author, _, _ in cases:
        said = f" header.from={author}" if author else ""
        field = f"Authentication-Results: mx.example.org; dmarc=pass{said}\n"
        body = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid=rid, org=org, email=email, begin=now - 86400,
                                                                               end=now - 43200))), passes=False)
        store.run("receive", store.write(rid, field.encode() + body))
    want = {rid: (by, other) for rid, _, _, _, by, other in cases}
    got = lambda s, command="list": {r["report_id"]: (r["sent_by"], r["sent_by_other"]) for r in s.json(command)}
    check("who sent them", got(store) == want == got(store, "show"), got(store))
    check("it counts by its mail's own DMARC result", {r["trust"] for r in store.json("list")} == {"aligned"})
    twin.run("import", stdin=store.run("export")[1].encode())
    check("the twin knows", got(twin) == want, got(twin))
    third = Store(folder / "senders-third")
    export = store.run("export")[1]
    check("it is written so", '"author":"evil.example"' in export.replace(": ", ":"), export[:500])
    third.run("import", stdin=export.replace('"evil.example"', '""').replace('"a.evil.example"', '"\\u001b[31m<b>\\u202e"').encode())
    check("nobody is nobody else", got(third)["forged"] == (None, False) and got(third)["real"] == want["real"], got(third))
    check("odd ones are harmless", got(third)["people"] == ("\x1b[31m<b>\u202e", True) and
          not any(c in third.run(w)[1] for w in ("list", "show", "reporters") for c in "\x1b\u202e") and
          "<b>" not in html_of(third).replace("&lt;b>", ""), third.run("list"), third.run("reporters"))
    lines = {line.split()[6]: line for line in store.run("list")[1].splitlines()[1:] if "Inc" not in line}
    check("list", lines["forged"].endswith("  forged  (sent by evil.example)") and lines["real"].endswith("  real"), lines)
    show = store.run("show", "forged")[1]
    check("show", "\n  sent by another organization than it names: evil.example\n" in show, show)
    check("show of the real one", "\n  sent by mail.google.example\n" in store.run("show", "real")[1])
    rows = {r["report_id"]: r for r in csv.DictReader(io.StringIO(store.run("list", "--csv")[1]))}
    check("CSV", (rows["forged"]["sent_by"], rows["forged"]["sent_by_other"], rows["unsaid"]["sent_by"]) == ("evil.example", "true", ""), rows)
    by = {r["reporter"]: r["sent_by_others"] for r in store.json("reporters")}
    check("reporters", by == {"google.example": 3, "Google <b>Inc": 1, "Outlook": 0}, by)
    text = store.run("reporters")[1]
    check("reporters as a text", "  (3 sent by others, such as evil.example)\n" in text and text.count("sent by") == 2, text)
    rows = {r["reporter"]: r["sent_by_others"] for r in csv.DictReader(io.StringIO(store.run("reporters", "--csv")[1]))}
    check("reporters as CSV", rows == {"google.example": "3", "Google <b>Inc": "1", "Outlook": "0"}, rows)
    pages = html_of(store)
    check("pages name who sent it", "<span class=mute>sent by <bdi>evil.example</bdi></span>" in pages and
          "<span class=mute>3 sent by others, such as <bdi>evil.example</bdi></span>" in pages and
          "<span class=mute>sent by <bdi>microsoft.example</bdi></span>" in pages and
          "sent by <bdi>mail.google.example" not in pages, pages[:200])
    check("the page of a report, too", "<dt>Sent by</dt><dd><bdi>evil.example</bdi></dd><dt></dt><dd class=mute>another "
          "organization than the report names: a service of it, or a forgery</dd>" in pages and "<dt>Sent by</dt><dd><bdi>mail.google.example</bdi></dd>" in pages)
    check("as text", "<script>&.example" not in pages and "&lt;script&gt;&amp;.example" in pages)


def policy_in_force(folder):
    """The policy of a domain is what reports say that count, whatever others say, and of whatever day."""
    store, now = Store(folder / "policy"), int(time.time())
    for rid, trust, p, begin in (("old", "aligned", "quarantine", now - 5 * 86400), ("new", "aligned", "none", now - 3 * 86400),
                                 ("forged", "other", "reject", now - 86400)):
        text = corpus.xml(rid=rid, begin=begin, end=begin + 3600, pol=corpus.policy().replace("<p>none", f"<p>{p}"))
        store.run("receive", "--trust", trust, store.write(rid, text))
    for words, want in (([], "none"), (["--all-trust"], "reject")):
        got = store.json("readiness", *words)
        check(f"policy {words}", [r["policy"] for r in got] == [want] and any(f"Today the record says p={want}." in n for n in got[0]["notes"]),
              got)
    check("on the pages", "p=reject is in force" not in html_of(store))


def better_senders(folder):
    """A report that came twice was sent by the one that it names, if that one is among them."""
    one, two = Store(folder / "first"), Store(folder / "second")
    text = corpus.xml(rid="twice", org="google.example")
    fields = {"none": "dmarc=fail", "evil": "dmarc=pass header.from=evil.example", "z": "dmarc=pass header.from=z.example",
              "real": "dmarc=pass header.from=google.example", "unsaid": "dmarc=pass"}
    mails = {name: f"Authentication-Results: mx.example.org; {field}\n".encode() + corpus.mail(
        corpus.TEXT, corpus.attachment(corpus.gz(text)), passes=False) for name, field in fields.items()}
    got = lambda s: [(r["trust"], r["sent_by"], r["sent_by_other"]) for r in s.json("list")]
    for name, want in (("none", ("none", None, False)), ("unsaid", ("aligned", None, False)), ("z", ("aligned", "z.example", True)),
                       ("evil", ("aligned", "evil.example", True)), ("unsaid", ("aligned", "evil.example", True)),
                       ("real", ("aligned", "google.example", False)), ("evil", ("aligned", "google.example", False)),
                       ("none", ("aligned", "google.example", False))):
        if name != "none" or one.json("list"):
            age(one, "UPDATE report SET received = received + 100")  # so that this one came earlier
        one.run("receive", one.write("mail", mails[name]))
        check(f"after {name}", got(one) == [want], got(one))
    two.run("receive", two.write("mail", mails["evil"]))
    for a, b in ((two, one), (one, two)):
        b.run("import", stdin=a.run("export")[1].encode())
    check("twins agree", got(one) == got(two) == [("aligned", "google.example", False)], got(one), got(two))
    one.run("receive", one.write("file", text))
    check("a file has no sender", got(one) == [("file", None, False)], got(one))
    sums = [r["messages"] for r in one.json("reporters")]
    check("it is counted once", sums == [] or sums == [2], sums)


def mailboxes(folder):
    store = Store(folder / "boxes")
    mails = [corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid=f"m{i}")))) for i in range(30)]
    box = b"".join(b"From reports@reporter.example Tue Nov 14 10:00:00 2023\n" + m + b"\n" for m in mails)
    box += b"From x@y Tue Nov 14 10:00:00 2023\nSubject: x\n\n>From here on\n\nFrom: no new message\n"
    status, out, err = store.run("receive", store.write("mbox", box))
    check("an mbox", status == 65 and "30 reports stored" in out and "1 refused" in out, status, out, err)
    for name in ("cur", "new", "tmp"):
        (folder / "boxes" / "md" / name).mkdir(parents=True)
    for i, m in enumerate(mails[:5]):
        store.write(f"md/new/{i}.host", m)
    store.write("md/cur/9.host:2,S", b"Subject: x\n\nno report\n")
    status, out, err = store.run("receive", "--remove", folder / "boxes" / "md")
    left = sorted(str(p.relative_to(folder / "boxes" / "md")) for p in (folder / "boxes" / "md").glob("*/*"))
    check("a Maildir is emptied", status == 65 and left == ["cur/9.host:2,F"], status, out, err, left)
    status, out, err = store.run("receive", "--remove", folder / "boxes" / "md")
    check("what was flagged is passed over", status == 0, status, out, err)


def retention(folder):
    now = int(time.time())
    day = 86400
    store = Store(folder / "keep", reports='keep-raw = "2d"; keep-failures = "1d";')
    old, young = corpus.xml(rid="old"), corpus.xml(rid="young", begin=now - day, end=now)
    store.run("receive", store.write("young", young), store.write("old", old))
    check("XML of years ago is kept from its arrival on", store.run("show", "--raw", "old") == (0, old, ""))
    age(store, f"UPDATE report SET received = {now - 3 * day} WHERE report_id = 'old'", "DELETE FROM note")
    store.run("receive", store.folder / "young")
    check("rows are kept, XML is not", [r["report_id"] for r in store.json("show")] == ["young", "old"])
    check("XML as it came", store.run("show", "--raw", "young") == (0, young, ""))
    check("no XML", store.run("show", "--raw", "old")[0] == 1)
    store = Store(folder / "drop")
    config = (store.folder / "assay.conf").read_text()
    store.write("assay.conf", config.replace("36500d", "3d"))
    path = store.write("old", old)
    status, out, err = store.run("receive", path, store.write("young", young))
    check("about days before keep-rows: stored", status == 0 and "2 reports stored" in out, status, out, err)
    check("and there", [r["report_id"] for r in store.json("list")] == ["young", "old"])
    age(store, f"UPDATE report SET received = {now - 4 * day} WHERE report_id = 'old'", "DELETE FROM note")
    status, out, err = store.run("receive", path)
    check("came before keep-rows: gone", [r["report_id"] for r in store.json("list")] == ["young"])
    check("it is known all the same", status == 0 and "0 reports stored" in out and "1 known" in out, status, out, err)
    database = sqlite3.connect(store.folder / "state" / "received.db")
    check("its sum stays", sum(m["messages"] for m in store.json("sources", "--since", str(corpus.BEGIN))) == 4)
    ahead = now + 3000 * day
    store.run("receive", store.write("ahead", corpus.xml(rid="ahead", begin=ahead, end=ahead + day)),
              store.write("tls", corpus.TLS.replace("2023-", "2099-")))
    check("a period in years to come counts on the day of arrival",
          [m["last_seen"] // day for m in store.json("sources")] == [int(time.time()) // day], store.json("sources"))
    database.execute("UPDATE report SET received = 1 WHERE report_id = 'ahead'")
    database.execute("UPDATE tls SET received = 1")
    database.execute("DELETE FROM note")
    database.commit()
    store.run("receive", path)
    check("and does not stay for ever", [r["report_id"] for r in store.json("list")] == ["young"] and
          store.json("list", "--tls") == [], store.json("list"), store.json("list", "--tls"))
    check("its texts are gone", database.execute("SELECT count(*) FROM row").fetchone() == (1,))
    database.close()


def periods_that_are_not_said(folder):
    """Without an end that can be believed, a report is as old as its arrival: it is kept, and listed, as long as any other."""
    store = Store(folder / "unsaid", reports='keep-raw = "2d";')
    store.write("assay.conf", (store.folder / "assay.conf").read_text().replace("36500d", "30d"))
    now, day = int(time.time()), 86400
    young = corpus.xml(rid="no-end", begin=now - day)
    for name, text in {"no-end": young.replace(f"<end>{corpus.END}</end>", ""), "none": corpus.xml(rid="none", begin="", end="today"),
                       "ahead": corpus.xml(rid="ahead", begin=now + 9000 * day, end=now + 9001 * day)}.items():
        store.write(name, text)
    store.write("tls", corpus.TLS.replace("2023-11-14T", "14 November "))
    status, out, err = store.run("receive", *(store.folder / name for name in ("no-end", "none", "ahead", "tls")))
    check("periods that are not said: stored", status == 0 and "3 reports stored" in out and "1 TLS report" in out, status, out, err)
    ids = lambda *words: {r["report_id"] for r in store.json("list", *words)}
    check("and kept", ids() == {"no-end", "none", "ahead"} and ids("--tls") == {"tls-1"}, ids(), ids("--tls"))
    check("and listed with the young ones", ids("--since", "1d") == {"no-end", "none", "ahead"}, ids("--since", "1d"))
    check("with their XML", store.run("show", "--raw", "none")[0] == 0)
    age(store, "UPDATE report SET received = received - 20 * 86400")
    check("by their arrival", not ids("--since", "1d") and ids("--since", "21d") == {"no-end", "none", "ahead"}, ids("--since", "1d"))
    age(store, "UPDATE report SET received = received - 20 * 86400", "UPDATE tls SET received = received - 40 * 86400", "DELETE FROM note")
    store.run("receive", store.write("plain", corpus.xml(rid="plain", begin=now - day, end=now)))
    check("and go with the old ones", ids() == {"plain"} and not ids("--tls"), ids(), ids("--tls"))


def the_newest_first(folder):
    """A period that ends after the arrival does not stand before those that come later."""
    store = Store(folder / "newest")
    now, day = int(time.time()), 86400
    for rid, begin, end in (("old", now - 9 * day, now - 8 * day), ("far", now + 9000 * day, now + 9001 * day),
                            ("near", now - day, now + day), ("unsaid", "", ""), ("young", now - 2 * day, now - day)):
        store.run("receive", store.write(rid, corpus.xml(rid=rid, begin=begin, end=end)))
        tls = corpus.TLS.replace("tls-1", f"tls-{rid}")
        if end:
            tls = tls.replace("2023-11-14T23:59:59Z", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)))
        store.run("receive", store.write(f"tls-{rid}", tls))
    tls = lambda: [r["report_id"][4:] for r in store.json("list", "--tls") if r["report_id"] != "tls-unsaid"]
    check("what came today, then yesterday's", [r["report_id"] for r in store.json("list")] == ["unsaid", "near", "far", "young", "old"],
          store.json("list"))
    check("of TLS reports, too", set(tls()[:2]) == {"far", "near"} and tls()[2:] == ["young", "old"], tls())
    age(store, f"UPDATE report SET received = {now - 5 * day} WHERE report_id IN ('far', 'unsaid')",
        f"UPDATE tls SET received = {now - 5 * day} WHERE report_id = 'tls-far'")
    check("days later they stand behind", [r["report_id"] for r in store.json("list")] == ["near", "young", "unsaid", "far", "old"],
          store.json("list"))
    check("TLS reports, too", tls() == ["near", "young", "far", "old"], tls())
    age(store, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
        ' INSERT INTO report(key, reporter, report_id, domain, begin, "end", day, digest, policy, records, skipped, messages, trust,'
        " damaged, repaired, received, size) SELECT randomblob(16), reporter, 'n' || i, domain, begin, i / 3, day, digest, policy,"
        " 0, 0, 0, trust, 0, 0, i % 7 * 50, size FROM n, report WHERE report_id = 'old'")
    rows = [(min(r["end"] or r["received"], r["received"]), r["report_id"]) for r in store.json("list")]
    check("over many pages", len({name for _, name in rows}) == len(rows) == 905 and
          [t for t, _ in rows] == sorted((t for t, _ in rows), reverse=True), rows[:10], len(rows))


def make_earlier(store):
    """As the first version of the store made it."""
    age(store, "ALTER TABLE report DROP COLUMN author", "ALTER TABLE report DROP COLUMN other",
        "DROP INDEX report_newness", 'CREATE INDEX report_end ON report("end")', "DROP TABLE share", "PRAGMA user_version = 1")


def earlier_version(folder):
    """A store of an earlier version is brought up to date, by whoever comes first and may write it."""
    store = Store(folder / "earlier")
    store.run("receive", store.write("in", corpus.X))
    before = store.json("show")
    database = store.folder / "state" / "received.db"

    def version():
        connection = sqlite3.connect(database)
        got = connection.execute("PRAGMA user_version").fetchone()[0], connection.execute("PRAGMA quick_check").fetchone()[0]
        connection.close()
        return got

    today = version()
    for words in (["receive", "in"], ["list"], ["sources"], ["export"], ["html", "--output", store.folder / "out"]):
        make_earlier(store)
        words = [store.folder / w if w == "in" else w for w in words]
        status, out, err = store.run(*words)
        check(f"{words[0]}: up to date", status == 0 and version() == today and store.json("show") == before, status, out, err,
              version(), today)
    make_earlier(store)
    if os.geteuid() == 0:
        copy = folder / "readable"
        copy.mkdir()
        copy.chmod(0o755)
        config = (store.folder / "assay.conf").read_text()
        (copy / "received.db").write_bytes(database.read_bytes())
        (copy / "assay.conf").write_text(config.replace(f"{store.folder}/state", str(copy)))
        for parent in folder.parents:
            if parent != pathlib.Path("/tmp") and parent.is_relative_to("/tmp"):
                parent.chmod(0o755)
        folder.chmod(0o755)
        done = subprocess.run([ASSAY, "report", "list", "-c", copy / "assay.conf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              user=65534, group=65534, extra_groups=[], check=False)
        check("who may only read is told", done.returncode == 75 and
              b'received.db: is of an earlier version of assay: "assay report list" brings it up to date' in done.stderr, done)


def age(store, *statements):
    """Changes the store, so that what is in it is old, and it is looked through again."""
    database = sqlite3.connect(store.folder / "state" / "received.db")
    for statement in statements:
        database.execute(statement)
    database.commit()
    counts = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("failure", "tls", "address")}
    database.close()
    return counts


def retention_of_others(folder):
    """Failure reports and TLS reports go by their arrival; both stay known, and sums stay."""
    store = Store(folder / "others", reports='keep-failures = "2d";')
    now, day, hour = int(time.time()), 86400, 3600
    more = ("Delivery-Result: delivered\nDKIM-Domain: d.example\nDKIM-Selector: sel\nOriginal-Mail-From: <x@bounce.example>\n"
            "Incidents: 3\n\n")
    arf = corpus.ARF.format(encoding="", feedback=corpus.FEEDBACK[:-1] + more)
    paths = [store.write("arf", arf), store.write("young", arf.replace("Hello", "Young")), store.write("tls", corpus.TLS),
             store.write("ahead", corpus.TLS.replace("2023-", "2099-").replace("tls-1", "ahead"))]
    config = (store.folder / "assay.conf").read_text()
    store.run("receive", *paths)
    single = lambda: [f["subject"] for f in store.json("failures", "--single", "--since", "30d")]
    tls = lambda: [t["report_id"] for t in store.json("list", "--tls")]
    check("all is there", sorted(single()) == ["Hello", "Young"] and sorted(tls()) == ["ahead", "tls-1"], single(), tls())
    hello, = (f for f in store.json("failures", "--single", "--since", "30d") if f["subject"] == "Hello")
    want = {"arrival": 1699956000, "reporter": "reporter.example", "domain": "example.org", "source_ip": "192.0.2.77",
            "auth_failure": "dmarc", "delivery_result": "delivered", "dkim_domain": "d.example", "dkim_selector": "sel",
            "header_from": "example.org", "envelope_from": "bounce.example", "subject": "Hello", "incidents": 3}
    check("all that a failure report says", want.items() <= hello.items() and hello["received"] >= now, hello)
    known, = (t for t in store.json("list", "--tls") if t["report_id"] == "tls-1")
    check("all that a TLS report says", known == {
        "organization": "Reporter", "contact": "tls@reporter.example", "report_id": "tls-1", "begin": 1699920000, "end": 1700006399,
        "received": known["received"], "policies": [
            {"domain": "example.org", "type": "sts", "successes": 7, "failures": 1}]} and known["received"] >= now, known)
    twin = Store(folder / "others-twin")
    twin.run("import", stdin=store.run("export")[1].encode())
    both = [sorted(s.json("failures", "--single", "--since", "30d"), key=lambda f: f["subject"]) for s in (store, twin)]
    check("and from a twin", both[0] == both[1] and twin.json("list", "--tls") == store.json("list", "--tls"), both)
    old = f"UPDATE failure SET received = {now - 2 * day - 60} WHERE subject = 'Hello'"
    age(store, old, f"UPDATE failure SET received = {now - 2 * day + 3600} WHERE subject = 'Young'",
        f"UPDATE note SET value = {now - hour + 600} WHERE name = 'dropped'")
    store.run("receive", *paths)
    check("not looked at within the hour", sorted(single()) == ["Hello", "Young"], single())
    age(store, f"UPDATE note SET value = {now - hour - 60} WHERE name = 'dropped'")
    store.run("receive", paths[1])
    check("one is too old", single() == ["Young"], single())
    check("it is known all the same", "2 known" in store.run("receive", *paths[:2])[1])
    out = store.run("failures", "--since", "2000d")[1].partition("Reports about single messages")[2]
    check("both stay in the sums", "6  192.0.2.0/24" in out, out)
    store.write("assay.conf", config.replace("36500d", "5d"))
    age(store, f"UPDATE tls SET received = {now - 4 * day} WHERE report_id = 'ahead'",
        f"UPDATE tls SET received = {now - 5 * day - 60} WHERE report_id = 'tls-1'",
        f"UPDATE note SET value = {now - hour - 60} WHERE name = 'dropped'")
    store.run("receive", paths[1])
    check("TLS reports go as rows do", tls() == ["ahead"], tls())
    age(store, f"UPDATE tls SET received = {now - 7 * day - 60}", "DELETE FROM failure",
        f"UPDATE note SET value = {now - 2 * hour} WHERE name = 'dropped'",
        f"UPDATE note SET value = {now - 23 * hour} WHERE name = 'unused'")
    store.run("receive", paths[2])
    check("gone", tls() == [] and age(store)["address"] == 1, tls(), age(store))
    age(store, f"UPDATE note SET value = {now - 2 * hour} WHERE name = 'dropped'",
        f"UPDATE note SET value = {now - 25 * hour} WHERE name = 'unused'")
    check("known all the same", "2 known" in store.run("receive", *paths[2:])[1] and tls() == [])
    check("once a day what nothing needs goes", age(store)["address"] == 0, age(store))


def refusals(folder):
    """They are stored once, the newest ten thousand of them; a twin gets them, and has the earlier arrival."""
    store, twin = Store(folder / "refusing"), Store(folder / "twin")
    spam = b"From: x@spam.example\nSubject: spam\n\nhello\n"
    path = store.write("spam", spam)
    store.run("receive", path)
    age(store, "UPDATE refused SET received = 1700000000")
    store.run("receive", path)
    twin.run("receive", twin.write("spam", spam), twin.write("other", spam + b"x"))
    for a, b in ((store, twin), (twin, store), (store, twin), (twin, store)):
        status, out, err = b.run("import", stdin=a.run("export")[1].encode())
        check("refusals are exchanged", status == 0 and "0 reports stored, 0 known" in out, status, out, err)
    got, want = store.json("list", "--refused"), twin.json("list", "--refused")
    check("both have both", len(got) == 2 and got == want and got[1]["received"] == 1700000000 and
          got[1]["origin"] == str(path) and got[0]["from"] == "x@spam.example" and got[0]["why"] == "holds no report", got, want)
    check("import says so", "1 refused there" in Store(folder / "third").run("import", stdin=store.run(
        "export", "--since", "1d")[1].encode())[1])
    odd = store.write("odd", corpus.zipped(("o\x80\u00e4", corpus.gz("<x>"))).replace("\u00c2\u0080".encode(), b"\xff\x00\x01"))
    store.run("receive", odd)
    for a, b in ((store, twin), (twin, store)):
        b.run("import", stdin=a.run("export")[1].encode())
    check("odd names, too, once", len(store.json("list", "--refused")) == 3 and
          store.json("list", "--refused") == twin.json("list", "--refused"), store.json("list", "--refused"))
    age(store, "DELETE FROM note", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
        " INSERT INTO refused SELECT NULL, zeroblob(32), 1600000000 + i, 'x', NULL, NULL, 'w' || i, 'y' FROM n")
    store.run("receive", path)
    got = [r["received"] for r in store.json("list", "--refused")]
    check("the newest are kept, whenever they came in", len(got) == 10000 and got[2] == 1700000000 and got[-1] == 1600000004,
          len(got), got[:3], got[-1])


def room(folder):
    """A disk that is nearly full takes no more: what came before is stored, and the mail server keeps the rest."""
    store = Store(folder / "full", reports='min-free = "16384G";')
    good = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.X)))
    for words, data in ((["--deliver"], good), ([], good), (["--deliver"], b"Subject: x\n\nhello\n")):
        status, out, err = store.run("receive", *words, stdin=data)
        check("no room: 75", status == 75 and out == "" and err.count("\n") == 1 and
              f"assay report receive: {folder}/full/state: " in err and
              " MB are free, and reports are stored only while there are 16777216 MB (reports.min-free)" in err, status, out, err)
    for name in ("cur", "new", "tmp"):
        (folder / "full" / "md" / name).mkdir(parents=True)
    kept = store.write("md/new/1.host", good)
    check("a Maildir keeps its mail", store.run("receive", "--remove", folder / "full" / "md")[0] == 75 and kept.exists())
    check("nothing was stored", store.json("list") == [] and store.json("list", "--refused") == [])
    twin = Store(folder / "roomy", reports='min-free = "0";')
    check("0: no bound", twin.run("receive", "--deliver", stdin=good)[0] == 0)
    status, out, err = store.run("import", stdin=twin.run("export")[1].encode())
    check("nor from a twin", status == 75 and out == "" and err.count("\n") == 1 and "(reports.min-free)" in err, status, out, err)
    twin.write("assay.conf", (twin.folder / "assay.conf").read_text().replace('min-free = "0"', 'min-free = "16384G"'))
    check("what is stored can be read", len(twin.json("list")) == 1)


def shares(folder):
    """One sender cannot fill the disk in a day, and takes no room from others."""
    most = 3072
    store = Store(folder / "shares", reports=f'sender-limit = "{most // 1024}K";')

    def send(rid, author=None, words=("--deliver",), pad=""):
        said = f"dmarc=pass header.from={author}" if author else "dmarc=fail"
        body = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid=rid, org="google.example") + pad)), passes=False)
        return store.run("receive", *words, stdin=f"Authentication-Results: mx.example.org; {said}\n".encode() + body)

    stored = lambda: {r["report_id"] for r in store.json("list")}
    sent = [f"aligned-{i}" for i in range(20)]
    for i, rid in enumerate(sent):
        check("delivered: no bounce", send(rid, f"s{i}.evil.example") == (0, "", ""))
    kept = stored()
    fits = most // len(corpus.xml(rid=sent[0], org="google.example").encode())
    check("as many as fit, under any name below", fits > 1 and kept == set(sent[:fits]), sorted(kept), fits)
    refused = store.json("list", "--refused")
    check("a clear word", len(refused) == 20 - len(kept) and refused[0]["why"] ==
          f"is more than is taken in a day: evil.example has brought {most // 1024} KB of reports today (reports.sender-limit)", refused[0])
    check("a known one is no more", send(sent[0], "evil.example") == (0, "", "") and len(store.json("list", "--refused")) == len(refused))
    send("other", "good.example")
    check("others have their own", "other" in stored())
    untrusted = [f"none-{i}" for i in range(20)]
    for rid in untrusted:
        send(rid)
    check("who passes no DMARC shares one", stored() & set(untrusted) == set(untrusted[:fits]))
    check("and is told", "mail that does not pass DMARC has brought" in store.json("list", "--refused")[0]["why"])
    send("large", "large.example", pad=" " * most)
    check("one that is larger", "large" not in stored())
    for words in ((), ("--trust", "aligned"), ("--deliver", "--trust", "aligned")):
        send("by-hand" + "".join(words), "evil.example", words)
        check(f"by hand: {words}", "by-hand" + "".join(words) in stored())
    for name in ("cur", "new", "tmp"):
        (folder / "shares" / "md" / name).mkdir(parents=True)
    body = corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(corpus.xml(rid="box"))))
    kept = store.write("md/new/1.host", body.replace(b"reporter.example", b"x.evil.example", 1))
    status, out, err = store.run("receive", "--remove", folder / "shares" / "md")
    check("of a Maildir", status == 65 and "1 refused" in out and "(reports.sender-limit)" in err and not kept.exists() and
          len(list((folder / "shares" / "md" / "cur").iterdir())) == 1, status, out, err)
    twin = Store(folder / "shares-twin", reports='sender-limit = "1K";')
    check("not from a twin", "0 refused" not in twin.run("import", stdin=store.run("export")[1].encode())[1] and
          {r["report_id"] for r in twin.json("list")} == stored())
    age(store, "UPDATE share SET day = day - 1", "DELETE FROM note")
    send("next-day", "evil.example")
    check("the next day it begins anew", "next-day" in stored())
    left = sqlite3.connect(store.folder / "state" / "received.db").execute("SELECT count(*) FROM share").fetchone()[0]
    check("yesterday's is forgotten", left == 1, left)
    store.write("assay.conf", (store.folder / "assay.conf").read_text().replace(f"{most // 1024}K", "0"))
    for i in range(12):
        send(f"free-{i}", "evil.example")
    check("0: no bound", "free-11" in stored())


def small_disk(folder):
    """On a file system of 24 MB no report is stored when less than 8 MB are left; they come again when old ones are gone,
    for which there is room enough, although the file has not become smaller."""
    store = Store(folder / "small", reports='min-free = "8M";')
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", store.folder / "state"], check=True)
    tenth = Store(folder / "tenth")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", tenth.folder / "state"], check=True)
    report, filler = tenth.write("in", corpus.X), tenth.folder / "state" / "filler"
    filler.write_bytes(bytes(28 << 20))
    status, _, err = tenth.run("receive", report)
    check("less than a tenth", status == 75 and " KB are free, and reports are stored only while there are 3072 KB (reports.min-free)" in err, err)
    filler.write_bytes(bytes(26 << 20))
    check("a tenth is enough", tenth.run("receive", report)[0] == 0)

    def left():
        size = os.statvfs(store.folder / "state")
        return size.f_bavail * size.f_frsize

    rows = "".join(corpus.row(ip=f"10.0.{i >> 8}.{i & 255}") for i in range(5000))
    check("much room", store.run("receive", store.write("in", corpus.xml(rid="first", rows=rows)))[0] == 0)
    path = store.folder / "state" / "received.db"
    database = sqlite3.connect(path)
    columns = ", ".join(c[1] for c in database.execute("PRAGMA table_info(report)") if c[1] not in ("id", "key")).replace("end", '"end"')
    while left() >= 8 << 20:
        copy = database.execute(f"INSERT INTO report(key, {columns}) SELECT randomblob(16), {columns} FROM report LIMIT 1").lastrowid
        database.execute(f"INSERT INTO row SELECT {copy}, n, address, sender, results, outcome, messages FROM row WHERE report = 1")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    count = database.execute("SELECT count(*) FROM report").fetchone()[0]
    database.close()
    following = store.write("in", corpus.xml(rid="next"))
    check("little room", store.run("receive", following)[0] == 75 and len(store.json("list")) == count > 20, count, left())
    store.write("assay.conf", (store.folder / "assay.conf").read_text().replace("36500d", "3d"))
    age(store, "DELETE FROM note", "UPDATE report SET received = received - 4 * 86400")
    status, out, err = store.run("receive", following)
    check("and again when old ones are gone", status == 0 and "1 report stored" in out and left() < 9 << 20, status, out, err, left())


def in_a_namespace(folder):
    """Runs small_disk() where its mount is nobody else's; without root it is left out."""
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0:
        done = subprocess.run(["unshare", "-m", sys.executable, __file__, ASSAY, "--small-disk", folder], check=False, timeout=300)
        check("a small disk", done.returncode == 0)


def foreign_files(folder):
    """What is no store of ours stays as it is, and the complaint says what to do. One store is made by many at once."""
    store = Store(folder / "foreign")
    path = store.folder / "state" / "received.db"
    report = store.write("in", corpus.X)
    for statements in (["CREATE TABLE report(x)"], ["CREATE TABLE other(x)"], ["PRAGMA application_id = -5"],
                       ["PRAGMA application_id = 7"], ["PRAGMA user_version = 3"]):
        database = sqlite3.connect(path)
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()
        before = path.read_bytes()
        for words in (["receive", report], ["list"], ["sources"], ["export"]):
            status, out, err = store.run(*words)
            check(f"{statements} {words[0]}", status == 75 and f"{path}: is a database of another program: move it away" in err,
                  status, out, err)
        check(f"{statements}: it is left alone", path.read_bytes() == before and len(list(path.parent.iterdir())) == 1,
              list(path.parent.iterdir()))
        path.unlink()
    os.mkfifo(path)
    for words in (["receive", report], ["list"], ["sources"], ["export"], ["html", "--output", folder / "foreign" / "out"]):
        status, out, err = store.run(*words)
        check(f"a FIFO: {words[0]}", status == 75 and f"{path}: is no file" in err, status, out, err)
    path.unlink()
    command = [ASSAY, "report", "receive", "-c", str(store.folder / "assay.conf"), "--dns", str(store.folder / "zone"), str(report)]
    for _ in range(5):
        several = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
        ends = [(p.communicate(), p.returncode) for p in several]
        check("made by several at once", all(status == 0 for _, status in ends) and
              sum(b"1 report stored" in out for (out, _), _ in ends) == 1, ends)
        for left in path.parent.iterdir():
            left.unlink()


def on_terminal(store, *words):
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    command = [ASSAY, "report", words[0], "-c", str(store.folder / "assay.conf"), *words[1:]]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE) as running:
        os.close(theirs)
        out = b""
        try:
            while piece := os.read(ours, 65536):
                out += piece
        except OSError:
            pass  # its other end was closed
    os.close(ours)
    return running.returncode, out.replace(b"\r\n", b"\n").decode(), running.stderr


def terminal(folder):
    store = Store(folder / "terminal", reports='keep-raw = "36500d";')
    text = corpus.xml(rid="evil", org="\u00dcber \u65e5\u672c\u8a9e e\u0301", email="\u009b31m\u202e\\").replace(
        "<row>", "<row>\t\r\n<!-- \x7f\u200b -->")
    path = store.write("in", text)
    store.run("receive", path)
    check("raw, to a pipe: as it came", store.run("show", "--raw", "evil")[1] == text)
    status, out, _ = on_terminal(store, "show", "--raw", "evil")
    want = text.replace("\\", "\\x5c").replace("\u009b", "\\xc2\\x9b").replace("\u202e", "\\xe2\\x80\\xae").replace(
        "\x7f", "\\x7f").replace("\r\n", "\n") + "\n"
    check("raw, on a terminal: nothing that it obeys", status == 0 and out == want, status, out, want)
    store.run("receive", store.write("ascii", corpus.xml(rid="plain")))
    lines = store.run("list")[1].splitlines()
    at = lines[0].index("DOMAIN")
    check("columns by cells, not bytes", len(lines) == 3 and all(
        line.index("example.org") + sum(c in "\u65e5\u672c\u8a9e" for c in line) - line.count("\u0301") == at for line in lines[1:]), lines)
    status, out, err = store.run("sources", "nobody.example")
    check("nothing but the complaint", (status, out) == (1, "") and "no mail of" in err, status, out, err)
    head, row = store.run("show", "plain")[1].splitlines()[3:5]
    check("rows have heads", all(head.index(name) == row.index(value) for name, value in (
        ("ADDRESS", "192.0.2.1"), ("DISPOSITION", "none"), ("ALIGNED", "dkim=pass"), ("FROM", "example.org"))), head, row)


def killed(folder):
    store = Store(folder / "killed")
    report = corpus.gz(corpus.xml(rows="".join(
        corpus.row(ip=f"10.0.{i >> 8}.{i & 255}") for i in range(20000))))
    path = store.write("large.gz", report)
    command = [ASSAY, "report", "receive", "-c", str(store.folder / "assay.conf"), "--dns", str(store.folder / "zone"), str(path)]
    for delay in (0.05, 0.15, 0.3, 0.5):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        running.kill()
        running.wait()
        reports = store.json("list")
        check("all of it or nothing", all(r["records"] == 20000 for r in reports), reports)
    check("then it is stored", store.run("receive", path)[0] == 0)
    reports = store.json("show")
    check("once and whole", len(reports) == 1 and len(reports[0]["rows"]) == 20000 and reports[0]["messages"] == 40000)


# A process that is small itself: what is measured of a child begins with its parent's.
RUNNER = """
import os, sys
pid = os.fork()
if not pid:
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.dup2(1, 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def memory(folder):
    """The most that any input makes it take: those of the corpus, and the worst of their kind."""
    store = Store(folder / "memory")
    mb = 1 << 20
    worst = {
        "10 MB of header fields": b"a:\n" * (10 * mb // 3),
        "a header field of 10 MB": b"Subject: " + b"x" * (10 * mb - 100) + b"\n\n",
        "25 MB of XML in one tag": corpus.gz(b"<feedback><" + os.urandom(1000).hex().encode() * 12000),
        "25 MB of strange elements": corpus.gz(b"<feedback>" + b"".join(b"<e%x/>" % i for i in range(2000000))),
        "200,000 rows, all different": corpus.gz(corpus.xml(rows="".join(
            corpus.row(ip=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", header_from=f"h{i}.example") for i in range(45000)))),
        "mails within mails in base64": nested(8),
        "zips within zips": zips(6),
        "10,000 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10000,
        "one part of 10 MB": corpus.mail(corpus.TEXT, corpus.attachment(os.urandom(7 * mb))),
        "a mail without end": b"Subject: x\n\n" + os.urandom(40 * mb),
    }
    peaks = {}
    for name, data in worst.items():
        path = store.write("worst", data)
        command = [ASSAY, "report", "receive", "-c", str(store.folder / "assay.conf"), "--dns", str(store.folder / "zone"),
                   str(path)]
        done = subprocess.run(["/usr/bin/python3", "-c", RUNNER, *command], stdout=subprocess.PIPE, check=True)
        status, kilobytes = map(int, done.stdout.split())
        peaks[name] = kilobytes // 1024
        check(f"{name} ends well", status in (0, 65), status)
    print("memory, MB:", peaks)
    if not os.environ.get("ASSAY_SANITIZED"):
        check("below 64 MB", max(peaks.values()) < 64, peaks)


def nested(depth):
    data = b"Content-Type: text/plain\n\n" + b"x" * (1 << 20)
    for _ in range(depth):
        data = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + corpus.base64.encodebytes(data)
    return data[: 10 << 20]


def zips(depth):
    data = os.urandom(1900000)
    for _ in range(depth):
        data = corpus.zipped(("a.zip", data), method=0)
    return corpus.mail(corpus.TEXT, corpus.attachment(data))


def speed(folder):
    store = Store(folder / "speed")
    mails = b"".join(b"From x Tue Nov 14 10:00:00 2023\n" + corpus.mail(corpus.TEXT, corpus.attachment(corpus.gz(
        corpus.xml(rid=f"s{i}", rows=corpus.row(ip=f"192.0.2.{i % 250}") * (1 + i % 8))))) + b"\n" for i in range(3000))
    path = store.write("mbox", mails)
    began = time.monotonic()
    status, out, err = store.run("receive", path)
    took = time.monotonic() - began
    check("3,000 small reports", status == 0 and "3000 reports stored" in out, status, out, err)
    print(f"small reports: {3000 / took:.0f} a second")
    large = store.write("large", corpus.gz(corpus.xml(rid="large", rows="".join(
        corpus.row(ip=f"10.0.{i >> 8}.{i & 255}", header_from=f"h{i % 50}.example.org") for i in range(3500)))))
    began = time.monotonic()
    status, out, err = store.run("receive", large)
    print(f"3,500 rows: {time.monotonic() - began:.3f} s")
    check("3,500 rows", status == 0 and "3500 rows" in out, status, out, err)


def main():
    with tempfile.TemporaryDirectory(prefix="assay-report-") as name:
        folder = pathlib.Path(name)
        for number, (what, inputs, expected) in enumerate(corpus.CASES):
            play_case(folder, number, what, inputs, expected)
        for part in (exit_statuses, odd_texts, all_that_is_said, tables, trust, senders, policy_in_force, better_senders,
                     mailboxes, retention, retention_of_others, periods_that_are_not_said, the_newest_first, earlier_version,
                     refusals, foreign_files, terminal, room, shares, in_a_namespace, killed, memory, speed):
            part(folder)
    print(f"{len(corpus.CASES)} cases, {len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


if "--small-disk" in sys.argv:
    small_disk(pathlib.Path(sys.argv[3]))
    sys.exit(1 if FAILED else 0)
main()
