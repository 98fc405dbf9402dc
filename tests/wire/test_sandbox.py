#!/usr/bin/python3
"""The sandbox of the running daemon: it is there, it refuses what it should, and nothing that the daemon does fails by it.
What workers, keys, reloads and doors do is for the other scripts: their daemons all have it.

Under ASan and TSan Landlock is in force as in any build, and seccomp with some calls more, which the sanitizers need
(sandbox_calls.c, allowed_sanitized): what these allow is not asked for there, and everything else is."""

import os
import pathlib
import re
import subprocess
import tempfile
import threading

import harness
from harness import BINARY, SANITIZED, until
from milter_client import plain_header
from zones import ZONE

# What must be refused by every kernel that has seccomp.
BY_CALLS = ["fork", "trace", "map-code", "make-code", "dumpable", "namespace", "io-uring", "keyring", "listen", "other-socket"]
BY_CALLS_ALWAYS = ["io-uring", "keyring", "listen"]  # the sanitizers need none of them
BY_FILES = ["exec", "write-file", "socket-file", "other-process", "device"]
MUST_WORK = ["reload", "state", "key-states", "dns", "user", "thread", "workers"]


def status_of(pid, name):
    """A field of /proc/PID/status, for each thread. One that ends while we look, before or after its file is opened,
    has no status any more."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found += re.findall(rf"(?m)^{name}:\s+(\S+)", (task / "status").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class Sandbox(harness.WireTest):
    def tried(self, config):
        """Lines of --try-sandbox by name, and its exit status."""
        with tempfile.TemporaryDirectory(prefix="assay-sandbox-") as directory:
            path = pathlib.Path(directory) / "assay.conf"
            (pathlib.Path(directory) / "state").mkdir()
            (pathlib.Path(directory) / "keys").mkdir(mode=0o700)
            path.write_text(
                f'state-dir = "{directory}/state"; authserv-id = "mx.test";\n'
                f'signing = ( {{ domain = "example.test"; directory = "{directory}/keys"; }} );\n' + config
            )
            done = subprocess.run([BINARY, "milter", "-c", path, "--try-sandbox"], capture_output=True, text=True, timeout=120)
        print(done.stdout + done.stderr)
        return {line.split()[0]: line for line in done.stdout.splitlines()[3:] if line}, done

    def landlock(self, done):
        found = re.search(r"Landlock (\d+)", done.stdout)
        return int(found.group(1)) if found else 0

    def test_attempts(self):
        lines, done = self.tried("")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("WRONG", done.stdout)
        for name in MUST_WORK:
            self.assertRegex(lines[name], r"possible +possible$")
        calls = "system calls: filtered, but for what sanitizers need;" if SANITIZED else "system calls: filtered;"
        self.assertTrue(done.stdout.startswith(calls), done.stdout)
        refused = (BY_CALLS_ALWAYS if SANITIZED else BY_CALLS) + (BY_FILES if self.landlock(done) else [])
        if SANITIZED:
            refused.remove("other-process")
        for name in refused:
            self.assertNotRegex(lines[name], r"possible( *\(|$)", f"{name} is not refused")
        # Without the sandbox most of it is possible, or the attempts would show nothing.
        possible = [name for name in refused if re.search(r" possible +(Permission|Operation)", lines[name])]
        self.assertGreaterEqual(len(possible), len(refused) - 4, done.stdout)

    def test_a_wrong_configuration(self):
        _, done = self.tried('no-such-option = "x";\n')
        self.assertEqual(done.returncode, 78)

    def test_every_thread_is_inside(self):
        d = self.daemon('spf = { on-fail = "reject"; };\n', ZONE)
        d.client().message()
        self.assertEqual(set(status_of(d.process.pid, "NoNewPrivs")), {"1"})
        self.assertEqual(set(status_of(d.process.pid, "Seccomp")), {"2"})
        effective = int(status_of(d.process.pid, "CapEff")[0], 16)
        self.assertEqual(effective & ~0xF, 0, "root keeps more than its rights on files")
        self.assertTrue(d.lines("sandbox: assay can reach what it needs|sandbox: not all of it"))

    def test_as_a_user_nothing_is_left(self):
        if not harness.as_root():
            self.skipTest("needs root")
        d = self.daemon("", ZONE, start=False)
        os.chmod(d.directory, 0o777)
        d.configure('user = "nobody";\n')
        d.start()
        for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual({int(n, 16) for n in status_of(d.process.pid, name)}, {0}, name)

    def test_off(self):
        d = self.daemon('sandbox = "off";\n', ZONE)
        self.assertEqual(set(status_of(d.process.pid, "Seccomp")), {"0"})
        self.assertFalse(d.lines("sandbox:"))
        self.assertTrue(d.reload('sandbox = "on";\n'))
        self.assertTrue(d.lines("sandbox has changed: that takes effect at the next start"))

    def test_reload_finds_new_places(self):
        """Lists, tables and key directories that nobody had named at the start."""
        with tempfile.TemporaryDirectory(prefix="assay-elsewhere-") as elsewhere:
            os.chmod(elsewhere, 0o755)
            keys = pathlib.Path(elsewhere) / "keys"
            keys.mkdir(mode=0o700)
            (pathlib.Path(elsewhere) / "networks").write_text("203.0.113.0/24\n")
            d = self.daemon("", ZONE)
            subprocess.run([BINARY, "dkim", "keygen", "--domain", "example.test", "--selector", "s1", "--type", "ed25519",
                            "--directory", keys], check=True, capture_output=True)
            self.assertTrue(
                d.reload(
                    f'relay-networks = [ "file:{elsewhere}/networks" ];\n'
                    f'signing = ( {{ domain = "example.test"; keys = ( {{ selector = "s1";'
                    f' file = "{keys}/example.test.s1.pem"; }} ); }} );\n'
                ),
                d.log(),
            )
            c = d.client(address="127.0.0.1")
            self.assertIn("DKIM-Signature", [e[2] for e in c.message().edits])
            c.quit()

    def test_its_own_files_are_removed(self):
        d = self.daemon("", ZONE, start=False)
        d.configure(f'pid-file = "{d.directory}/pid"; control = "unix:{d.directory}/control.sock";\n')
        d.start()
        mine = [d.directory / name for name in ("sock", "pid", "control.sock")]
        self.assertTrue(all(path.exists() for path in mine))
        self.assertEqual(d.stop(), 0)
        self.assertFalse(any(path.exists() for path in mine), d.log())


class Load:
    """Mail of strangers and of our own in the background, each sort over a connection of its own, while the configuration
    changes: taken, or asked to come again; ours is signed or not. Anything else is wrong."""

    def __init__(self, d):
        self.d = d
        self.stopping = False
        self.count = {}
        self.wrong = []
        self.threads = [threading.Thread(target=self.run, args=address) for address in
                        (("192.0.2.10", "example.test"), ("203.0.113.10", "spf.test"), ("127.0.0.1", "ours.test"))]
        for t in self.threads:
            t.start()

    def run(self, address, domain):
        try:
            c = self.d.client(address=address)
            while not self.stopping and not self.wrong:
                reply = c.message(f"<a@{domain}>", header=plain_header(f"a@{domain}"))
                self.tell(domain, reply)
            c.quit()
        except Exception as trouble:  # whatever it is, the test has to tell
            self.wrong.append(repr(trouble))

    def tell(self, domain, reply):
        signed = any(e[2] == "DKIM-Signature" for e in reply.edits)
        greylisted = str(reply.text).startswith("451 4.7.1 Greylisted")
        if not reply.accepted and not (greylisted and domain != "ours.test"):
            self.wrong.append(repr(reply))
        kind = domain + (" signed" if signed else " later" if greylisted else " taken")
        self.count[kind] = self.count.get(kind, 0) + 1

    def end(self):
        self.stopping = True
        for t in self.threads:
            t.join()


class Reloads(harness.WireTest):
    """Under traffic, within the sandbox, all that needs files, threads or processes is turned on and off."""

    def begun(self):
        """A daemon with a key of its own, and another in a key directory, where state-dir is not."""
        d = self.daemon("", ZONE, start=False)
        elsewhere = tempfile.TemporaryDirectory(prefix="assay-keys-")
        self.addCleanup(elsewhere.cleanup)
        d.keys = pathlib.Path(elsewhere.name)
        subprocess.run([BINARY, "dkim", "keygen", "--domain", "ours.test", "--selector", "s1", "--type", "ed25519",
                        "--directory", d.directory], check=True, capture_output=True)
        d.configure(self.directory_signs(d))
        subprocess.run([BINARY, "dkim", "rotate", "-c", d.path, "--domain", "other.test", "--type", "ed25519"], check=True,
                       capture_output=True)
        d.start()
        return d

    @staticmethod
    def directory_signs(d):
        return f'signing = ( {{ domain = "other.test"; directory = "{d.keys}"; }} ); key-check-interval = "1s";\n'

    def steps(self, d):
        """Configurations, and what tells that each is in force and works."""
        def sum_of(names):
            counters = d.counters()
            return sum(counters.get(name, 0) for name in ([names] if isinstance(names, str) else names))

        def counted(names):
            before = sum_of(names)
            return lambda: sum_of(names) > before

        file = f'{d.directory}/ours.test.s1.pem'
        steps = [
            ('greylist = { mode = "enforce"; delay = "1s"; };\n', ("greylist-new", "greylist-pass")),
            ('greylist = { mode = "enforce"; delay = "1s"; };\nreports = { record = false; };\n', "greylist-pass"),
            ("", "rows-added"),
            (f'signing = ( {{ domain = "ours.test"; keys = ( {{ selector = "s1"; file = "{file}"; }} ); }} );\n', "signed"),
            (self.directory_signs(d), "not-signed"),
        ]
        if (pathlib.Path(BINARY).parent / "assay-reference").exists():
            engines = 'spf = { engine = "libspf2"; };\ndkim = { engine = "libopendkim"; };\n'
            steps += [(engines + steps[0][0], "engine-results"), ("reference = { sample = 1; workers = 3; };\n", "reference-sampled"),
                      (engines + "reference = { sample = 1; workers = 2; };\n", "engine-results")]
        return [(config, lambda names=names: counted(names), names) for config, names in steps]

    def test_everything_under_load(self):
        d = self.begun()
        for state in d.keys.glob("*.state"):  # made by the command
            state.unlink()
        load = Load(d)
        self.addCleanup(load.end)
        for _ in range(2):
            for config, begin, names in self.steps(d):
                self.assertTrue(d.reload(config), d.log()[-3000:])
                works = begin()
                until(lambda: load.wrong or works(), names)
                self.assertEqual(load.wrong, [])
                self.assertLessEqual(set(status_of(d.process.pid, "Seccomp")), {"2"})
                self.assertLessEqual(set(status_of(d.process.pid, "NoNewPrivs")), {"1"})
        load.end()
        print(load.count)
        self.assertEqual(load.wrong, [])
        self.assertTrue(list(d.keys.glob("*.state")), "nobody has written the state of a key")
        self.assertEqual(d.lines("Operation not permitted|Permission denied|cannot be"), [])


if __name__ == "__main__":
    harness.main()
