#!/usr/bin/python3
"""test_html.py ASSAY - `assay report html`: pages without a server. Every link leads to a file, numbers are those of --json,
hostile texts stay texts, nothing comes from elsewhere."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

import pagestore
import pagetext

ASSAY = sys.argv[1]
FAILED = []


def check(what, good, *more):
    if not good:
        FAILED.append(what)
        print("NOT SO:", what, *(str(m)[:1500] for m in more), sep="\n    ")


def sum_of(store, field, domain, days):
    words = ["--since", f"{days - 1}d", "--json"] + (["--domain", domain] if domain else [])
    return sum(source[field] for source in json.loads(store.run("sources", *words)))


def check_links(path, page):
    for link in page.links:
        target, _, _ = urllib.parse.unquote(link).partition("#")
        check(f"{path}: {link} leads to a file", (path.parent / target).is_file() if target else "main" in link)


def check_numbers(store, out, domain, days):
    page = pagetext.Page((out / (domain or "_all") / f"overview-{days}.html").read_text())
    for name, field in (("Messages reported", "messages"), ("Failed", "fail")):
        want = sum_of(store, field, domain, days)
        check(f"{domain} {days} {name}", pagetext.number(page.figures[name]) == want, page.figures, want)
    sources = {row["Source"]: pagetext.number(row["Messages"]) for row in page.rows("Source")}
    words = ["--since", f"{days - 1}d", "--json"] + (["--domain", domain] if domain else [])
    want = {s["source"]: s["messages"] for s in json.loads(store.run("sources", *words))}
    check(f"{domain} {days} sources", sources == want, sources, want)
    days_sum = sum(pagetext.number(v) for row in page.rows("Day") for k, v in row.items() if k in (
        "DKIM and SPF", "DKIM only", "SPF only", "neither"))
    check(f"{domain} {days} chart", days_sum == sum_of(store, "messages", domain, days), days_sum)


def check_pages(out):
    paths = sorted(out.rglob("*.html"))
    check("many pages", len(paths) > 60, len(paths))
    hostile = 0
    for path in paths:
        text = path.read_text()
        page = pagetext.Page(text)
        check(f"{path.name} is sound", not page.problems, page.problems)
        check(f"{path.name} loads nothing", "http://" not in text and "https://" not in text and "url(" not in text)
        check(f"{path.name} has a policy", "Content-Security-Policy content=\"default-src &#39;none&#39;" in text)
        check_links(path, page)
        hostile += pagestore.ORG in page.text
    check("hostile names are shown as they are", hostile > 10, hostile)
    check("only pages", len(paths) == sum(1 for p in out.rglob("*") if p.is_file()))


def check_without_reports(folder):
    (folder / "empty").mkdir()
    conf = folder / "empty.conf"
    conf.write_text(f'state-dir = "{folder}/empty";\n')
    done = subprocess.run([ASSAY, "report", "html", "-c", conf, "-o", folder / "none"], capture_output=True, check=False)
    check("no store: still pages", done.returncode == 0 and (folder / "none/index.html").is_file(), done)
    check("which say so", "Nobody sent a report in this period" in (folder / "none/index.html").read_text())


def check_trouble(store, folder):
    (folder / "file").write_text("")
    done = subprocess.run([ASSAY, "report", "html", "-c", store.conf, "-o", folder / "file"], capture_output=True, check=False)
    check("a folder that is a file", done.returncode == 73, done)
    done = subprocess.run([ASSAY, "report", "html", "-c", store.conf], capture_output=True, check=False)
    check("no folder", done.returncode == 64, done)


def check_as_root(store, folder):
    """The store is read as its owner, and files are written as root, who alone may write there."""
    if os.geteuid() != 0:
        return
    for path in [store.state, *store.state.iterdir()]:
        os.chown(path, 65534, 65534)
    folder.chmod(0o711)
    out = folder / "private"
    out.mkdir(mode=0o755)
    store.run("html", "-o", str(out))
    check("files are root's", (out / "index.html").stat().st_uid == 0)
    owners = {p.name: p.stat().st_uid for p in store.state.iterdir()}
    check("the store stays its owner's", set(owners.values()) == {65534}, owners)


def main():
    with tempfile.TemporaryDirectory(prefix="assay-html-") as name:
        folder = pathlib.Path(name)
        store = pagestore.Store(ASSAY, folder / "store")
        out = folder / "out"
        print(store.run("html", "-o", str(out)), end="")
        check_pages(out)
        for domain in ("", "example.org", "example.net"):
            for days in (7, 30):
                check_numbers(store, out, domain, days)
        store.run("html", "-o", str(out))  # over the former
        check_without_reports(folder)
        check_trouble(store, folder)
        check_as_root(store, folder)
    print(f"{len(FAILED)} failures")
    sys.exit(1 if FAILED else 0)


main()
