#!/usr/bin/python3
"""assay report send loses nothing whenever it is killed."""

import os
import shutil
import sqlite3
import unittest

from sending import OVER, ZONE, Sending


class Crashes(Sending):
    """Killed before each call that changes something, and run again: nothing is lost, and what comes twice is the same."""

    def state_of(self):
        with sqlite3.connect(f"file:{self.state}/rows.db?mode=ro", uri=True) as db:
            return sorted(db.execute("SELECT r.state, m.state FROM report r JOIN mail m ON m.report = r.id").fetchall())

    def begin(self):
        for place in (self.state, self.box):
            shutil.rmtree(place)
        shutil.copytree(self.directory / "before", self.state)
        self.box.mkdir()

    def is_half_built(self):
        with sqlite3.connect(f"file:{self.state}/rows.db?mode=ro", uri=True) as db:
            return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'body'").fetchone() and \
                db.execute("SELECT 1 FROM body JOIN report ON report.id = report WHERE state = 0").fetchone()

    def fail_at(self, at, preloaded):
        """True if the run failed: then it says why. The next one does what is left."""
        done = self.send(environment={**preloaded, "FAIL_AT": str(at)}, status=None)
        self.assertIn(done.returncode, (0, 1, 2, 75), done.stderr)
        if done.returncode:
            self.assertRegex(done.stderr, r"^(assay report send: \S|.*to be tried again.*: \S)")
        self.send(at=OVER + 1000)
        return done.returncode != 0

    def test_at_every_call(self):
        crash = {"LD_PRELOAD": os.environ["ASSAY_CRASH_LIBRARY"], "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.configure(reports='legacy-destinations = [ "old.example" ];')
        self.zone.write_text(ZONE + 'example.com._report._dmarc.old.example TXT "v=DMARC1"\n')
        self.row(rua="mailto:d@example.com,mailto:d@old.example,mailto:d@no.example", messages=2)
        self.row("example.org", "mailto:d@example.org")
        shutil.copytree(self.state, self.directory / "before")
        keys = sorted(m.key for m in self.written())
        count = self.directory / "count"
        self.send(environment={**crash, "CRASH_COUNT": str(count)})
        calls, states = int(count.read_text()), self.state_of()
        self.assertEqual(sorted(m.key for m in self.mails()), keys)
        self.assertEqual(states, [(3, 3), (3, 3), (3, 3), (3, 5)])
        self.assertGreater(calls, 20)
        doubled, cut = 0, self.directory / "cut"
        for at in range(1, calls + 1):
            with self.subTest(call=at):
                self.begin()
                self.assertEqual(self.send(environment={**crash, "CRASH_AT": str(at)}, status=None).returncode, -9)
                if not cut.exists() and self.is_half_built():
                    shutil.copytree(self.state, cut)
                self.send()
                self.send()
                got = [m.key for m in self.mails()]
                self.assertEqual(sorted(set(got)), keys)
                self.assertEqual(self.state_of(), states)
                doubled += len(got) > len(keys)
        print(f"{calls} places, the same mail twice after {doubled} of them")
        self.assertGreater(doubled, 0)  # else the mailer was never reached when it was killed
        self.assertLess(doubled, calls / 2)
        shutil.rmtree(self.directory / "before")
        cut.rename(self.directory / "before")
        for at in range(1, 13):  # what an attempt has left cannot be removed
            with self.subTest(failing=at):
                self.begin()
                self.fail_at(at, crash)
                self.assertEqual(sorted({m.key for m in self.mails()}), keys)

    def test_a_full_disk_at_every_call(self):
        """Every call that changes something fails once: it says why, and the next run does what is left."""
        preloaded = {"LD_PRELOAD": os.environ["ASSAY_CRASH_LIBRARY"], "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.row(rua="mailto:d@example.com,mailto:d@no.example", messages=2)
        shutil.copytree(self.state, self.directory / "before")
        keys = [m.key for m in self.written()]
        count = self.directory / "count"
        self.send(environment={**preloaded, "CRASH_COUNT": str(count)})
        calls, states = int(count.read_text()), self.state_of()
        failed = 0
        for at in range(1, calls + 1):
            with self.subTest(call=at):
                self.begin()
                failed += self.fail_at(at, preloaded)
                self.assertEqual([key for key in {m.key for m in self.mails()}], keys)
                self.assertEqual(self.state_of(), states)
        print(f"{calls} places, a failure that is told after {failed} of them")
        self.assertGreater(failed, calls / 4)

    def test_a_directory_that_is_full(self):
        """The first mail that cannot be written ends the run."""
        preloaded = {"LD_PRELOAD": os.environ["ASSAY_CRASH_LIBRARY"], "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.row()
        self.row("example.org", "mailto:d@example.org")
        found, out, count = set(), self.directory / "out", self.directory / "count"
        self.send("--directory", out, environment={**preloaded, "CRASH_COUNT": str(count)})
        for at in range(1, int(count.read_text()) + 1):
            done = self.send("--directory", out, environment={**preloaded, "FAIL_AT": str(at)}, status=None)
            found.add((done.returncode, done.stdout.count("would be sent")))
        self.assertIn((73, 1), found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
