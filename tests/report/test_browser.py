#!/usr/bin/python3
"""test_browser.py ASSAY ASSAY_WEB [--pictures DIR] - the pages in a real browser, with hostile reports in the store: every
page is opened; no complaint in its console, no request to anybody else, no script; it fits 360 pixels, is dark where that
is wished, can be printed and used by keyboard; the form of the filters does what it says, and numbers are those of --json.

Skipped where there is no Chromium (Debian's package chromium)."""

import json
import pathlib
import sys
import tempfile
import urllib.parse

import browser
import pagestore
import webserver

ASSAY, WEB = sys.argv[1:3]
PICTURES = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
FAILED = []
VIEWS = ("overview", "overview?domain=example.org", "overview?days=90", "sources", "failures", "readiness",
         "readiness?domain=example.org", "countries", "reporters", "reports", "imports", "ours",
         "failure-reports", "tls-reports", "tls-reports?days=90",
         "source?source=esp.example", "sources?" + urllib.parse.urlencode({"reporter": pagestore.ORG}),
         "source?" + urllib.parse.urlencode({"source": pagestore.ORG}))


def check(what, good, *more):
    if not good:
        FAILED.append(what)
        print("NOT SO:", what, *(str(m)[:1500] for m in more), sep="\n    ")


def check_quiet(b, url, base):
    """404 of a page is an entry of the log, and meant."""
    said = [line for line in b.complaints() if "404" not in line]
    check(f"{url}: nothing is said", not said, said)
    asked = [r for r in b.requests() if not r.startswith("data:")]  # the browser's own picture of a calendar is one
    check(f"{url}: nobody else is asked", all(r.startswith(base) for r in asked), asked)
    check(f"{url}: one request", len(asked) == 1, asked)
    check(f"{url}: nothing runs", b.value("document.scripts.length + document.querySelectorAll("
                                          "'img,iframe,object,embed,link,[onload],[onerror],[onmouseover],[style]').length") == 0)


def check_fit(b, url):
    for width in (360, 768, 1280, 2200):
        b.size(width)
        check(f"{url} at {width}", b.value("document.documentElement.scrollWidth") <= width,
              b.value("document.documentElement.scrollWidth"))
        check(f"{url} at {width}: room above", b.value("document.querySelector('.brand').getBoundingClientRect().top") >= 8)
    b.size(1280)


def check_readable(b, url):
    """What a screen reader needs: one heading of the first order, names of tables, charts and fields, no empty link."""
    check(f"{url}: one h1", b.value("document.querySelectorAll('h1').length") == 1)
    check(f"{url}: main", b.value("document.querySelectorAll('main').length") == 1)
    check(f"{url}: captions", b.value("[...document.querySelectorAll('table')].every(t => t.caption.textContent)"))
    check(f"{url}: pictures have names", b.value(
        "[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-hidden') || s.getAttribute('aria-label'))"))
    check(f"{url}: fields have labels", b.value("[...document.querySelectorAll('input,select')].every(f => f.labels.length)"))
    check(f"{url}: links have words", b.value("[...document.links].every(a => a.textContent.trim())"))


CONTRAST = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const v = parse(c).slice(0, 3).map(x => x / 255).map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (parse(c).length < 4 || parse(c)[3] > 0) return c; } return 'rgb(255,255,255)'; };
  const bad = new Set();
  for (const e of document.querySelectorAll('main *, header *, footer')) {
    if (e.closest('svg') || ![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
    const a = light(getComputedStyle(e).color), b = light(ground(e));
    if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) bad.add(e.tagName + '.' + e.className);
  }
  return [...bad].join(' ');
})()"""


def check_colours(b, url):
    for scheme in ("light", "dark"):
        b.colours(scheme)
        check(f"{url}: {scheme} is readable", b.value(CONTRAST) == "", b.value(CONTRAST))
    dark = b.value("getComputedStyle(document.body).backgroundColor")
    b.colours("light")
    check(f"{url}: dark differs", dark != b.value("getComputedStyle(document.body).backgroundColor"))


def check_numbers(b, store, words):
    sources = json.loads(store.run("sources", *words, "--json"))
    shown = b.value("[...document.querySelectorAll('.fig')].map(f => f.innerText)")
    want = f"{sum(s['messages'] for s in sources):,}"
    check(f"{words}: messages", shown and want in shown[0], shown, want)
    want = f"{sum(s['fail'] for s in sources):,}"
    check(f"{words}: failed", shown and want in shown[2], shown, want)


def check_form(b, web, store):
    b.open(web.url + "/overview")
    check_numbers(b, store, ["--since", "29d"])
    b.value("document.querySelector('[name=domain]').value = 'example.org';"
            "document.querySelector('[name=reporter]').value = 'google.example';"
            "document.querySelector('[name=result]').value = 'fail'; 1")
    b.events = []
    b.value("document.querySelector('form button').click(); 1")
    b.wait_for("Page.loadEventFired")
    check_quiet(b, "the form", web.url)
    check_numbers(b, store, ["--since", "29d", "--domain", "example.org", "--reporter", "google.example", "--result", "fail"])
    check("it says so", "google.example" in b.value("document.querySelector('.on').innerText"))


def check_keyboard(b, web):
    b.open(web.url + "/sources")
    b.press("Tab")
    check("the first stop leads to the content", b.value("document.activeElement.getAttribute('href')") == "#main")
    seen = set()
    for _ in range(60):
        b.press("Tab")
        seen.add(b.value("(document.activeElement.getAttribute('href') || document.activeElement.name || '') + "
                         "document.activeElement.tagName"))
    check("fields are reached", {"sourceINPUT", "resultSELECT"} <= seen, seen)
    check("sources are reached", any("/source?" in s for s in seen), seen)
    check("it is seen where one is", b.value("getComputedStyle(document.activeElement).outlineStyle") != "none" or
          b.value("document.activeElement.tagName") == "BODY")


def check_hostile(b, web):
    b.open(web.url + "/reports")
    link = b.value("[...document.links].map(a => a.href).find(h => h.includes('/report?') && h.includes('script'))")
    b.open(link)
    check_quiet(b, "a hostile report", web.url)
    text = b.value("document.body.innerText")
    for word in (pagestore.ORG, pagestore.DOMAIN, pagestore.COMMENT, pagestore.REPORT_ID):
        check(f"{word} is text", word in text, text[:3000])
    b.open(web.url + "/imports")
    check("a hostile subject is text", pagestore.SUBJECT in b.value("document.body.innerText"))
    single = next(r for r in web.json("/api/failure-reports")[0]["reports"] if r["subject"] == pagestore.SUBJECT)
    for url, words in ((f"/failure-report?id={single['id']}", (pagestore.SUBJECT, pagestore.KIND, pagestore.SELECTOR)),
                       ("/failure-reports", (pagestore.SUBJECT, pagestore.KIND)),
                       ("/tls-reports", (pagestore.ORG, pagestore.REPORT_ID, pagestore.DOMAIN, pagestore.KIND))):
        b.open(web.url + url)
        check_quiet(b, url, web.url)
        check_fit(b, url)
        check_readable(b, url)
        check_colours(b, url)
        text = b.value("document.body.innerText")
        for word in words:
            check(f"{url}: {word} is text", word in text, text[:2000])


def check_files(b, store, folder):
    store.run("html", "-o", str(folder / "files"))
    for name in ("index.html", "example.org/overview-7.html", "_all/sources-90.html", "example.net/source-esp.example-30.html"):
        url = (folder / "files" / name).as_uri()
        b.open(url)
        check_quiet(b, name, (folder / "files").as_uri())
        check_fit(b, name)


def take_pictures(b, web):
    for name, width, scheme in (("overview", 1240, "light"), ("overview-dark", 1240, "dark"), ("overview-narrow", 360, "light")):
        b.size(width)
        b.colours(scheme)
        b.open(web.url + "/overview?domain=example.org")
        b.picture(PICTURES / f"{name}.png")
    for view in ("failures", "readiness", "reporters", "reports", "ours", "source?source=esp.example"):
        for width in (1240, 360):
            b.size(width)
            b.colours("light")
            b.open(f"{web.url}/{view}")
            b.picture(PICTURES / f"{view.partition('?')[0]}-{width}.png")
    b.size(800)
    b.call("Emulation.setEmulatedMedia", media="print")
    b.open(web.url + "/overview?domain=example.org")
    b.picture(PICTURES / "overview-print.png")
    b.call("Emulation.setEmulatedMedia", media="")
    b.size(1240)
    (PICTURES / "overview.pdf").write_bytes(b.printed())


def main():
    if not browser.PROGRAM:
        print("there is no chromium here: skipped")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="assay-pages-") as name:
        folder = pathlib.Path(name)
        store = pagestore.Store(ASSAY, folder / "store")
        web = webserver.Web(WEB, store.conf)
        b = browser.Browser()
        b.size(1280)
        for view in VIEWS:
            b.open(f"{web.url}/{view}")
            check_quiet(b, view, web.url)
            check_fit(b, view)
            check_readable(b, view)
            check_colours(b, view)
        check("it is printed", b.printed().startswith(b"%PDF"))
        check_form(b, web, store)
        check_keyboard(b, web)
        check_hostile(b, web)
        check_files(b, store, folder)
        if PICTURES:
            take_pictures(b, web)
        # Does this test see anything? A page that runs, asks and overflows.
        bad = folder / "bad.html"
        bad.write_text("<h1>x</h1><p style='width:9000px'>x<img src=http://127.0.0.1:9/x><script>console.error(1)</script>")
        b.open(bad.as_uri())
        check("it would see a script", b.complaints())
        check("it would see a request", [r for r in b.requests() if r.startswith("http:")])
        check("it would see what is too wide", b.value("document.documentElement.scrollWidth") > 1280)
        b.end()
        web.end()
    print(f"{len(FAILED)} failures")
    sys.exit(1 if FAILED else 0)


main()
