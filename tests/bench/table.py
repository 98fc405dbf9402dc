"""table.py - the tables of the README, made of the figures of a run."""

import datetime
import os
import pathlib
import re

COLUMNS = {  # names of filters.py -> column
    "floor": "floor",
    "raw": "OpenSSL",
    "assay": "assay",
    "assay-libmilter": "libmilter",
    "rspamd": "rspamd",
    "opendkim+opendmarc": "chain",
    "pyspf+opendkim+opendmarc": "chain+pyspf",
    "opendkim": "chain",
}
SHOWN = ("floor", "assay", "libmilter", "rspamd", "chain", "chain+pyspf")
WIDTH = 14


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text).group(1)
    return f"{datetime.date.today():%d %B %Y}, {os.cpu_count()} cores ({model}), Debian 12".lstrip("0")


def column(name):
    """Where a filter of a trial stands; None: nowhere."""
    kind = re.sub("-(slow|sign|tcp|verify)$", "", re.sub("-tcp$", "", name))
    return COLUMNS.get(kind)


def short(value):
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def cost(f):
    return f"{f['cpu_us']:.0f} {f['ratio']:5.{2 if f['ratio'] < 10 else 1}f}"


def rate(f):
    return f"{f['rate']:.0f}"


def latency(f):
    return f"{short(f['p50'])} /{short(f['p99']):>5}"


def memory(f):
    return f"{f['memory']:.0f}"


def queries(f):
    return f"{f['queries']:.1f}"


BLOCKS = (
    ("CPU us, x", cost, ("OpenSSL", *SHOWN), None),
    ("messages/s", rate, SHOWN, None),
    ("p50 / p99 ms", latency, SHOWN, None),
    ("RSS MB", memory, SHOWN, ("verify", "sign", "1000 connections")),
    ("DNS queries", queries, SHOWN, ("verify", "new senders")),
)


def block(title, cell, columns, rows, results):
    yield f"    {title:18}" + "".join(f"{name:>{WIDTH}}" for name in columns)
    for trial, filters in results.items():
        if rows and trial not in rows:
            continue
        found = {column(name): cell(f) for name, f in reversed(filters.items()) if column(name)}
        if "floor" not in found:
            continue
        yield f"    {trial:18}" + "".join(f"{found.get(name, '-'):>{WIDTH}}" for name in columns).rstrip()
    yield ""


def readme(results, specials):
    """Lines: results are figures by trial and filter, specials (what, figures) pairs."""
    yield machine()
    yield ""
    for title, cell, columns, rows in BLOCKS:
        yield from block(title, cell, columns, rows, results)
    for what, figures in specials:
        if "hostile" not in figures:
            yield f"    {what + ':':20} {figures}"
