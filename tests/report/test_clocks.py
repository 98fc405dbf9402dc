#!/usr/bin/python3
"""assay report send where the host's clock changes, and where the calendar is odd: days are those of UTC, and each is reported
once, with all of its messages."""

import datetime
import email.utils
import json
import os
import shutil
import struct
import time
import unittest
import unittest.mock
import xml.etree.ElementTree as ElementTree

from sending import OVER, Sending

NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"


class Clocks(Sending):
    """Where the host's clock changes, and where the calendar is odd: runs every twelve hours, and around each midnight of UTC."""

    CHANGES = {  # TZ, and the first of four days
        "autumn in Berlin": ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-24"),
        "spring in Berlin": ("CET-1CEST,M3.5.0,M10.5.0/3", "2027-03-27"),
        "spring on Chatham, in quarters of hours": ("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "2027-09-25"),
        "a leap day": ("CET-1CEST,M3.5.0,M10.5.0/3", "2028-02-28"),
        "2100 has none": ("EST5EDT,M3.2.0,M11.1.0", "2100-02-27"),
        "a year's end, 14 hours ahead": ("<+14>-14", "2026-12-30"),
        "a year's end, 11 hours behind": ("<-11>11", "2027-12-30"),
    }

    def runs(self, midnight):
        """Times of runs, and what is handed over by then."""
        for day in range(5):
            for second in (0, 1, 43200, 86399):
                yield midnight + day * 86400 + second, min(day, 4)

    def test_each_day_is_reported_once(self):
        for what, (zone, first) in self.CHANGES.items():
            with self.subTest(what=what), unittest.mock.patch.dict(os.environ, TZ=zone):
                for place in (self.state, self.box):
                    shutil.rmtree(place)
                    place.mkdir()
                start = datetime.datetime.fromisoformat(first + "T00:00:00+00:00")
                midnight = int(start.timestamp())
                self.fill("hourly", "example.com", "mailto:d@example.com", 96, day=midnight // 86400)
                for at, over in self.runs(midnight):
                    self.send(at=at)
                    self.assertEqual(len(list(self.box.iterdir())), over, at - midnight)
                found = sorted(self.mails(), key=lambda mail: mail.file)
                self.assertEqual(len(found), 4)
                for i, mail in enumerate(found):
                    day, report = start + datetime.timedelta(days=i), ElementTree.fromstring(mail.xml)
                    period = [int(report.find(f"{NS}report_metadata/{NS}date_range/{NS}{end}").text) for end in ("begin", "end")]
                    self.assertEqual(period, [midnight + i * 86400, midnight + i * 86400 + 86399])
                    self.assertEqual([n.text for n in report.iter(NS + "count")], ["24"])
                    self.assertIn(f"for {day:%Y-%m-%d}, from midnight to midnight (UTC)", mail.parts[0].get_content())
                    self.assertEqual(email.utils.parsedate_to_datetime(mail.message["Date"]), day + datetime.timedelta(days=1))
                listed = json.loads(self.assay("sent", "--json").stdout)
                self.assertEqual([m["begin"] for m in listed], [midnight + i * 86400 for i in range(4)])

    def test_a_leap_day_as_it_is_written(self):
        self.row(day=1835395200 // 86400)
        self.assertEqual(self.told(at="2028-02-29T23:59:59Z")["handed_over"], 0)
        self.send("--dry-run", at="2027-02-29T00:00:00Z", status=64)
        self.assertEqual(self.told(at="2028-03-01T00:00:00Z")["handed_over"], 1)
        self.assertIn("2028-02-29", self.mails()[0].parts[0].get_content())


class TheHostsClock(Sending):
    """Without --at: clock.c, preloaded, shows a time."""

    def sent_at(self, now, *words, zone="UTC"):
        clock = self.directory / "clock"
        clock.write_bytes(struct.pack("=qq", 0, now))
        environment = {"LD_PRELOAD": os.environ["ASSAY_CLOCK_LIBRARY"], "ASSAY_CLOCK": str(clock), "TZ": zone,
                       "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return json.loads(self.assay("send", "--dns", self.zone, "--json", *words, environment=environment).stdout)

    def test_the_daemon_has_a_minute_to_write_the_last_rows(self):
        self.row()
        midnight = OVER - 5
        for now in (midnight - 1, midnight, midnight + 59):
            told = self.sent_at(now, "--dry-run")
            self.assertEqual((told["shown"], told["under_way"]), (0, 1))
            self.assertEqual(self.sent_at(now)["handed_over"], 0)
        self.row()
        self.assertEqual(self.sent_at(midnight + 60, "--dry-run")["shown"], 1)
        self.assertEqual(self.sent_at(midnight + 60)["messages"], 2)

    def test_mails_are_spread(self):
        """Two of them, ten seconds apart; with --at nothing waits."""
        self.row()
        self.row("example.org", "mailto:d@example.org")
        began = time.monotonic()
        self.assertEqual(self.sent_at(OVER + 1000)["handed_over"], 2)
        self.assertGreater(time.monotonic() - began, 9)

    def test_the_hour_that_comes_twice(self):
        """Runs every two hours, while the clock of Berlin goes back."""
        midnight = 1792800000  # 2026-10-24
        self.fill("hourly", "example.com", "mailto:d@example.com", 72, day=midnight // 86400)
        for hour in range(0, 80, 2):
            self.sent_at(midnight + hour * 3600 + 900, zone="CET-1CEST,M3.5.0,M10.5.0/3")
            self.assertEqual(len(list(self.box.iterdir())), min(hour // 24, 3))
        self.assertEqual([m.xml.count(b"<count>24</count>") for m in self.mails()], [1, 1, 1])
        self.assertEqual(len({m.file for m in self.mails()}), 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
