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
        doubled = 0
        for at in range(1, calls + 1):
            with self.subTest(call=at):
                self.begin()
                self.assertEqual(self.send(environment={**crash, "CRASH_AT": str(at)}, status=None).returncode, -9)
                self.send()
                self.send()
                got = [m.key for m in self.mails()]
                self.assertEqual(sorted(set(got)), keys)
                self.assertEqual(self.state_of(), states)
                doubled += len(got) > len(keys)
        print(f"{calls} places, the same mail twice after {doubled} of them")
        self.assertGreater(doubled, 0)  # else the mailer was never reached when it was killed
        self.assertLess(doubled, calls / 2)

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
                done = self.send(environment={**preloaded, "FAIL_AT": str(at)}, status=None)
                self.assertIn(done.returncode, (0, 1, 2, 75), done.stderr)
                if done.returncode:
                    self.assertRegex(done.stderr, r"^(assay report send: \S|.*to be tried again.*: \S)")
                    failed += 1
                self.send(at=OVER + 1000)
                self.assertEqual([key for key in {m.key for m in self.mails()}], keys)
                self.assertEqual(self.state_of(), states)
        print(f"{calls} places, a failure that is told after {failed} of them")
        self.assertGreater(failed, calls / 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
