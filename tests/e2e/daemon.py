"""daemon.py - the assay under test: its configuration in the profiles that the cases name, start, end."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from namespace import FILTER, RELAY, WORK
from shipped import commented, unit_setting
from world import KEYS, OUR_SELECTORS

CONF = pathlib.Path("/etc/assay/assay.conf")
SENDERS = pathlib.Path("/etc/assay/senders")
DROP_IN = "postfix-socket.conf"
LIBRARY = os.environ.get("ASSAY_MILTER_LIBRARY")  # None: the one that is assay's default

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
# What a profile changes. "shipped" is etc/assay.conf as it is; "chroot" has the socket of etc/postfix-socket.conf, and
# runs as the unit with this drop-in runs it: not as root.
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
    "arc": {"arc": '{ mode = "seal"; sealing-domain = "recv.example"; trusted-sealers = [ "recv.example" ]; }'},
    "certificates": {"trust-tls-certificates": "true"},
    "srs": {
        "srs": '{ listen = "inet:8897@127.0.0.1"; domain = "srs.recv.example"; secrets = "/etc/assay/srs.secrets"; '
        'local-domains = [ "recv.example" ]; }'
    },
    "shadow": {"mode": '"shadow"', "spf": '{ on-fail = "reject"; }'},
}


STATE = WORK / "state"
GATE = {
    "spf": '{ on-fail = "reject"; }',
    "client": '{ iprev = "check"; on-own-helo = "reject"; }',
    "dnsbl": '{ reject-at = 5; lists = ( { zone = "bl.example"; weight = 5; label = "Example BL"; }, '
    '{ zone = "allow.example"; kind = "allow"; weight = -5; codes = [ "127.0.5.2" ]; } ); }',
    "sender": '{ mode = "enforce"; }',
    "greylist": '{ mode = "enforce"; delay = "3s"; ipv4-prefix = 32; ipv6-prefix = 128; }',
    "exceptions": '{ recipients = [ "open@recv.example" ]; }',
    "reply-contact": '"see https://recv.example/mail"',
    "state-dir": f'"{STATE}"',
}
DEAD = GATE | {
    "dnsbl": '{ reject-at = 5; lists = ( { zone = "silent.example"; weight = 5; kind = "client"; }, '
    '{ zone = "servfail.example"; weight = 5; kind = "client"; } ); }',
    "state": '[ "redis://127.0.0.1:9/0" ]',
}
REPORTS = {"state-dir": f'"{STATE}"', "reports": '{ domains = [ "recv.example" ]; }'}
OUTGOING = WORK / "outgoing"
SERVICE = {"policy-service": '{ listen = "inet:8896@127.0.0.1"; }'}
PROFILES |= {
    "reports": REPORTS,
    "gate": GATE,
    "gate-dead": DEAD,
    "policy": GATE | SERVICE,
    "policy-dead": DEAD | SERVICE,
    "reports-out": {
        "state-dir": f'"{OUTGOING}"',
        "reports": '{ send = true; from = "dmarc-reports@recv.example"; delimiter = "+"; }',
    },
    "policy-certificates": GATE | SERVICE | {"trust-tls-certificates": "true"},
}


class Daemon:
    def __init__(self, build, top, logs):
        self.build = build
        self.program = build / "assay"
        self.top = top
        self.log_path = logs / "assay.log"
        self.socket = None
        self.process = None

    def configure(self, profile):
        if profile == "shipped":
            text = (self.top / "etc" / "assay.conf").read_text()
        else:
            text = "".join(f"{name} = {value};\n" for name, value in (COMMON | PROFILES.get(profile, {})).items())
        if profile == "chroot":
            text += commented(DROP_IN, "listen") + commented(DROP_IN, "socket-group")
        if LIBRARY:
            text += f'milter-library = "{LIBRARY}";\n'
        CONF.write_text(text)
        listen = re.search(r'(?m)^listen = "(.*)"', text)
        self.socket = listen[1] if listen else "inet:8892@127.0.0.1"
        for state in (STATE, OUTGOING):
            if str(state) in text and not state.exists():
                state.mkdir(mode=0o750)
                shutil.chown(state, "assay", "assay")
        if "srs.secrets" in text:
            subprocess.run([str(self.program), "srs", "secret", "add"], check=True, stdout=subprocess.DEVNULL)
        SENDERS.write_text("alice alice@recv.example\nalice@recv.example alice@recv.example\n")

    def as_the_unit_does(self):
        """Makes what the drop-in makes; the words before the program that give it user and groups."""
        make = unit_setting(DROP_IN, "ExecStartPre").removeprefix("+")
        subprocess.run(make.split(), check=True)
        shutil.copy(self.program, WORK)  # the build may be where the user assay cannot look
        groups = unit_setting(DROP_IN, "SupplementaryGroups")
        return ["setpriv", "--reuid=assay", "--regid=assay", f"--groups={groups}", "--no-new-privs"]

    def start(self, profile):
        """Starts assay with a profile; says why when it does not come up."""
        self.configure(profile)
        subprocess.run("install -d -o assay -g assay /run/assay".split(), check=True)  # RuntimeDirectory=assay
        words = [self.program, "milter", "-c", CONF, "--log", "stderr"]
        if profile == "chroot":
            words = [*self.as_the_unit_does(), WORK / self.program.name, *words[1:]]
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen([str(w) for w in words], stderr=log, stdout=log, cwd=WORK)
        end = time.monotonic() + 20
        while subprocess.run([str(self.program), "probe", "--check", self.socket], capture_output=True).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"assay does not answer with profile {profile}:\n{self.tail(0)}")
            time.sleep(0.05)

    def check(self):
        """What assay says of its configuration, to root."""
        done = subprocess.run([str(self.program), "config", "check"], capture_output=True, text=True)
        return done.stdout + done.stderr

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
