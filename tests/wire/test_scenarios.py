#!/usr/bin/python3
"""Every scenario of tests/scenarios once more, through the wire: a daemon with its configuration, a name server with its
zone, a milter client with its session and message. Reply, changes of the header and log line have to be those that the
runner of the scenarios gets from the conductor itself (tests/scenarios/story.h)."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import harness
from dns_server import SERVFAIL, SILENT, DnsServer, Slow

NOW = 1800000000  # as in tests/scenarios/run.c
RUNNER = os.environ.get("ASSAY_SCENARIOS", str(harness.TOP / "build/tests/scenarios/scenarios"))
SCENARIOS = harness.TOP / "tests/scenarios"
KEYS = harness.TOP / "tests/keys"
OTHERWISE = {"servfail": SERVFAIL, "bogus": SERVFAIL, "timeout": SILENT}


def value_of(word):
    return re.sub(rb"\\x(..)", lambda found: bytes([int(found[1], 16)]), word)


def text(value):
    return value.decode("utf-8", "backslashreplace")


class Story:
    """What the runner prints of a scenario."""

    def __init__(self):
        self.zone, self.delays, self.headers, self.recipients, self.edits = {}, {}, [], [], []

    def add(self, word, values):
        if word == "name":
            self.zone[text(values[0])] = {"otherwise": OTHERWISE.get(text(values[1]))}
            self.delays[text(values[0])] = int(values[2]) / 1e6
        elif word == "record":
            self.add_record(*values)
        elif word == "header":
            self.headers.append(values)
        elif word == "rcpt":
            self.recipients.append(values[0])
        elif word == "edit":
            self.edits.append(values)
        else:
            setattr(self, word, values if len(values) > 1 else values[0])

    def answers(self):
        """The zone, as the name server wants it."""
        return {name: Slow(self.delays[name], found) if self.delays[name] else found for name, found in self.zone.items()}

    def add_record(self, name, kind, data, preference):
        data = data if kind == b"TXT" else text(data)
        records = self.zone[text(name)].setdefault(text(kind), [])
        records.append((int(preference), data) if kind == b"MX" else data)


def stories(path):
    """Those of a file."""
    done = subprocess.run([RUNNER, "-w", KEYS, path], capture_output=True, check=True)
    story = Story()
    for line in done.stdout.splitlines():
        word, *values = line.split(b" ")
        if word == b"end":
            yield story
            story = Story()
        else:
            story.add(word.decode(), [value_of(value) for value in values])


def same_line(line, story):
    """A line of the log without what hangs on the time: how long it took, and which of the answers found no room."""
    line = re.sub(r"\bms=\d+", "ms=", line)
    return re.sub(r"(dmarc=temperror)\([^)]*\)", r"\1", line) if b"dns-memory" in story.config else line


def expected(story):
    """What has to come through the wire: reply, edits, log."""
    _, action, code, enhanced, words = map(text, story.answer)
    if action in ("tempfail", "reject"):
        return f"{code} {enhanced} {words}", [], same_line(text(story.log), story)
    edits = []
    for kind, ordinal, name, value in story.edits:
        what = "insert" if kind == b"insert" else "change"
        edits.append((what, int(ordinal), text(name), text(value)))
    return f"quarantine {words}" if action == "quarantine" else "", edits, same_line(text(story.log), story)


class Scenarios(harness.WireTest):
    def setUp(self):
        """A daemon for each of the libraries that speak the protocol."""
        self.daemons = [self.daemon(base="", zone={}, start=False, wall=NOW, library=library) for library in ("libmilter", "own")]
        self.surroundings = None
        self.keys = self.daemons[0].directory / "keys"
        self.keys.mkdir()
        for name in "rsa.pem", "ed25519.pem", "srs.secrets":
            shutil.copy(KEYS / name, self.keys)
            (self.keys / name).chmod(0o600)

    def set_up(self, story):
        surroundings = story.config, story.senders, story.zone, story.delays, story.host
        if surroundings == self.surroundings:
            return
        self.surroundings = surroundings
        (self.keys / "senders").write_bytes(story.senders)
        config = text(story.config).replace("{keys}", str(self.keys))
        reloads = []
        for d in self.daemons:
            d.dns.close()
            d.dns = DnsServer(story.answers())  # with other servers the daemon begins with an empty cache
            silent = any(found["otherwise"] == SILENT for found in story.zone.values())
            d.dns_options = 'timeout = "500ms";' if silent else ""
            if d.process:
                reloads.append(d.begin_reload(config))
            else:
                d.configure(config)
                d.start()
        for reloaded in reloads:
            self.assertTrue(reloaded())

    def client(self, d, story):
        name, address, smtp, daemon, mta = map(text, story.client)
        _, queue_id, auth_type, auth_user, verify, subject = map(text, story.mail)
        c = d.client(hello=False, style="sendmail")
        macros = {"j": mta, "daemon_name": daemon, "auth_type": auth_type, "auth_authen": auth_user, "verify": verify,
                  "cert_subject": subject}
        c.macros = {key: value for key, value in macros.items() if value}
        local = {"family": "U"} if smtp == "local" else {"address": address}
        self.assertTrue(c.hello(host=name, helo=text(story.helo), **local).accepted)
        return c, queue_id

    @staticmethod
    def letter(c, story, queue_id):
        """The answer to it, or to what was refused before its end."""
        reply = c.mail(story.mail[0], queue_id=queue_id)
        replies = [c.rcpt(path) for path in story.recipients] if reply.accepted else []
        if replies and not any(r.accepted for r in replies):
            reply = replies[-1]
            c.abort()
        return c.content(story.headers, story.body) if reply.accepted else reply

    def play_at(self, d, story):
        before = len(d.lines(r" ms=\d+"))
        c, queue_id = self.client(d, story)
        reply = self.letter(c, story, queue_id)
        c.quit()
        line = d.wait_for_log(r" ms=\d+", before + 1)[-1]
        said = f"quarantine {reply.quarantine}" if reply.quarantine else reply.text.replace("%%", "%")
        self.assertEqual((said, reply.edits, same_line(line.partition("assay: ")[2], story)), expected(story), d.library)

    def play(self, story):
        self.assertTrue(story.recipients)  # there is no message without one
        self.set_up(story)
        for d in self.daemons:
            self.play_at(d, story)

    def play_file(self, path):
        n = 0
        for story in stories(path):
            n += 1
            if story.host:
                subprocess.run(["ip", "addr", "add", text(story.host), "dev", "lo"], check=True)
            with self.subTest(text(story.scenario[0]), at=text(story.scenario[1])):
                self.play(story)
            if story.host:
                subprocess.run(["ip", "addr", "del", text(story.host), "dev", "lo"], check=True)
        self.assertGreater(n, 5)


# What greylisting remembers is the runner's own; test_greylist.py has it on the wire.
ELSEWHERE = {"greylist.scn"}

for scenario_file in sorted(path for path in SCENARIOS.glob("*.scn") if path.name not in ELSEWHERE):
    setattr(Scenarios, f"test_{scenario_file.stem}", lambda self, path=scenario_file: self.play_file(path))


def own_network():
    """Starts this script again in a network of its own, whose addresses are the scenarios'; 77 without the right."""
    if os.environ.get("ASSAY_OWN_NETWORK") == "1":
        return
    root = [] if harness.as_root() else ["--map-root-user"]
    unshare = ["unshare", "--net", *root, "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        print("no namespaces can be made here: run it as root")
        sys.exit(77)
    os.environ["ASSAY_OWN_NETWORK"] = "1"
    os.execvp(unshare[0], unshare + [sys.executable, *sys.argv])


if __name__ == "__main__":
    own_network()
    harness.main()
