#!/usr/bin/python3
"""A few cases of each section of the RFC 7208 suite, through the running daemon: what check_host() finds reaches the
header fields. The whole suite is played by tests/conformance/spf_suites."""

import pathlib
import re
import unittest

import harness
from dns_server import SERVFAIL

SUITE = pathlib.Path("/usr/share/gocode/src/blitiri.com.ar/go/spf/testdata/rfc7208-tests.yml")
OF_EACH_SECTION = 4
# Answers are not kept: every section has a zone of its own, under the same names.
NO_CACHE = 'max-ttl = "0s"; negative-ttl = "0s"; failure-ttl = "0s"; '


def zone_of(data):
    """The zone data of a section for dns_server. A time-out is SERVFAIL here: the result is the same, at once."""
    zone = {}
    for name, records in data.items():
        found = {}
        for record in (r for r in records if "TIMEOUT" not in r):
            (kind, value), = record.items()
            if kind == "SPF" and not any(isinstance(r, dict) and "TXT" in r for r in records):
                kind = "TXT"
            if kind == "SPF" or value == "NONE":
                continue
            value = "".join(value) if isinstance(value, list) and kind == "TXT" else value
            found.setdefault(kind, []).append(tuple(value) if kind == "MX" else value)
        if "TXT" not in found and any("TIMEOUT" in r for r in records):
            found = SERVFAIL
        zone[str(name).rstrip(".").lower()] = found
    return zone


def plain(case):
    """Cases whose words an MTA would pass on as they are."""
    words = case["mailfrom"] + (case.get("helo") or "")
    return words.isascii() and words.isprintable() and " " not in words


class Suite(harness.WireTest):
    def setUp(self):
        self.d = self.daemon(dns=NO_CACHE)

    def play(self, case):
        family = "6" if ":" in str(case["host"]) else "4"
        c = self.d.client(address=str(case["host"]), family=family, helo=case.get("helo") or "")
        reply = c.message(f"<{case['mailfrom']}>")
        c.quit()
        found = [v for _, _, name, v in (e for e in reply.edits if e[0] == "insert") if name == "Authentication-Results"]
        return re.search(r"spf=(\w+)", found[0]).group(1)

    def test_sample_of_each_section(self):
        import yaml
        played = 0
        for document in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")):
            self.d.dns.zone = zone_of(document["zonedata"])
            cases = [(n, c) for n, c in document["tests"].items() if plain(c)]
            for name, case in cases[:OF_EACH_SECTION]:
                want = case["result"] if isinstance(case["result"], list) else [case["result"]]
                with self.subTest(section=document["description"], case=name):
                    self.assertIn(self.play(case), want)
                played += 1
        self.assertGreater(played, 40)


if __name__ == "__main__":
    if not SUITE.exists():
        raise SystemExit(f"{SUITE} is missing: install golang-blitiri-go-spf-dev (tests/packages)")
    harness.main()
