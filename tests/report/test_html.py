#!/usr/bin/python3
"""test_html.py ASSAY - `assay report html`: pages without a server. Every link leads to a file, numbers are those of --json,
hostile texts stay texts, nothing comes from elsewhere."""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

import pagestore
import pagetext

ASSAY = sys.argv[1]
NOBODY = 65534
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
    check("only pages, and their list", len(paths) + 1 == sum(1 for p in out.rglob("*") if p.is_file()))
    done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", ".assay-pages"], cwd=out, capture_output=True, check=False)
    check("which names them all", done.returncode == 0 and
          sorted(line[66:] for line in (out / ".assay-pages").read_text().splitlines()) == [str(p.relative_to(out)) for p in paths], done)


# --- Single reports ---

def check_singles(store, out):
    """The newest reports have pages with their XML, and lists link to them; so have failure reports."""
    listed = json.loads(store.run("list", "--json"))
    paths = sorted((out / "_reports").glob("*.html"))
    check("reports have pages", len(paths) == sum(min(200, sum(r["domain"] == d for r in listed)) for d in {r["domain"] for r in listed}),
          len(paths), len(listed))
    for domain in ("example.org", "example.net"):
        page = pagetext.Page((out / domain / "reports-90.html").read_text())
        links = [link for link in page.links if "_reports/" in link]
        ids = [r["report_id"] for r in listed if r["domain"] == domain]
        check(f"{domain} lists the newest 200", [r["Report"] for r in page.rows("Report")] == ids[:200] and len(links) == len(ids[:200]))
    for row, link in list(zip(page.rows("Report"), links))[::40]:
        one = pagetext.Page((out / link.removeprefix("../")).read_text())
        check(f"{link}: its XML", store.run("show", "--raw", row["Report"]) in one.text, row)
    single = [pagetext.Page(p.read_text()) for p in (out / "_failure-reports").glob("*.html")]
    check("failure reports have pages", len(single) == len(pagestore.SINGLES) and
          all(any(subject in p.text for p in single) for *_, subject in pagestore.SINGLES), len(single))
    page = pagetext.Page((out / "_all/failure-reports-90.html").read_text())
    check("and are linked", sum("_failure-reports/" in link for link in page.links) == len(pagestore.SINGLES))
    text = pagetext.Page((out / "_all/imports-30.html").read_text()).text
    check("what was refused is told", pagestore.SUBJECT in text)
    check("TLS reports", "2,150" in pagetext.Page((out / "example.org/tls-reports-7.html").read_text()).text)


# --- What an earlier run left ---

def files_of(out):
    return {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}


def check_removal(store, folder):
    """What is not made any more goes; what is not ours, or was changed, stays."""
    out = folder / "kept"
    store.run("html", "-o", str(out))
    first = files_of(out)
    (out / "example.net" / "notes.html").write_text("mine")
    (out / "robots.txt").write_text("mine")
    gone = "example.net/sources-7.html"
    changed = "example.net/sources-30.html"
    (out / changed).write_text("changed by hand")
    outside = folder / "outside.html"
    outside.write_text("mine")
    link = out / "example.net/sources-90.html"
    link.unlink()
    link.symlink_to(outside)
    with (out / ".assay-pages").open("a") as f:  # names that no run of ours wrote, with the right digests
        digest = subprocess.run(["sha256sum", outside], capture_output=True, check=True, text=True).stdout[:64]
        for name in ("../outside.html", "example.net/../../outside.html", "/outside.html", str(outside), "x/../outside.html",
                     "example.net/sources-90.html", "./robots.txt", ".hidden.html"):
            f.write(f"{digest}  {name}\n")
        f.write("nonsense\n" + "0" * 64)  # and a line that was cut
    (out / ".hidden.html").write_text("mine")
    text = store.conf.read_text()
    store.conf.write_text(text.replace('"example.org", "example.net"', '"example.org"'))
    print(store.run("html", "-o", str(out)), end="")
    after = files_of(out)
    check("pages of a domain that is ours no more", gone not in after and not any(
        p.startswith("example.net/") and p not in (changed, "example.net/notes.html", "example.net/sources-90.html") for p in after), after)
    check("what was changed stays", (out / changed).read_text() == "changed by hand")
    check("what is not ours stays", {"example.net/notes.html", "robots.txt", ".hidden.html"} <= after and outside.read_text() == "mine" and
          link.is_symlink())
    store.conf.write_text(text)
    store.run("html", "-o", str(out))
    check("all is there again", first <= files_of(out))
    listed = (out / ".assay-pages").read_text()
    check("the list is whole again", len(listed.splitlines()) == len(first) - 1)


def check_killed(store, folder):
    """A run that is killed leaves nothing that the next one does not know."""
    out = folder / "killed"
    store.run("html", "-o", str(out))
    for wanted in (20, 150):
        process = subprocess.Popen([ASSAY, "report", "html", "-c", store.conf, "-o", out], stdout=subprocess.DEVNULL)
        lines = len((out / ".assay-pages").read_text().splitlines())
        while process.poll() is None and len((out / ".assay-pages").read_text().splitlines()) < lines + wanted:
            time.sleep(0.005)
        process.kill()
        process.wait()
    (out / "example.net" / ".assay-page.tmp").write_text("<!doctype html>")  # as if it had been at work there
    text = store.conf.read_text()
    store.conf.write_text(text.replace('"example.org", "example.net"', '"example.org"'))
    store.run("html", "-o", str(out))
    store.conf.write_text(text)
    clean = folder / "clean"
    store.conf.write_text(text.replace('"example.org", "example.net"', '"example.org"'))
    store.run("html", "-o", str(clean))
    store.conf.write_text(text)
    check("as if nothing had happened", files_of(out) == files_of(clean), files_of(out) ^ files_of(clean))
    holder = os.open(out, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    store.run("html", "-o", str(out), good=75)  # another run is at work there
    os.close(holder)
    store.run("html", "-o", str(out))
    (folder / "elsewhere").mkdir()
    shutil.rmtree(out / "_all")
    (out / "_all").symlink_to(folder / "elsewhere")
    store.run("html", "-o", str(out), good=73)
    check("no link is followed", not any((folder / "elsewhere").iterdir()))


def check_closed(store, folder):
    """What cannot be looked at stays listed, and goes with the first run that can."""
    out, program, who = folder / "closed", folder / "assay", {}
    shutil.copy(ASSAY, program)
    out.mkdir()
    if os.geteuid() == 0:  # whom no mode keeps out
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        folder.chmod(0o711)
        for path in [out, store.state, *store.state.iterdir()]:
            os.chown(path, NOBODY, NOBODY)

    def run():
        done = subprocess.run([program, "report", "html", "-c", store.conf, "-o", out], capture_output=True, text=True, check=False, **who)
        check("a run beside what is closed", done.returncode == 0, done)
        return {line[66:] for line in (out / ".assay-pages").read_text().splitlines() if line[66:].startswith("example.net/")}

    first = run()
    inner = out / "example.net"
    text = store.conf.read_text()
    store.conf.write_text(text.replace('"example.org", "example.net"', '"example.org"'))
    inner.chmod(0)
    check("a closed folder stays listed", run() == first and first)
    inner.chmod(0o755)
    (inner / "sources-7.html").chmod(0)
    check("a closed page stays listed", run() == {"example.net/sources-7.html"} == {f"example.net/{p.name}" for p in inner.iterdir()})
    (inner / "sources-7.html").chmod(0o644)
    check("and goes when it is open", run() == set() and not inner.exists())
    store.conf.write_text(text)


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
        os.chown(path, NOBODY, NOBODY)
    folder.chmod(0o711)
    out = folder / "private"
    out.mkdir(mode=0o755)
    store.run("html", "-o", str(out))
    check("files are root's", (out / "index.html").stat().st_uid == 0)
    owners = {p.name: p.stat().st_uid for p in store.state.iterdir()}
    check("the store stays its owner's", set(owners.values()) == {NOBODY}, owners)


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
        check_singles(store, out)
        store.run("html", "-o", str(out))  # over the former
        small = pagestore.Store(ASSAY, folder / "small", days=5)
        check_removal(small, folder)
        check_killed(small, folder)
        check_closed(small, folder)
        check_without_reports(folder)
        check_trouble(store, folder)
        check_as_root(store, folder)
    print(f"{len(FAILED)} failures")
    sys.exit(1 if FAILED else 0)


main()
