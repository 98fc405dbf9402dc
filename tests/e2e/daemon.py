"""daemon.py - the assay under test: its configuration in the profiles that the cases name, start, end."""

import pathlib
import signal
import subprocess
import time

from namespace import FILTER, RELAY, WORK
from world import KEYS, OUR_SELECTORS

CONF = pathlib.Path("/etc/assay/assay.conf")
SENDERS = pathlib.Path("/etc/assay/senders")
SOCKET = "inet:8892@127.0.0.1"  # as in the lines of etc/

# What every profile has, in the words of assay.conf.
COMMON = {
    "authserv-id": '"mx.recv.example"',
    "user": '"assay"',
    "relay-networks": f'[ "{RELAY}" ]',
    "dns": '{ timeout = "1s"; deadline = "3s"; }',
    "signing": "( { domain = \"recv.example\"; keys = ( "
    + ", ".join(f'{{ selector = "{s}"; file = "{KEYS}/recv.example.{s}.pem"; }}' for s in OUR_SELECTORS)
    + " ); } )",
    "dmarc": '{ on-reject = "reject"; }',
}
SIMPLE = COMMON["signing"].replace("keys =", 'header-canonicalization = "simple"; keys =')
# What a profile changes. "shipped" is etc/assay.conf as it is.
PROFILES = {
    "enforce": {},
    "spf-reject": {"spf": '{ on-fail = "reject"; }'},
    "quarantine": {"dmarc": '{ on-reject = "reject"; on-quarantine = "quarantine"; }'},
    "quarantine-refused": {"dmarc": '{ on-reject = "reject"; on-quarantine = "reject"; }'},
    "broken": {"mod": '"shadow"'},
    "senders": {"senders-must-match": f'"{SENDERS}"', "on-sender-mismatch": '"reject"'},
    "tag-large": {"limits": '{ on-header-limit = "tag"; }', "dmarc": '{ on-reject = "reject"; }'},
    "simple": {"signing": SIMPLE},
    "filters": {"dmarc": '{ on-reject = "tag"; }', "forwarded-networks": f'[ "{FILTER}" ]'},
    "certificates": {"trust-tls-certificates": "true"},
    "shadow": {"mode": '"shadow"', "spf": '{ on-fail = "reject"; }'},
}


class Daemon:
    def __init__(self, build, top, logs):
        self.build = build
        self.program, self.probe = build / "assay", build / "assay-probe"
        self.top = top
        self.log_path = logs / "assay.log"
        self.process = None

    def configure(self, profile):
        if profile == "shipped":
            text = (self.top / "etc" / "assay.conf").read_text()
        else:
            text = "".join(f"{name} = {value};\n" for name, value in (COMMON | PROFILES[profile]).items())
        CONF.write_text(text)
        SENDERS.write_text("alice alice@recv.example\nalice@recv.example alice@recv.example\n")

    def start(self, profile):
        """Starts assay with a profile; says why when it does not come up."""
        self.configure(profile)
        with self.log_path.open("a") as log:
            words = [self.program, "milter", "-c", CONF, "--log", "stderr"]
            self.process = subprocess.Popen([str(w) for w in words], stderr=log, stdout=log, cwd=WORK)
        end = time.monotonic() + 20
        while subprocess.run([str(self.probe), "--check", SOCKET], capture_output=True).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"assay does not answer with profile {profile}:\n{self.tail(0)}")
            time.sleep(0.05)

    def stop(self):
        """Ends assay as an administrator does; returns a sentence if that did not go well, else None."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            return "assay did not end within 15 s of SIGTERM"
        return None if status == 0 else f"assay ended with status {status} after SIGTERM"

    def reload(self, profile):
        """Gives assay another configuration, and waits until it has said what it thinks of it."""
        offset = self.log_size()
        self.configure(profile)
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while "reload" not in self.tail(offset):
            if time.monotonic() > end:
                raise RuntimeError(f"assay says nothing of the reload with profile {profile}")
            time.sleep(0.05)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log_size(self):
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def tail(self, offset):
        """What was logged since log_size() was `offset`."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open(errors="replace") as log:
            log.seek(offset)
            return log.read()
