"""daemon - the daemon of the soak, and a name server that fails on request."""

import collections
import ctypes
import os
import pathlib
import random
import re
import subprocess
import threading

import dns_server
import harness

OUTAGES = ("silent", "servfail", "unreachable", "garbage")
# Warnings and errors that what happens here has to cause.
EXPECTED = (
    r"warning: running as root",
    r"warning: DNS: no resolver answers",
    r"warning: DNS list bl\.test.* counts for nothing",
    r"error: state store redis:",
    r"error: .*no-such-option",
    r"error: .*was not reloaded",
)


class FailingDns(dns_server.DnsServer):
    """outage: None, or how this server fails."""

    outage = None

    def _one(self, packet, send):
        self.queries.clear()  # of hours
        if self.outage == "silent":
            return
        if self.outage == "garbage":
            send(packet[:2] + os.urandom(random.randrange(60)))
        elif self.outage == "servfail":
            send(packet[:2] + b"\x81\x82" + packet[4:])
        else:
            super()._one(packet, send)

    def fail(self, how):
        """A socket that is connected elsewhere takes nothing from others, who are told so by ICMP."""
        if how == "unreachable":
            self.socket.connect(("127.0.0.1", 9))
        self.outage = how

    def recover(self):
        if self.outage == "unreachable":
            nowhere = ctypes.create_string_buffer(16)  # AF_UNSPEC
            ctypes.CDLL(None).connect(self.socket.fileno(), nowhere, 16)
        self.outage = None


class Daemon(harness.Daemon):
    """Its log goes through a pipe and is not kept: a soak of hours writes much. Lines of messages are told to
    on_message, and warnings and errors that are not expected to on_trouble, once that is set; what is no line of a message
    stays in `said`."""

    on_trouble = None

    def __init__(self, on_message, *arguments, **options):
        self.on_message = on_message
        self.said = collections.deque(maxlen=2000)
        self.heard = 0
        super().__init__(*arguments, start=False, **options)
        self.dns.close()
        self.dns = FailingDns({}, harness.free_port())  # what is bound to any port loses it when connected and freed

    def launch(self):
        command = [harness.BINARY, "milter", "-c", str(self.path), "--log", "stderr"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self.listen_to_log, daemon=True)
        self.reader.start()

    def listen_to_log(self):
        for line in self.process.stderr:
            if re.search(r"\baction=", line):
                self.on_message(line)
                continue
            if self.on_trouble and re.search(r"\b(warning|error): ", line) and not any(re.search(e, line) for e in EXPECTED):
                self.on_trouble(f"the log has: {line.rstrip()}")
            self.said.append((self.heard, line.rstrip()))
            self.heard += 1

    def log(self):
        return "\n".join(line for _, line in list(self.said))

    def lines(self, pattern):
        return [line for _, line in list(self.said) if re.search(pattern, line)]

    def reload(self, config):
        """True if the new configuration is in force. (`said` forgets: so by number, not by count.)"""
        self.configure(config)
        before = self.heard
        self.signal(harness.signal.SIGHUP)

        def word():
            return [t for n, t in list(self.said) if n >= before and re.search("reloaded", t)]

        return "not reloaded" not in harness.until(word, "a word on the reload")[0]

    def figures(self):
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        return {
            "memory KB": self.memory_kb("RssAnon"),  # the kernel takes pages of files back when it likes
            "descriptors": sum(1 for _ in (folder / "fd").iterdir()),
            "threads": sum(1 for _ in (folder / "task").iterdir()),
            "workers": len(self.children()),
            "WAL KB": sum(path.stat().st_size for path in self.directory.glob("*-wal")) // 1024,
        }
