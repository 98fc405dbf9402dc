"""duties - what a host does beside its mail: keys rotate, reports go out and come in, somebody looks at the status."""

import email
import gzip
import json
import re
import sqlite3
import subprocess
import threading
import time

import corpus
import harness

DOMAIN = "example.test"
REPORTED = (DOMAIN, "signed.test")  # their DMARC records ask for reports
MAILER = """#!/bin/sh
f={box}/$$.$(date +%N)
cat > $f.part && mv $f.part $f.mail
"""


class Duties:
    """complain(text) is told what is wrong. config: what the commands read; never that of the daemon, which is at times a bad
    one. A turn holds `lock`."""

    def __init__(self, directory, zone, complain):
        self.directory, self.zone, self.complain = directory, zone, complain
        self.keys, self.box, self.config = directory / "keys", directory / "box", directory / "commands.conf"
        self.mailer = directory / "mailer"
        self.keys.mkdir(mode=0o700)
        self.box.mkdir()
        self.mailer.write_text(MAILER.format(box=self.box))
        self.mailer.chmod(0o755)
        self.lock = threading.Lock()
        self.rotated = self.removed = self.runs = self.sent = self.received = self.asked = 0
        self.reported = 0  # messages in the reports that went out
        self.ask_for_reports()

    def assay(self, *words):
        """What it printed, or None."""
        command = [harness.BINARY, *map(str, words), "-c", self.config]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            self.complain(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
            return None
        return done.stdout

    # --- Keys

    def rotate(self, kind):
        """A new key, whose record is published at once."""
        said = self.assay("dkim", "rotate", "--domain", DOMAIN, "--type", kind, "--json")
        if said:
            key = json.loads(said)["key"]
            self.zone[key["name"]] = {"TXT": [key["value"]]}
            self.rotated += 1

    def states(self):
        found = json.loads(self.assay("dkim", "list", "--domain", DOMAIN, "--json") or '{"keys": []}')["keys"]
        return [(key["state"], key["selector"], key["name"], key["type"]) for key in found]

    def tidy(self):
        """Keys whose time is over go: first the files, as nothing looks for their record after that."""
        for state, selector, name, _ in self.states():
            if state == "removable":
                for path in self.keys.glob(f"{DOMAIN}.{selector}.*"):
                    path.unlink()
                del self.zone[name]
                self.removed += 1

    def sign_with(self):
        """The types of the keys that sign."""
        return sorted(kind for state, _, _, kind in self.states() if state == "active")

    # --- Reports

    def ask_for_reports(self):
        """A DMARC record that was not there before: what comes from now on gets reports of its own."""
        for domain in REPORTED:
            self.zone[f"_dmarc.{domain}"] = {"TXT": [f"v=DMARC1; p=reject; rua=mailto:r{self.runs}@{domain}"]}

    def report(self):
        """As if the day were over: reports on what was counted under records that were not reported on yet."""
        self.runs += 1
        before = len(list(self.box.glob("*.mail")))
        said = json.loads(self.assay("report", "send", "--at", int(time.time()) + 86400 + 120, "--json") or "{}")
        mails = sorted(self.box.glob("*.mail"), key=lambda p: p.stat().st_mtime_ns)[before:]
        if said and (said.get("handed_over") != len(mails) or said.get("failed") or said.get("later")):
            self.complain(f"report send says {said}, and the mailer got {len(mails)}")
        if said and not mails:
            self.complain(f"no report was sent: {said}")
        for path in mails:
            self.read(path)
        self.sent += len(mails)
        self.ask_for_reports()

    def read(self, path):
        mail = email.message_from_bytes(path.read_bytes())
        texts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "application/gzip"]
        counts = re.findall(r"<count>(\d+)</count>", gzip.decompress(texts[0]).decode()) if texts else []
        if not counts:
            self.complain(f"{path.name}, to {mail['To']}, holds no report")
        self.reported += sum(map(int, counts))

    def receive(self):
        """A report on all mail of a day, and one on a single message."""
        n = self.runs
        single = corpus.ARF.format(encoding="", feedback=corpus.FEEDBACK).replace("someone@", f"someone{n}@")
        for name, text in (("all", corpus.xml(rid=f"soak{n}")), ("single", single)):
            path = self.directory / name
            path.write_text(text)
            self.assay("report", "receive", path)
        self.received += 1
        listed = json.loads(self.assay("report", "list", "--json") or "[]")
        failures = json.loads(self.assay("report", "failures", "--single", "--since", "5000d", "--json") or "[]")
        if len(listed) != self.received or sum(failure["incidents"] for failure in failures) != self.received:
            self.complain(f"{len(listed)} and {len(failures)} of {self.received} reports are there: {listed} {failures}")

    def counted(self, state):
        """Messages in the rows and tallies."""
        with sqlite3.connect(state / "rows.db") as db:
            return sum(db.execute(f"SELECT coalesce(sum(messages), 0) FROM {table}").fetchone()[0] for table in ("row", "tally"))

    # --- Status

    def status(self):
        said = self.assay("status", "--json")
        self.asked += 1
        if said:
            json.loads(said)
        if self.asked % 5 == 0:
            self.assay("metrics")
