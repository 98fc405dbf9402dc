"""pace - keeps the soak to a share of one core: its own work, the daemon's and that of all their children."""

import os
import pathlib
import time

TICKS = os.sysconf("SC_CLK_TCK")
LEAST, MOST = 0.01, 5.0  # seconds of pause


class Pace:
    """pause: seconds that each worker waits between messages. It gets longer and shorter as the share is used."""

    def __init__(self, share):
        self.share = share
        self.pause = LEAST
        self.used, self.at = 0.0, time.monotonic()
        self.began = None

    def processor_seconds(self, pids):
        own = os.times()
        total = own.user + own.system + own.children_user + own.children_system
        for pid in pids:
            try:
                words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended, and is counted as a child, or lost
                continue
            total += sum(map(int, words[11:13])) / TICKS
        return total

    def look(self, pids):
        """Some time has passed: the share that was used in it."""
        used, now = self.processor_seconds(pids), time.monotonic()
        share = max(0.0, used - self.used) / (now - self.at)
        if self.began is None:
            self.began = (used, now)
        elif self.share:
            self.pause = min(MOST, max(LEAST, self.pause * min(1.5, max(0.7, share / self.share))))
        self.used, self.at = used, now
        return share

    def average(self):
        """The share since the first look."""
        return (self.used - self.began[0]) / (self.at - self.began[1]) if self.began and self.at > self.began[1] else 0.0
