#!/usr/bin/python3
"""Key directories: a daemon plays whole rotations against a name server whose records come and go. Its clock is set:
a second passes each time that something is waited for."""

import json
import os
import pwd
import re
import subprocess
import threading
import time

import dkim

import harness
from harness import BINARY
from milter_client import delivered, plain_header
from zones import ZONE

DOMAIN = "example.test"
TTL = 2


class Senders:
    """Mail without a pause in the background: by which selectors each message was signed, or what `ask` says of it."""

    def __init__(self, d, ask):
        self.ask = ask
        self.d = d
        self.found = []
        self.stopping = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopping:
            self.found.append(tuple(self.ask(self.d)))
            time.sleep(0.01)

    def end(self):
        self.stopping = True
        self.thread.join()
        return self.found


class Keys(harness.WireTest):
    def key_daemon(self, start=True, config="", retirement="3s"):
        d = self.daemon("", ZONE, dns='negative-ttl = "0s";', start=False, clock=True)
        d.dns.ttl = TTL
        d.keys = d.directory / "keys"
        d.keys.mkdir(mode=0o700)
        self.config = (
            f'signing = ( {{ domain = "{DOMAIN}"; directory = "{d.keys}"; }} );\n'
            f'key-check-interval = "1s";\nkey-retirement = "{retirement}";\n{config}'
        )
        d.configure(self.config)
        return d

    def assay(self, d, *words, status=0):
        done = subprocess.run([BINARY, "dkim", *words, "-c", d.path], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done.stdout

    def rotate(self, d, kind="ed25519"):
        made = json.loads(self.assay(d, "rotate", "--domain", DOMAIN, "--type", kind, "--json"))["key"]
        return made["selector"], made["name"], made["value"]

    @staticmethod
    def publish(d, name, value):
        d.dns.zone[name] = {"TXT": [value]}

    def signers(self, d):
        """The selectors that a message of ours is signed with."""
        c = d.client(address="127.0.0.1")
        edits = c.message().edits
        c.quit()
        return [re.search(r"\bs=([^;]+);", e[3]).group(1) for e in edits if e[2] == "DKIM-Signature"]

    def seal(self, d):
        """What a message from outside is sealed with: the selectors of its seal and of its message signature, and what
        dkimpy says of the chain, asking the records that stand at this moment. () without a seal."""
        header, body = plain_header(), b"Hello\r\n"
        c = d.client()
        edits = c.message(header=header, body=body).edits
        c.quit()
        fields = delivered(header, edits)
        if fields[0][0] != "ARC-Seal":
            return ()
        message = "".join(f"{name}: {value.lstrip()}\n" for name, value in fields).replace("\n", "\r\n").encode()
        cv, _, why = dkim.arc_verify(message + b"\r\n" + body, dnsfunc=lambda name, timeout=5: self.record(d, name))
        selectors = [re.search(r"\bs=([^;]+);", value).group(1) for _, value in fields[:2]]
        return (*selectors, cv.decode() if cv else f"fail: {why}")

    @staticmethod
    def record(d, name):
        found = d.dns.zone.get(name.decode().rstrip("."))
        return found["TXT"][0].encode() if found else None

    def states(self, d):
        found = json.loads(self.assay(d, "list", "--json"))["keys"]
        return {key["selector"]: key["state"] for key in found}

    @staticmethod
    def come(d, pattern, count=1):
        """Waits for a line of the log, while the time passes for the daemon."""
        def lines():
            found = d.lines(pattern)
            if len(found) < count:
                d.clock.go_on(1)
            return found if len(found) >= count else None

        return harness.until(lines, f"log line /{pattern}/ in:\n{d.log()}")

    @staticmethod
    def pass_time(d, seconds):
        """So many looks at the DNS."""
        for _ in range(seconds):
            d.clock.go_on(1)
            d.counters()  # the daemon has seen it

    def wait_for_states(self, d, **states):
        """By the letters that the selectors end in. The files are written after the log line."""
        harness.until(lambda: {s[-1]: state for s, state in self.states(d).items()} == states, f"the states {states}")

    def wait_for(self, d, selector, words, count=1):
        return self.come(d, rf"key {selector} of {DOMAIN}: .*{words}", count)

    def active(self, d, kind="ed25519"):
        """A published key that is active."""
        selector, name, value = self.rotate(d, kind)
        self.publish(d, name, value)
        if d.process is None:
            d.start()
        self.wait_for(d, selector, "active")
        return selector, name, value

    def test_whole_rotation(self):
        d = self.key_daemon()
        first, first_name, _ = self.active(d)
        self.assertEqual(self.signers(d), [first])
        senders = Senders(d, self.signers)
        self.addCleanup(senders.end)
        second, second_name, value = self.rotate(d)
        self.wait_for(d, second, "pending")
        self.wait_for_states(d, a="active", b="pending")
        self.pass_time(d, 2)
        self.assertEqual(self.signers(d), [first])
        published = d.clock.ahead
        self.publish(d, second_name, value)
        self.wait_for(d, second, "its record is published")
        self.assertEqual(self.signers(d), [first])
        self.wait_for(d, second, "active")
        self.assertGreaterEqual(d.clock.ahead - published, TTL)
        self.wait_for(d, first, "retiring")
        self.assertEqual(self.signers(d), [second])
        self.wait_for_states(d, a="retiring", b="active")
        self.wait_for(d, first, "removable")
        found = senders.end()
        self.assertEqual(found, sorted(found))  # first the one, then the other, and never none
        self.assertEqual(set(found), {(first,), (second,)})
        self.wait_for_states(d, a="removable", b="active")
        found = d.counters()
        self.assertEqual([found[f"key-{word}"] for word in ("activated", "retired", "removable")], [2, 1, 1])
        self.assertEqual(found["reloads"], 0)
        del d.dns.zone[first_name]
        self.pass_time(d, 2)
        self.assertEqual(d.counters()["key-record-missing"], 0)
        # The states survive: it signs before it has seen anything.
        self.assertEqual(d.stop(), 0)
        d.dns.zone[second_name] = "silent"
        d.launch()
        d.wait_for_log("is listening on", 2)
        self.assertEqual(self.signers(d), [second])

    def test_rotation_while_sealing(self):
        d = self.key_daemon(config=f'arc = {{ mode = "seal"; sealing-domain = "{DOMAIN}"; }};\n')
        beside, _, _ = self.active(d)
        self.assertEqual(self.seal(d), ())
        d.wait_for_log(rf'not-sealed="no RSA key for {DOMAIN}"')
        first, first_name, value = self.rotate(d, "rsa")
        self.pass_time(d, 2)
        self.assertEqual(self.seal(d), ())  # nobody could verify it
        self.publish(d, first_name, value)
        self.wait_for(d, first, "active")
        self.assertEqual(self.seal(d), (first, first, "pass"))
        sealers = Senders(d, self.seal)
        self.addCleanup(sealers.end)
        second, second_name, value = self.rotate(d, "rsa")
        self.wait_for(d, second, "pending")
        self.pass_time(d, 2)
        self.assertEqual(self.seal(d), (first, first, "pass"))
        self.publish(d, second_name, value)
        self.wait_for(d, second, "active")
        self.wait_for(d, first, "retiring")
        self.assertEqual(self.seal(d), (second, second, "pass"))
        self.wait_for(d, first, "removable")
        del d.dns.zone[first_name]
        self.pass_time(d, 2)
        found = sealers.end()
        self.assertEqual(found, sorted(found))  # first the one, then the other, and never none
        self.assertEqual(set(found), {(first, first, "pass"), (second, second, "pass")})
        self.assertEqual(sorted(self.signers(d)), sorted([beside, second]))

    def test_record_that_vanishes(self):
        d = self.key_daemon()
        first, name, value = self.active(d)
        self.assertEqual(self.signers(d), [first])
        del d.dns.zone[name]
        self.wait_for(d, first, "its record is missing")
        self.pass_time(d, 3)
        self.assertEqual(len(d.lines(f"warning: key {first} .*missing")), 1)
        self.publish(d, name, value.replace("p=", "p=AAAA"))
        self.wait_for(d, first, "does not fit any more")
        self.assertEqual(self.signers(d), [first])
        self.publish(d, name, value)
        self.wait_for(d, first, "its record is well again")
        d.dns.zone[name] = "servfail"
        self.pass_time(d, 4)
        found = d.counters()
        self.assertEqual((found["key-record-missing"], found["key-record-changed"]), (1, 1))

    def test_pending_record_that_vanishes_before_its_ttl(self):
        d = self.key_daemon()
        first, _, _ = self.active(d)
        d.dns.ttl = 4
        second, name, value = self.rotate(d)
        self.publish(d, name, value)
        self.wait_for(d, second, "its record is published")
        del d.dns.zone[name]
        self.wait_for(d, second, "has vanished again")
        self.assertEqual(self.signers(d), [first])
        self.assertEqual(self.states(d)[second], "pending")

    def test_nothing_signs_before_a_record_was_seen(self):
        d = self.key_daemon()
        first, name, value = self.rotate(d)
        d.start()
        d.wait_for_log(f"warning: {DOMAIN}: no key in .* is active")
        self.wait_for(d, first, "pending")
        self.assertEqual(self.signers(d), [])
        d.dns.zone[name] = {"TXT": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]}
        self.wait_for(d, first, "its record does not fit: it holds another key")
        self.assertEqual(self.signers(d), [])
        self.publish(d, name, value)
        self.wait_for(d, first, "active")
        self.assertEqual(self.signers(d), [first])

    def test_types_side_by_side_and_reload(self):
        d = self.key_daemon(config='key-check-interval = "1d";\n')
        d.configure(self.config.replace('key-check-interval = "1s";\n', ""))
        ed, _, _ = self.active(d)
        rsa, name, value = self.rotate(d, "rsa")
        self.publish(d, name, value)
        self.assertEqual(self.signers(d), [ed])
        self.assertTrue(d.reload())  # tells of the key at once, and looks
        self.wait_for(d, rsa, "its record is published")
        d.clock.go_on(TTL + 1)
        self.assertTrue(d.reload())
        self.wait_for(d, rsa, "active")
        self.assertEqual(sorted(self.signers(d)), sorted([rsa, ed]))

    def test_unwritable_directory(self):
        if not harness.as_root():
            self.skipTest("needs root")
        user = pwd.getpwnam("nobody")
        d = self.key_daemon(config='user = "nobody";\n')
        d.directory.chmod(0o755)
        d.keys.chmod(0o750)
        os.chown(d.keys, 0, user.pw_gid)
        first, name, value = self.rotate(d)
        self.publish(d, name, value)
        d.start()
        self.wait_for(d, first, "active")
        warning = d.wait_for_log(r"warning: .*\.state: cannot be written: Permission denied")[0]
        self.assertIn(f"run as root: chmod g+rwx {d.keys}", warning)
        self.assertEqual(self.signers(d), [first])
        self.assertTrue(d.reload())  # what could not be written is not forgotten
        self.assertEqual(self.signers(d), [first])
        self.pass_time(d, 3)
        self.assertEqual(len(d.lines("cannot be written")), 1)
        self.assertEqual(self.states(d), {first: "pending"})
        d.keys.chmod(0o770)
        d.clock.go_on(1)
        self.wait_for_states(d, a="active")

    def test_broken_files(self):
        d = self.key_daemon()
        first, _, _ = self.active(d)
        self.wait_for_states(d, a="active")
        bad = d.keys / "bad.pem"
        bad.write_text("no key\n")
        bad.chmod(0o600)
        self.come(d, r"error: .*bad\.pem: no private key")
        self.pass_time(d, 3)
        self.assertEqual(len(d.lines(r"bad\.pem")), 1)
        self.assertEqual(self.signers(d), [first])
        self.assertFalse(d.reload())
        bad.unlink()
        self.assertTrue(d.reload())
        # A key that goes signs no more, one that is replaced under its name begins anew.
        key = next(d.keys.glob("*.pem"))
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", key], check=True)
        self.come(d, "no key in .* is active")
        harness.until(lambda: self.signers(d) == [], "no signature")


if __name__ == "__main__":
    harness.main()
