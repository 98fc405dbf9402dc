"""pace - keeps the soak to a share of one core: its own work, the daemon's and that of all their children; and notes
when this machine let it do nothing at all."""

import os
import pathlib
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
LEAST, MOST = 0.01, 5.0  # seconds of pause
BEAT = 0.05  # seconds


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


class Stalls:
    """Times at which no thread of this process ran for `least` seconds. The name server is one of them: for the daemon
    that was an outage. ends: of the last ten."""

    def __init__(self, least):
        self.least = least
        self.ends = []
        self.count, self.longest = 0, 0.0
        self.beat = time.monotonic()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            time.sleep(BEAT)
            now = time.monotonic()
            if now - self.beat > self.least:
                self.ends = self.ends[-9:] + [now]
                self.count += 1
                self.longest = max(self.longest, now - self.beat)
            self.beat = now

    def near(self, started, now, patience):
        """Whether one lies between these times, or at most `patience` seconds before them, or is not over."""
        return now - self.beat > self.least or any(started <= end + patience for end in self.ends)
