"""store - a Redis server that goes away and comes back, and what greylisting has to know of clients meanwhile."""

import random
import signal
import subprocess
import threading
import time

import harness
import mail

# Seconds: a server that was down is asked again after five; what is said in the meantime counts as said in trouble.
RECOVERY = 8
LEEWAY = 1.5  # a busy machine
KINDS = ("SIGTERM", "SIGKILL", "SIGSTOP")


class Redis:
    """It writes its keys to a file when it is asked to end, and has none of them after a SIGKILL."""

    def __init__(self, directory):
        self.directory = directory
        self.port = harness.free_port("127.0.0.1")
        self.start()

    def start(self):
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "86400 1", "--dir", str(self.directory)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.until(self.answers, "redis-server")

    def answers(self):
        command = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), "PING"]
        return subprocess.run(command, capture_output=True, check=False).stdout.strip() == b"PONG"

    def outage(self, kind, seconds):
        self.process.send_signal(signal.Signals[kind])
        if kind == "SIGSTOP":
            time.sleep(seconds)
            self.process.send_signal(signal.SIGCONT)
            return
        self.process.wait()
        if kind == "SIGKILL":
            (self.directory / "dump.rdb").unlink(missing_ok=True)
        time.sleep(seconds)
        self.start()

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


class Memory:
    """Which networks greylisting knows by now, and when it may know nothing."""

    def __init__(self):
        self.lock = threading.Lock()
        self.first = {}  # by network: when it was asked to come again
        self.troubles = []  # [start, end]; the last end may be infinite
        self.longest = 0.0  # seconds that a message took in a trouble

    def begin(self, forgets):
        with self.lock:
            self.troubles = self.troubles[-50:] + [[time.monotonic(), float("inf")]]
            if forgets:
                self.first.clear()

    def end(self, forgets):
        with self.lock:
            self.troubles[-1][1] = time.monotonic() + RECOVERY
            if forgets:
                self.first.clear()

    def trouble(self, started):
        """Whether a message that began then, and has ended, met one."""
        now = time.monotonic()
        with self.lock:
            return any(started <= end and now >= start for start, end in self.troubles)

    def deferred(self, network, started):
        """A message was asked to come again: what is wrong with that, or None."""
        with self.lock:
            known = started - self.first.setdefault(network, time.monotonic())
        if known < mail.DELAY + LEEWAY or self.trouble(started):
            return None
        return f"greylisted though {network} has been known for {known:.1f} s"

    def took(self, started):
        with self.lock:
            self.longest = max(self.longest, time.monotonic() - started)
        return time.monotonic() - started


class Outages:
    """Outages of `redis`, at random, until `going` says no. A turn holds `lock`."""

    def __init__(self, redis, memory, seed):
        self.redis, self.memory = redis, memory
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.counts = dict.fromkeys(KINDS, 0)

    def turn(self, low, high):
        """One outage of low to high seconds: (kind, seconds)."""
        order = [k for k in KINDS if self.counts[k] == min(self.counts.values())]
        kind, seconds = self.random.choice(order), self.random.uniform(low, high)
        forgets = kind == "SIGKILL"
        self.memory.begin(forgets)
        try:
            self.redis.outage(kind, seconds)
        finally:
            self.memory.end(forgets)
        self.counts[kind] += 1
        return kind, seconds
