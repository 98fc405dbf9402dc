#!/usr/bin/python3
"""pictures.py ASSAY FILL - makes the pictures of contrib/screenshots: pages of made-up reports (showstore.py) as of a day that
does not change, in Chromium. Debian's pngquant and optipng make them small, and fonts-inter is the font that they have; without
these they are as Chromium writes them.

    pictures.py ASSAY FILL                         the pictures that the tree has
    pictures.py ASSAY FILL --all DIR ASSAY_WEB     every page of today: 360, 768 and 1240 wide, light, dark and printed"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import browser
import showstore

ASSAY, FILL = sys.argv[1:3]
TREE = pathlib.Path(__file__).resolve().parents[2] / "contrib/screenshots"
LAST = 20786  # 29 Nov 2026
NOW = LAST * 86400 + 49200
# name, page, width, height at most, colours
PICTURES = [
    ("overview", "example.org/overview-30", 1180, 1500, "light"), ("overview-dark", "example.org/overview-90", 1180, 900, "dark"),
    ("overview-phone", "example.org/overview-30", 390, 1500, "light"), ("sources", "_all/sources-30", 1180, 1000, "light"),
    ("failures", "example.org/failures-30", 1180, 900, "light"), ("readiness", "_all/readiness-30", 1180, 900, "light"),
    ("failure-reports", "example.org/failure-reports-30", 1180, 900, "light"), ("tls-reports", "_all/tls-reports-30", 1180, 900, "light"),
]
VIEWS = ("overview", "overview?domain=example.org", "overview?domain=example.org&days=90", "overview?domain=example.org&days=7",
         "overview?domain=example.org&days=365", "sources", "sources?domain=example.org&result=fail&reporter=Yahoo", "failures",
         "readiness", "readiness?domain=example.org", "countries", "reporters", "reports", "imports", "failure-reports", "tls-reports",
         "ours", "source?source=lists.club.example", "source?source=example.org", "overview?from=2001-01-01&to=2001-01-07",
         "failure-reports?from=2001-01-01&to=2001-01-07", "tls-reports?from=2001-01-01&to=2001-01-07", "nothing")


FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<match target="pattern"><test name="family" qual="all" compare="not_eq"><string>monospace</string></test>
<edit name="family" mode="prepend_first" binding="strong"><string>Inter</string></edit></match></fontconfig>"""


def shrink(path):
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--strip", "--speed", "1", "--output", path, "64", path], check=True)
    if shutil.which("optipng"):
        subprocess.run(["optipng", "-quiet", "-strip", "all", path], check=True)


def make_tree(b, folder):
    show = showstore.Show(ASSAY, FILL, folder / "store", LAST - 1)
    show.run("html", "-o", str(folder / "pages"), "--at", str(NOW))
    TREE.mkdir(exist_ok=True)
    for name, page, width, height, scheme in PICTURES:
        b.size(width)
        b.colours(scheme)
        b.open((folder / "pages" / f"{page}.html").as_uri())
        path = TREE / f"{name}.png"
        b.picture(path, height)
        shrink(path)
        print(path.name, path.stat().st_size)


def file_name(view, width, scheme):
    return f"{view.replace('?', '_').replace('&', '_').replace('=', '-')}-{width}-{scheme}.png"


def make_all(b, folder, out, program):
    import webserver
    show = showstore.Show(ASSAY, FILL, folder / "store", int(time.time()) // 86400 - 1)
    web = webserver.Web(program, show.conf)
    out.mkdir(parents=True, exist_ok=True)
    one = web.json("/api/failure-reports")[0]["reports"][0]["id"]
    report = web.json("/api/reports?days=3&domain=example.org")[0]
    for view in (*VIEWS, f"failure-report?id={one}", f"report?report={report['report_id']}&id={report['id']}"):
        for width, scheme in ((1240, "light"), (1240, "dark"), (360, "light"), (768, "light")):
            b.size(width)
            b.colours(scheme)
            b.open(f"{web.url}/{view}")
            b.picture(out / file_name(view.partition("?id")[0].partition("?report")[0], width, scheme), 2200)
    b.size(700)  # of paper
    b.call("Emulation.setEmulatedMedia", media="print")
    for view in ("overview?domain=example.org", "sources", "failure-reports"):
        b.open(f"{web.url}/{view}")
        b.picture(out / file_name(view, 700, "print"), 2200)
    web.end()


def main():
    if not browser.PROGRAM:
        sys.exit("there is no chromium here")
    with tempfile.TemporaryDirectory(prefix="assay-pictures-") as name:
        (pathlib.Path(name) / "fonts.conf").write_text(FONTS)
        os.environ["FONTCONFIG_FILE"] = f"{name}/fonts.conf"
        b = browser.Browser()
        if "--all" in sys.argv:
            make_all(b, pathlib.Path(name), pathlib.Path(sys.argv[4]), sys.argv[5])
        else:
            make_tree(b, pathlib.Path(name))
        b.end()


main()
