#!/usr/bin/python3
"""test_digest.py ASSAY - `assay report digest`: the mail is sound, its numbers are those of --json, it comes when there is
nothing to say, and it is handed over to the mailer."""

import email
import email.policy
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

import pagestore
import pagetext

ASSAY = sys.argv[1]
FAILED = []
NOBODY = 65534


def check(what, good, *more):
    if not good:
        FAILED.append(what)
        print("NOT SO:", what, *(str(m)[:1500] for m in more), sep="\n    ")


def parts_of(text):
    mail = email.message_from_string(text, policy=email.policy.default)
    check("no defects", not mail.defects, mail.defects)
    check("ASCII, short lines", text.isascii() and max(map(len, text.splitlines())) < 998)
    parts = list(mail.iter_parts())
    check("two parts", [p.get_content_type() for p in parts] == ["text/plain", "text/html"], parts)
    return mail, parts[0].get_content(), parts[1].get_content()


def check_full(store):
    mail, text, page = parts_of(store.run("digest"))
    words = ["--since", "7d", "--until", "1d", "--json"]
    sources = json.loads(store.run("sources", *words))
    total, fail = (sum(s[k] for s in sources) for k in ("messages", "fail"))
    check("how many", f"{total:,} messages in your name" in text, text)
    check("subject", f"{total:,} messages" in mail["Subject"] and "2 domains" in mail["Subject"], mail["Subject"])
    for domain in ("example.org", "example.net"):
        of = json.loads(store.run("sources", *words, "--domain", domain))
        want = f"{domain} (p=quarantine): {sum(s['messages'] for s in of):,} messages"
        check(domain, want in text, want, text)
    named = [int(n.replace(",", "")) for n in re.findall(r"^ +([\d,]+)  [a-z-]+ +\S+$", text, re.M)]
    check("what failed", sorted(named, reverse=True) == named and sum(named) == fail, named, fail)
    alarms = json.loads(subprocess.run([ASSAY, "report", "alarms", "-c", store.conf, "--until", "1d", "--json"],
                                       capture_output=True, check=False).stdout)
    check("alarms", all(a["text"] in text for a in alarms), alarms, text)
    shown = pagetext.Page(page)
    check("the page", not shown.problems and pagetext.number(shown.figures["Messages reported"]) == total, shown.problems)
    check("it links to nothing", set(shown.links) == {"#main"}, shown.links)
    check("marked as made by a program", mail["Auto-Submitted"] == "auto-generated" and "To" not in mail)
    longer = parts_of(store.run("digest", "--days", "14"))[1]
    check("more days", longer.split("messages")[0] != text.split("messages")[0])


def check_empty(folder):
    (folder / "none").mkdir()
    conf = folder / "none.conf"
    conf.write_text(f'state-dir = "{folder}/none";\n')
    done = subprocess.run([ASSAY, "report", "digest", "-c", conf], capture_output=True, check=False, text=True)
    mail, text, page = parts_of(done.stdout)
    check("nothing came", done.returncode == 0 and "No report about these days counts" in text and
          mail["Subject"] == "DMARC digest: no report in 7 days", mail["Subject"], text)
    check("nothing came: the page", not pagetext.Page(page).problems)


def check_one_message(folder):
    (folder / "one").mkdir()
    (folder / "one/zone").write_text("")
    conf = folder / "one.conf"
    conf.write_text(f'state-dir = "{folder}/one";\nreports = {{ domains = [ "example.org" ]; }};\n')
    one = pagestore.report("small.example", pagestore.TODAY - 1, "example.org", 1, pagestore.row("example.org", pagestore.SENDERS[0], 1))
    subprocess.run([ASSAY, "report", "receive", "--dns", folder / "one/zone", "-c", conf], input=one, check=True, text=True,
                   stdout=subprocess.DEVNULL)
    done = subprocess.run([ASSAY, "report", "digest", "-c", conf], capture_output=True, check=True, text=True)
    mail, text, _ = parts_of(done.stdout)
    check("one message", "1 message in your name was reported by 1 reporter; 100 % passed DMARC.\nIn the 7 days before it were 0;" in text
          and "example.org (p=quarantine): 1 message, 100 % passed, 0 failed" in text and "example.org: 1 message, " in mail["Subject"],
          mail["Subject"], text)


def check_handover(store, folder):
    mailer = folder / "mailer"
    mailer.write_text(f'#!/bin/sh\necho "$@" >>{folder}/calls\ncat >{folder}/mail\n[ ! -e {folder}/refuse ] || exit 75\n')
    mailer.chmod(mailer.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    done = subprocess.run([ASSAY, "report", "digest", "-c", store.conf, "--to", "a@example.org"], capture_output=True, check=False)
    check("nobody to send it", done.returncode == 78 and b"reports.from" in done.stderr, done)
    conf = store.conf.read_text().replace("reports = {", f'reports = {{ from = "dmarc@example.org"; mailer = "{mailer}";')
    store.conf.write_text(conf)
    check("nothing is printed", store.run("digest", "--to", "a@example.org", "--to", "b@example.org") == "")
    calls = (folder / "calls").read_text().splitlines()
    check("one for each", [c.split()[-1] for c in calls] == ["a@example.org", "b@example.org"] and
          all("-f dmarc@example.org" in c for c in calls), calls)
    mail = parts_of((folder / "mail").read_text())[0]
    check("to both", mail["To"] == "a@example.org, b@example.org" and mail["From"] == "dmarc@example.org", mail["To"])
    check_closed_input(store, folder)
    (folder / "refuse").write_text("")
    store.run("digest", "--to", "a@example.org", good=1)
    for words in (["--to", "no address"], ["--to", "a@b\nX: y"], ["--to", "-oX@b"], ["--to", "<a@b>"], ["--days", "0"],
                  ["--days", "x"], ["--days", "93"]):
        store.run("digest", *words, good=64)


def check_closed_input(store, folder):
    """The file that the mailer reads has the number of standard input; SQLite would take it, so there is no store."""
    (folder / "mail").unlink()
    conf = folder / "closed.conf"
    conf.write_text(store.conf.read_text().replace(f'state-dir = "{store.state}"', f'state-dir = "{folder}/none"'))
    words = [ASSAY, "report", "digest", "-c", conf, "--to", "c@example.org"]
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *words], capture_output=True, check=False)
    check("without standard input", done.returncode == 0 and not done.stderr, done)
    mail, text, _ = parts_of((folder / "mail").read_text())
    check("the mail, without standard input", mail["To"] == "c@example.org" and "No report about these days counts" in text, text)


def check_rights(store, folder):
    """sendmail(1) is set-group-id: whatever became the daemon's user must leave that in force."""
    if os.geteuid() != 0:
        return
    (folder / "refuse").unlink()
    (folder / "mailer").write_text(f'#!/bin/sh\ncat >/dev/null\n(id -u; grep NoNewPrivs /proc/self/status) >{folder}/rights\n')
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    store.run("digest", "--to", "a@example.org")
    found = (folder / "rights").read_text().split()
    check("rights of the mailer", found == [str(NOBODY), "NoNewPrivs:", "0"], found)


def main():
    with tempfile.TemporaryDirectory(prefix="assay-digest-") as name:
        folder = pathlib.Path(name)
        store = pagestore.Store(ASSAY, folder / "store")
        check_full(store)
        check_empty(folder)
        check_one_message(folder)
        check_handover(store, folder)
        check_rights(store, folder)
    print(f"{len(FAILED)} failures")
    sys.exit(1 if FAILED else 0)


main()
