"""harness - the real daemon on a socket of its own, in a directory of its own.

ASSAY_BINARY names the program (default: build/assay); it may be a sanitized build."""

import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from dns_server import DnsServer
from milter_client import Client

TOP = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ASSAY_BINARY", str(TOP / "build" / "assay"))
SANITIZED = os.environ.get("ASSAY_VARIANT", "") in ("asan", "tsan")
PATIENCE = 60 if SANITIZED else 20  # seconds for what should come at once
BASE = """
authserv-id = "mx.test";
trusted-networks = [ "127.0.0.0/8", "::1", "198.51.100.0/24" ];
"""


# An address of this process: a port that is free there is taken by no test beside it.
LOOPBACK = "127.{}.{}.{}".format(64 + (os.getpid() >> 16) % 64, (os.getpid() >> 8) % 256, os.getpid() % 256)


def free_port(address=LOOPBACK):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def kilobytes(n):
    """How much memory may grow; the sanitizers keep what was freed for a while."""
    return 400000 if SANITIZED else n


def until(condition, what, seconds=PATIENCE):
    """Waits until condition() is true and returns what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


class Clock:
    """The clocks of a daemon, as clock.c reads them; wall: what the wall clock shows."""

    def __init__(self, path, wall=0):
        self.path = pathlib.Path(path)
        self.path.write_bytes(struct.pack("=qq", 0, wall))
        self.path.chmod(0o644)
        self.ahead = 0

    @property
    def environment(self):
        return {"LD_PRELOAD": os.environ["ASSAY_CLOCK_LIBRARY"], "ASSAY_CLOCK": str(self.path),
                "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def go_on(self, seconds):
        """So much time has passed for the daemon, from one moment to the next. No monotonic clock goes back."""
        assert seconds >= 0
        self.ahead += seconds
        with open(self.path, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", self.ahead))


# Who speaks the milter protocol in the daemon.
LIBRARY = os.environ.get("ASSAY_MILTER_LIBRARY", "own")
EX_SOFTWARE = 70
# What libmilter cannot do: these tests are skipped with it. Neither does it play test_doors (many sockets, few threads,
# what is done where there are no descriptors or threads), test_packets and test_hostile (malformed packets, and peers
# that are silent within one, hold its threads or end its process).
LAST_ANSWER = "libmilter sends an answer after the callback has returned, and nobody can tell when"
LIBMILTER_CANNOT = {
    "Stop.test_the_last_answer_gets_through": LAST_ANSWER,
    "Stop.test_open_transactions_may_end": LAST_ANSWER,
    "Inbound.test_another_session_on_the_connection": "libmilter does not answer a second CONNECT",
    "Signals.test_burst": "of two signals that come at the same moment libmilter's own thread may get one, and ends the filter",
}


class Daemon:
    """config: lines of assay.conf beside listen, dns.servers and BASE. zone: for a DnsServer of its own. clock: it has
    one that can be set (Clock); wall: and that stands at this time."""

    def __init__(self, config="", zone=None, tcp=False, base=BASE, dns="", directory=None, start=True, environment=None,
                 clock=False, wall=0, library=LIBRARY):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="assay-wire-"))
        self.own_directory = directory is None
        self.dns = DnsServer(zone or {})
        self.dns_options = dns
        self.base = base
        self.environment = dict(environment or {})
        self.library = library
        self.clock = None
        if clock or wall:
            self.clock = Clock(self.directory / "clock", wall)
            self.environment.update(self.clock.environment)
        if tcp:
            self.address = (LOOPBACK, free_port())
            self.listen = f"inet:{self.address[1]}@{LOOPBACK}"
        else:
            self.address = str(self.directory / "sock")
            self.listen = f"unix:{self.address}"
        self.path = self.directory / "assay.conf"
        self.log_path = self.directory / "log"
        self.process = None
        self.configure(config)
        if start:
            self.start()

    def configure(self, config):
        if "state-dir" not in self.base + config:
            config += f'state-dir = "{self.directory}";\n'
        self.path.write_text(
            f'listen = "{self.listen}";\nmilter-library = "{self.library}";\n'
            f'dns = {{ servers = [ "{self.dns.servers}" ]; {self.dns_options} }};\n' + self.base + config
        )

    def launch(self, *arguments):
        """Starts the process without waiting for it to listen."""
        log = open(self.log_path, "ab")
        command = [BINARY, "milter", "-c", str(self.path), "--log", "stderr", *arguments]
        environment = {"TSAN_OPTIONS": "atexit_sleep_ms=50", **os.environ, **self.environment}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        log.close()
        return self.process

    def start(self, *arguments):
        self.launch(*arguments)
        self.wait_for_log(r"is listening on")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_for_log(self, pattern, count=1, seconds=PATIENCE):
        def enough():
            found = self.lines(pattern)
            if len(found) >= count:
                return found
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon has ended with {self.process.returncode}:\n{self.log()}")
            return None

        return until(enough, f"log line /{pattern}/ in:\n{self.log()}", seconds)

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, config=None):
        """SIGHUP; waits for the daemon's word on it: True if the new configuration is in force."""
        return self.begin_reload(config)()

    def begin_reload(self, config=None):
        """SIGHUP; what is returned waits for the daemon's word on it."""
        if config is not None:
            self.configure(config)
        pattern = r"(reloaded|was not reloaded)"
        before = len(self.lines(pattern))
        self.signal(signal.SIGHUP)
        return lambda: "not reloaded" not in self.wait_for_log(pattern, before + 1)[-1]

    def counters(self):
        table = (TOP / "lib/base/counters.def").read_text()
        last = "counters:.* " + re.findall(r'(?m)^COUNTER\(\w+,\s*"([^"]+)"', table)[-1] + "="
        before = len(self.lines(last))
        self.signal(signal.SIGUSR1)
        self.wait_for_log(last, before + 1)
        found = {}
        for line in self.lines(r"counters:"):
            for name, value in re.findall(r"([a-z0-9-]+)=(\d+)", line):
                found[name] = int(value)
        return found

    def memory_kb(self, what="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(what + r":\s+(\d+)", status).group(1))

    def peak_kb(self):
        """The most that it ever had."""
        return self.memory_kb("VmHWM")

    def children(self):
        """The processes that the daemon has started."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(entry.parent.name))
        return found

    def client(self, hello=True, **options):
        """A connection; hello: with CONNECT and HELO done, as client.test [192.0.2.10]."""
        keys = ("host", "address", "port", "helo", "family")
        session = {k: options.pop(k) for k in list(options) if k in keys}
        c = Client(self.address, **options)
        if hello:
            c.hello(**session)
        return c

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def stop(self):
        """SIGTERM; the exit status."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode if self.process else 0

    def close(self):
        status = self.stop()
        self.dns.close()
        text = self.log()
        if self.own_directory:
            shutil.rmtree(self.directory)
        return status, text


class WireTest(unittest.TestCase):
    """daemon(): one that is stopped at the end of the test, which fails unless it ended well."""

    cut_expected = False

    def daemon(self, *arguments, **options):
        why = LIBMILTER_CANNOT.get(self.id().partition(".")[2])
        if why and LIBRARY == "libmilter":
            self.skipTest(why)
        d = Daemon(*arguments, **options)
        self.addCleanup(self.finish, d)
        return d

    def finish(self, d):
        status, text = d.close()
        self.assertNotRegex(text, r"Sanitizer|runtime error|milter claimed not to reply")
        if not (LIBRARY == "libmilter" and status == EX_SOFTWARE and "libmilter has given up" in text):
            self.assertEqual(status, 0, text[-4000:])  # the library may take a signal of two: assay(8)
        if not self.cut_expected:
            self.assertNotIn("are cut", text)  # every transaction that began has ended


def as_root():
    return os.geteuid() == 0


def main():
    unittest.main(verbosity=2, warnings="ignore")
