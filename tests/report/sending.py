"""sending - assay report send in a directory of its own: rows, a zone, a mailer that keeps what it gets."""

import email
import email.policy
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ASSAY = os.environ["ASSAY_BINARY"]
FILL = os.environ["ASSAY_FILL"]
DAY = 20800  # 2026-12-13
OVER = (DAY + 1) * 86400 + 5  # five seconds after it

ZONE = """_dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:d@example.com"
_dmarc.example.org TXT "v=DMARC1; p=reject; rua=mailto:d@example.org"
_dmarc.odd.example TXT "v=DMARC1; p=reject; rua=mailto:d@odd.example"
suffix._report._dmarc.odd.example TXT "v=DMARC1"
"""

# Keeps each mail, and the words that it was called with, in a file of its own, whole or not at all.
MAILER = """#!/bin/sh
if [ -e {box}/down ]; then echo "no room here"; exit $(cat {box}/down); fi
f={box}/$$.$(date +%N)
{{ printf '%s\\n' "$*"; cat; }} > $f.part && mv $f.part $f.mail
"""


class Mail:
    """One that was handed over, or written: with its envelope, if it has one."""

    def __init__(self, path):
        data = path.read_bytes()
        self.name = path.name
        self.words = None
        if path.suffix == ".mail":
            words, _, data = data.partition(b"\n")
            self.words = words.decode().split(" ")
        self.data = data
        self.message = email.message_from_bytes(data, policy=email.policy.SMTP)
        self.parts = [part for part in self.message.walk() if part.get_content_maintype() != "multipart"]
        self.xml = gzip.decompress(self.parts[1].get_payload(decode=True))
        self.file = self.parts[1].get_filename()

    @property
    def key(self):
        return self.message["Message-ID"], self.message["Subject"], self.file, self.xml


class Sending(unittest.TestCase):
    config = ""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-report-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.state, self.box = self.directory / "state", self.directory / "box"
        self.state.mkdir()
        self.box.mkdir()
        self.mailer = self.directory / "mailer"
        self.mailer.write_text(MAILER.format(box=self.box))
        self.mailer.chmod(0o755)
        self.conf, self.zone = self.directory / "assay.conf", self.directory / "zone"
        self.configure()
        self.zone.write_text(ZONE)

    def configure(self, reports="", mailer=None):
        self.conf.write_text(
            f'state-dir = "{self.state}";\nauthserv-id = "mx.recv.example";\nreports = {{ send = true; '
            f'from = "dmarc-reports@recv.example"; mailer = "{mailer or self.mailer}"; {reports} }};\n')

    def fill(self, *words, day=DAY):
        subprocess.run([FILL, self.state / "rows.db", str(day), *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    def row(self, domain="example.com", rua="mailto:d@example.com", address="192.0.2.1", messages=1, day=DAY):
        self.fill("row", domain, rua, address, messages, day=day)

    def assay(self, *words, status=0, environment=None, input=None):
        done = subprocess.run([ASSAY, "report", words[0], "-c", self.conf, *map(str, words[1:])], capture_output=True,
                              text=True, check=False, env={**os.environ, **(environment or {})}, input=input)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def send(self, *words, at=OVER, status=0, environment=None):
        return self.assay("send", "--dns", self.zone, "--at", at, *words, status=status, environment=environment)

    def told(self, *words, **options):
        return json.loads(self.send("--json", *words, **options).stdout)

    def mails(self):
        """What the mailer got."""
        return [Mail(path) for path in sorted(self.box.glob("*.mail"))]

    def written(self, *words, **options):
        out = self.directory / "out"
        shutil.rmtree(out, ignore_errors=True)
        self.send("--directory", out, *words, **options)
        return [Mail(path) for path in sorted(out.glob("*.eml"))]
