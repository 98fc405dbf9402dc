#!/usr/bin/python3
"""The daemon while system calls fail under it: it goes on serving, puts a message off where it cannot do better, says
so in its log, and is itself again as soon as the trouble is over. Never a refusal (5xx) or a pass that is not right."""

import collections
import json
import mmap
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "wire"))

import harness
import traffic
from milter_client import Vanished, plain_header

LIBRARY = os.environ.get("ASSAY_FAULTS_LIBRARY", str(harness.TOP / "build/tests/faults/libassay_faults.so"))
KINDS = re.findall(r"^FAULT\((\w+),", (HERE / "faults.def").read_text(), re.M)
SEED = int(os.environ.get("ASSAY_FAULTS_SEED", "1"))
SECONDS = 2.0 if not os.environ.get("ASSAY_FULL") else 60.0
WORKERS = 4
DNS = 'timeout = "1s"; deadline = "2s"; max-ttl = "1s"; failure-ttl = "0s";'


class Faults:
    """The file that is shared with faults.c: schedule and counters."""

    def __init__(self, directory):
        self.path = directory / "faults"
        self.path.write_bytes(struct.pack("=Q", SEED) + bytes(24 * len(KINDS)))
        with open(self.path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), 0)

    def arm(self, kind, permille):
        struct.pack_into("=Q", self.memory, 8 + 24 * KINDS.index(kind), permille)

    def failed(self, kind):
        return struct.unpack_from("=Q", self.memory, 8 + 24 * KINDS.index(kind) + 16)[0]

    @property
    def environment(self):
        return {"LD_PRELOAD": LIBRARY, "ASSAY_FAULTS": str(self.path)}


class Load:
    """Mail over several connections; what became of it."""

    def __init__(self, daemon, mail, may_vanish, patience=20):
        self.daemon, self.mail, self.may_vanish, self.patience = daemon, mail, may_vanish, patience
        self.outcomes = collections.Counter()
        self.wrong = []
        self.stopping = False
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(WORKERS)]
        for t in self.threads:
            t.start()

    def work(self, number):
        count = 0
        while not self.stopping:
            try:
                client = self.daemon.client(timeout=self.patience)
                if number == 0:
                    traffic.authenticate(client)
                for _ in range(5):
                    count += 1
                    message = self.mail.any(number == 0)
                    reply = message.play(client, f"F{number}x{count}")
                    if reply:
                        self.note(message, reply)
                    if message.end == "vanish" or self.stopping:
                        break
                else:
                    client.quit()
            except TimeoutError:
                self.outcomes["no answer"] += 1
            except (Vanished, OSError) as trouble:
                self.outcomes["connection lost"] += 1
                if not self.may_vanish:
                    self.wrong.append(repr(trouble))
            time.sleep(0.002)

    def note(self, message, reply):
        put_off = reply.kind == "t" or reply.code[:1] == "4"
        self.outcomes["put off" if put_off else "accepted" if reply.accepted else "refused"] += 1
        problem = message.tolerate(reply)
        if problem:
            self.wrong.append(f"{message.kind}: {problem}")

    def end(self):
        self.stopping = True
        for t in self.threads:
            t.join()


class FaultsTest(harness.WireTest):
    reloads = 0

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="assay-faults-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.mail = traffic.Traffic(pathlib.Path(cls.scratch.name), SEED)

    def start(self, config="", **options):
        self.faults = Faults(pathlib.Path(self.scratch.name))
        self.config = traffic.CONFIG + self.mail.keys.signing() + config
        d = self.daemon(self.config, dns=DNS, environment=self.faults.environment, **options)
        d.dns.zone = self.mail.zone
        return d

    def finish(self, d):
        status, text = d.close()
        self.assertNotRegex(text, r"Sanitizer|runtime error|milter claimed not to reply")
        self.assertNotIn("are cut", text)
        self.assertEqual(status, 0, text[-4000:])

    def descriptors(self, d):
        return len(os.listdir(f"/proc/{d.process.pid}/fd"))

    def reload(self, d):
        """With other DNS settings, so that another resolver is opened; the keys are read again anyway."""
        self.reloads += 1
        d.dns_options = DNS + f' cache-size = "{500 + self.reloads}K";'
        d.reload(self.config)

    def right_again(self, d):
        """Mail of each kind is judged as it should be."""

        def works():
            client = d.client()
            messages = [self.mail.cold(), self.mail.cold_forged(), self.mail.verified(), self.mail.tampered()]
            problems = [m.judge(m.play(client, "AGAIN")) for m in messages]
            client.quit()
            return not any(problems)

        harness.until(works, "the right verdicts after the trouble", 5)

    def under(self, schedule, says=None, may_vanish=False, reloads=False):
        """Mail while calls fail: schedule tells how many of a thousand, by kind. says: what the log has to hold."""
        d = self.start()
        self.right_again(d)
        before = self.descriptors(d)
        for kind, permille in schedule.items():
            self.faults.arm(kind, permille)
        load = Load(d, self.mail, may_vanish)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(0.1)
            if reloads:
                self.reload(d)
        load.end()
        for kind in schedule:
            self.faults.arm(kind, 0)
        failed = {kind: self.faults.failed(kind) for kind in schedule}
        print(f"failures: {failed}; mail: {dict(load.outcomes)}", flush=True)
        self.assertEqual(load.wrong[:5], [], f"{len(load.wrong)} in all")
        self.assertEqual(load.outcomes["no answer"], 0, d.log()[-3000:])
        if "log" not in schedule:
            self.assertGreaterEqual(len(d.lines("action=tempfail")), load.outcomes["put off"])
        self.assertNotIn(0, failed.values())
        self.assertGreater(load.outcomes["accepted"], 0)
        if says:
            self.assertTrue(d.lines(says), f"no line /{says}/ in\n{d.log()[-3000:]}")
        self.right_again(d)
        harness.until(lambda: self.descriptors(d) <= before + 3, f"descriptors: {before} before, {self.descriptors(d)} now", 5)


class Mta(FaultsTest):
    def test_write(self):
        self.under({"write": 20}, may_vanish=True)

    def test_write_once(self):
        self.under({"write_once": 20}, may_vanish=True)

    def test_short_write(self):
        self.under({"short_write": 300})

    def test_full(self):
        self.under({"write_full": 300})

    def test_receive(self):
        self.under({"receive": 10}, may_vanish=True)

    def test_accept(self):
        """What is taken with the reserve is refused; what is not even taken so comes at the next tick of the clock."""
        self.under({"accept": 300}, says="a milter connection is refused", may_vanish=True)

    def test_accept_barred(self):
        self.under({"accept_barred": 100})


class Dns(FaultsTest):
    SAYS = r"spf=temperror|dmarc=temperror|dkim=temperror"

    def test_send(self):
        self.under({"dns_send": 300})

    def test_no_query_leaves(self):
        self.under({"dns_send": 1000}, says=self.SAYS)

    def test_receive(self):
        self.under({"dns_receive": 300})

    def test_short(self):
        self.under({"dns_short": 500}, says=self.SAYS)

    def test_socket(self):
        self.under({"dns_socket": 500}, says=self.SAYS)


class Files(FaultsTest):
    def test_open(self):
        self.under({"file_open": 400}, says="not reloaded", reloads=True)

    def test_read(self):
        self.under({"file_read": 400}, says="not reloaded", reloads=True)

    def test_log(self):
        """Lines are lost, and no mail."""
        self.under({"log": 500})


class Storage(FaultsTest):
    """What is stored: the states of the keys in a key directory. Keys sign whether their states can be written or not,
    a state file is the old one or the new one and never half of one, and what could not be written is when it can."""

    DOMAIN = "stored.test"

    def start_with_keys(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=self.scratch.name))
        self.faults = Faults(self.directory)
        keys = self.directory / "keys"
        keys.mkdir(mode=0o700)
        config = f'signing = ( {{ domain = "{self.DOMAIN}"; directory = "{keys}"; }} );\nkey-check-interval = "1s";\n'
        d = self.daemon(config, dns='negative-ttl = "0s"; max-ttl = "1s";', environment=self.faults.environment, start=False)
        d.dns.ttl = 1
        self.rotate(d)
        d.start()
        return d

    def assay(self, d, *words):
        """A command of the same program, under which nothing fails."""
        done = subprocess.run([harness.BINARY, "dkim", *words, "--json", "-c", d.path], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout)

    def rotate(self, d):
        made = self.assay(d, "rotate", "--domain", self.DOMAIN, "--type", "ed25519")["key"]
        d.dns.zone[made["name"]] = {"TXT": [made["value"]]}
        return made["selector"]

    def stored(self, d):
        """The states by selector. It is an error if one of the files cannot be read."""
        return {key["selector"]: key["state"] for key in self.assay(d, "list")["keys"]}

    def signers(self, d):
        client = d.client(address="127.0.0.1")
        header = [(name, f" a@{self.DOMAIN}" if name == "From" else value) for name, value in plain_header()]
        edits = client.message(header=header).edits
        client.quit()
        return [re.search(r"\bs=([^;]+);", e[3]).group(1) for e in edits if e[2] == "DKIM-Signature"]

    def test_nothing_can_be_stored(self):
        for kind in ("file_write", "file_sync", "file_rename"):
            with self.subTest(kind=kind):
                d = self.start_with_keys()
                first = d.wait_for_log("active: it signs")[0].split("key ")[1].split()[0]
                harness.until(lambda: self.stored(d) == {first: "active"}, "the state of the first key")
                self.faults.arm(kind, 1000)
                second = self.rotate(d)
                d.wait_for_log(f"key {second} of .*active: it signs")
                d.wait_for_log("cannot be written")
                self.assertEqual(self.signers(d), [second])
                found = self.stored(d)  # a rename that took place and did not reach the disk is seen
                self.assertIn(found.pop(second), ("pending", "active") if kind == "file_sync" else ("pending",))
                self.assertIn(found.pop(first), ("active", "retiring") if kind == "file_sync" else ("active",))
                self.faults.arm(kind, 0)
                harness.until(lambda: self.stored(d) == {first: "retiring", second: "active"}, "the states after the trouble")
                self.assertGreater(self.faults.failed(kind), 0)
                self.assertEqual([p.name for p in (self.directory / "keys").glob("*.new*")], [])

    def test_some_can_be_stored(self):
        d = self.start_with_keys()
        for kind in ("file_write", "file_sync", "file_rename"):
            self.faults.arm(kind, 400)
        made = []
        for _ in range(3 if SECONDS < 10 else 30):
            made.append(self.rotate(d))
            while not d.lines(f"key {made[-1]} of .*active: it signs"):
                self.stored(d)
                time.sleep(0.05)
            self.assertEqual(self.signers(d), [made[-1]])
        for kind in ("file_write", "file_sync", "file_rename"):
            self.faults.arm(kind, 0)
        harness.until(lambda: [self.stored(d)[s] for s in made] == ["retiring"] * (len(made) - 1) + ["active"], "the states after the trouble")


class System(FaultsTest):
    def test_thread(self):
        """Commands wait for the workers that there are, and a reload that needs a thread fails."""
        self.under({"thread": 300}, says="not reloaded", reloads=True)

    def test_no_thread_for_those_that_wait(self):
        """All workers wait for DNS, and no other one can be had: the rest waits with them, and no longer."""
        d = self.start()
        self.right_again(d)
        self.faults.arm("thread", 1000)
        silent = self.mail.cold()
        d.dns.dead = True
        waiting = [self.before_the_end(d, silent) for _ in range(20)]
        for c in waiting:
            c.send("E")
        d.wait_for_log("no thread can be had: commands wait for the workers that there are")
        d.dns.dead = False
        for c in waiting:
            self.assertIn(c.reply().kind, "cy")
            c.quit()
        self.right_again(d)
        self.assertGreater(d.counters()["threads-lacking"], 0)
        self.faults.arm("thread", 0)
        self.right_again(d)

    def before_the_end(self, d, message):
        c = d.client()
        c.mail(message.sender), c.rcpt()
        for name, value in message.header:
            c.header(name, value)
        c.end_of_header()
        return c

    def test_poll(self):
        self.under({"poll": 200})

    def test_clock(self):
        self.under({"clock": 50})

    def test_all_at_once(self):
        schedule = dict.fromkeys(("write", "receive", "poll", "clock"), 5)
        schedule |= dict.fromkeys(("short_write", "accept", "dns_send", "dns_receive", "dns_short", "dns_socket", "file_open", "file_read"), 100)
        self.under(schedule, may_vanish=True, reloads=True)


class Start(FaultsTest):
    def test_start(self):
        """What fails at the start ends it, with a word."""
        for kind in ("file_open", "file_read", "thread"):
            with self.subTest(kind=kind):
                faults = Faults(pathlib.Path(self.scratch.name))
                faults.arm(kind, 1000)
                d = harness.Daemon(traffic.CONFIG + self.mail.keys.signing(), start=False, environment=faults.environment)
                d.launch()
                status = d.wait()
                said = d.log()
                d.close()
                self.assertIn(status, (71, 78), said)
                self.assertRegex(said, "error: ")


class Memory(FaultsTest):
    def test_quota(self):
        """A message whose header does not fit is put off; others are not touched."""
        d = self.start('limits = { message-memory = "256K"; header-bytes = "16M"; header-count = 100000; };\n')
        load = Load(d, self.mail, False)
        client = d.client()
        for n in range(20):
            header = plain_header() + [("X-Filler", " " + "x" * 800)] * (50 * n)
            reply = client.message(header=header)
            fits = 2 * 900 * 50 * n < 200000
            self.assertTrue(reply.accepted or (reply.code == "452" and not fits), (n, reply))
        self.assertEqual(reply.code, "452")
        load.end()
        self.assertEqual(load.wrong, [])
        self.assertEqual(load.outcomes["put off"] + load.outcomes["no answer"], 0)
        self.assertTrue(d.lines("action=tempfail cause=memory"), d.log()[-2000:])
        self.right_again(d)


if __name__ == "__main__":
    harness.main()
