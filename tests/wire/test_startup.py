#!/usr/bin/python3
"""The start: sockets, log, users, and configurations that are refused."""

import os
import pwd
import grp
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import unittest

import harness
from harness import BINARY
from zones import ZONE

EX_USAGE, EX_UNAVAILABLE, EX_CANTCREAT, EX_TEMPFAIL, EX_CONFIG = 64, 69, 73, 75, 78


class Sockets(harness.WireTest):
    def refused(self, d, status, words):
        os.truncate(d.log_path, 0) if d.log_path.exists() else None
        self.assertEqual(d.launch().wait(harness.PATIENCE), status, d.log())
        self.assertRegex(d.log(), words)
        self.assertEqual(len(d.lines("error|nable")), 1, d.log())  # said once, and libmilter's own words are not added
        d.process = None

    def test_mode_and_owner(self):
        d = self.daemon('socket-mode = "0600";\n', ZONE)
        st = os.stat(d.address)
        self.assertTrue(stat.S_ISSOCK(st.st_mode))
        self.assertEqual(stat.S_IMODE(st.st_mode), 0o600)
        d = self.daemon("", ZONE)
        self.assertEqual(stat.S_IMODE(os.stat(d.address).st_mode), 0o660)
        if harness.as_root():
            d = self.daemon('socket-owner = "daemon"; socket-group = "mail"; socket-mode = "0666";\n', ZONE)
            st = os.stat(d.address)
            self.assertEqual((st.st_uid, st.st_gid), (pwd.getpwnam("daemon").pw_uid, grp.getgrnam("mail").gr_gid))

    def test_stale_socket_is_removed(self):
        d = self.daemon("", ZONE)
        d.process.kill()
        d.process.wait()
        self.assertTrue(os.path.exists(d.address))
        os.truncate(d.log_path, 0)
        d.start()
        self.assertTrue(d.client().message().accepted)

    def test_answering_socket_is_not_taken(self):
        d = self.daemon("", ZONE)
        other = self.daemon("", ZONE, start=False)
        other.path.write_text(d.path.read_text())
        self.refused(other, EX_UNAVAILABLE, "cannot listen on unix:.*another program answers there")
        self.assertTrue(d.client().message().accepted)

    def test_file_that_is_no_socket_stays(self):
        d = self.daemon("", ZONE, start=False)
        pathlib.Path(d.address).write_text("precious")
        self.refused(d, EX_UNAVAILABLE, "is no socket")
        self.assertEqual(pathlib.Path(d.address).read_text(), "precious")

    def test_busy_port(self):
        d = self.daemon("", ZONE, tcp=True)
        other = self.daemon("", ZONE, start=False)
        other.path.write_text(d.path.read_text())
        self.refused(other, EX_UNAVAILABLE, f"cannot listen on {d.listen}: Address already in use")
        self.assertTrue(d.client().message().accepted)

    def test_foreign_address(self):
        d = self.daemon("", ZONE, start=False)
        d.path.write_text('listen = "inet:8892@192.0.2.1";\n')
        self.refused(d, EX_UNAVAILABLE, "Cannot assign requested address")

    def test_missing_directory(self):
        d = self.daemon("", ZONE, start=False)
        d.path.write_text(f'listen = "unix:{d.directory}/none/sock";\n')
        self.refused(d, EX_UNAVAILABLE, "No such file or directory")

    def test_ipv6_and_postfix_spelling(self):
        own = harness.LOOPBACK
        six, four = harness.free_port("::1"), harness.free_port()
        for text, address in ((f"inet6:{six}@[::1]", ("::1", six)), (f"inet:{own}:{four}", (own, four))):
            d = self.daemon("", ZONE, start=False)
            d.listen, d.address = text, address
            d.configure("")
            d.start()
            self.assertTrue(d.client().message().accepted)
            d.stop()

    def test_pid_file(self):
        d = self.daemon("", ZONE, start=False)
        path = d.directory / "pid"
        d.configure(f'pid-file = "{path}";\n')
        d.start()
        self.assertEqual(int(path.read_text()), d.process.pid)
        d.stop()
        self.assertFalse(path.exists())
        d.configure('pid-file = "/nowhere/pid";\n')
        self.refused(d, EX_CANTCREAT, "pid-file: cannot write /nowhere/pid")
        self.assertFalse(os.path.exists(d.address))

    def test_systemd_is_told(self):
        d = self.daemon("", ZONE, start=False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(str(d.directory / "notify"))
            s.settimeout(harness.PATIENCE)
            os.environ["NOTIFY_SOCKET"] = str(d.directory / "notify")
            try:
                d.start()
            finally:
                del os.environ["NOTIFY_SOCKET"]
            self.assertIn(b"READY=1", s.recv(1000))
            d.reload("")
            self.assertIn(b"RELOADING=1", s.recv(1000))
            self.assertIn(b"READY=1", s.recv(1000))
            d.stop()
            self.assertIn(b"STOPPING=1", s.recv(1000))


@unittest.skipUnless(harness.as_root(), "needs root")
class Log(harness.WireTest):
    """Where lines go without --log, on a machine with a /dev of its own and no terminal."""

    WITH_DEV = ('for name in null urandom; do touch "$0/$name"; mount --bind "/dev/$name" "$0/$name" || exit 1; done; '
                'mount --bind "$0" /dev && exec "$@"')

    def setUp(self):
        self.d = self.daemon("", ZONE, start=False)
        self.dev = self.d.directory / "dev"
        self.dev.mkdir()

    def launch(self):
        words = ["unshare", "--mount", "sh", "-c", self.WITH_DEV, self.dev, BINARY, "milter", "-c", self.d.path]
        with open(self.d.log_path, "ab") as log:
            self.d.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def test_nobody_there(self):
        """A container: neither terminal nor syslog."""
        self.launch()
        self.d.wait_for_log("is listening on")
        self.assertTrue(self.d.client().message().accepted)
        self.d.wait_for_log("QID1: .*action=accept")
        self.d.stop()
        self.assertTrue(self.d.lines("stopped"))
        self.d.path.write_text(f'listen = "unix:{self.d.directory}/none/sock";\n')
        self.launch()
        self.assertEqual(self.d.wait(), EX_UNAVAILABLE)
        self.assertRegex(self.d.log(), "error: cannot listen on unix:.*: No such file or directory")
        self.d.process = None

    def test_syslog_that_does_not_read(self):
        """Its socket is full after some lines: mail goes on, and no line of it is lost."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            syslog.bind(str(self.dev / "log"))
            syslog.settimeout(harness.PATIENCE)
            self.launch()
            self.assertRegex(self.next_with(syslog, "listening"), rf"^<22>\w+ .* assay\[{self.d.process.pid}\]: assay ")
            c = self.d.client()
            for i in range(1000):
                self.assertTrue(c.message(queue_id=f"Q{i}").accepted)
            for i in range(1000):
                self.assertIn(f" Q{i}: ", self.next_with(syslog, "action="))
            self.assertTrue(c.message(queue_id="LAST").accepted)
            self.next_with(syslog, "LAST: ")
            for i in range(600):
                self.assertTrue(c.message(queue_id=f"R{i}").accepted)
            start = time.monotonic()
            self.assertEqual(self.d.stop(), 0)
            self.assertLess(time.monotonic() - start, 10 if harness.SANITIZED else 2)

    def next_with(self, syslog, word):
        while True:
            line = syslog.recv(65536).decode()
            if word in line:
                return line


@unittest.skipUnless(harness.as_root(), "needs root")
class User(harness.WireTest):
    def setUp(self):
        self.d = self.daemon("", ZONE, start=False)
        self.d.directory.chmod(0o755)
        self.run = self.d.directory / "run"
        self.run.mkdir()
        self.nobody = pwd.getpwnam("nobody")
        os.chown(self.run, self.nobody.pw_uid, self.nobody.pw_gid)
        self.key = self.d.directory / "k.pem"
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", self.key], check=True)
        self.signing = f'signing = ( {{ domain = "example.test"; keys = ( {{ selector = "s"; file = "{self.key}"; }} ); }} );\n'
        self.d.address = str(self.run / "sock")
        self.d.listen = f"unix:{self.d.address}"

    def test_becomes_it_for_good(self):
        os.chown(self.key, self.nobody.pw_uid, -1)
        self.key.chmod(0o600)
        self.d.configure('user = "nobody";\n' + self.signing)
        self.d.start()
        status = pathlib.Path(f"/proc/{self.d.process.pid}/status").read_text()
        ids = {line.split(":")[0]: line.split()[1:] for line in status.splitlines() if ":" in line}
        self.assertEqual(set(ids["Uid"]), {str(self.nobody.pw_uid)})
        self.assertEqual(set(ids["Gid"]), {str(self.nobody.pw_gid)})
        self.assertNotIn("0", ids["Groups"])
        self.assertEqual(ids["CapEff"], ["0000000000000000"])
        self.assertEqual(ids["NoNewPrivs"], ["1"])
        self.assertEqual(os.stat(self.d.address).st_uid, self.nobody.pw_uid)
        self.assertFalse(self.d.lines("running as root"))
        self.assertTrue(self.d.reload())
        self.assertEqual([e[2] for e in self.d.client(address="127.0.0.1").message().edits], ["DKIM-Signature"])
        limits = pathlib.Path(f"/proc/{self.d.process.pid}/limits").read_text()
        limit = int(re.search(r"Max open files +\d+ +(\d+)", limits)[1])
        self.assertTrue(self.d.reload('user = "nobody";\nlimits = { connections = 100000; };\n'))
        if limit < 200000:
            self.assertTrue(self.d.lines(f"warning: limits.connections is 100000, but only {limit} files"), self.d.log())
        self.d.stop()
        self.assertFalse(os.path.exists(self.d.address))

    def as_user(self, user, *words):
        """A command as this user, who may read the configuration."""
        self.d.path.chmod(0o644)
        command = ["setpriv", f"--reuid={user}", f"--regid={self.nobody.pw_gid}", "--clear-groups", BINARY, *words, "-c", str(self.d.path)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=harness.PATIENCE)
        if "Permission denied" in run.stderr and "setpriv" in run.stderr:
            self.skipTest("the program is where nobody can read")
        return run

    def test_keys_must_be_its_own_to_read(self):
        os.chown(self.key, 0, 0)
        self.key.chmod(0o600)
        self.d.configure('user = "nobody";\n' + self.signing)
        check = subprocess.run([BINARY, "config", "check", "-c", self.d.path], capture_output=True, text=True)
        self.assertEqual(check.returncode, EX_CONFIG)
        self.assertRegex(check.stderr, rf"{self.d.path}:\d+: .*k\.pem")
        self.d.start()  # and verifies
        self.assertTrue(self.d.lines(r"error: left out.*assay\.conf:\d+: .*k\.pem: user nobody may not read it"))
        self.assertEqual(self.d.client(address="127.0.0.1").message().edits, [])
        self.assertFalse(self.d.reload())
        os.chown(self.key, self.nobody.pw_uid, -1)
        self.assertTrue(self.d.reload())
        self.assertEqual([e[2] for e in self.d.client(address="127.0.0.1").message().edits], ["DKIM-Signature"])

    def test_keys_are_opened_with_its_rights(self):
        """A key that is in order, in a folder that the user may not enter."""
        folder = self.d.directory / "closed"
        folder.mkdir(mode=0o700)
        os.chown(self.key, self.nobody.pw_uid, -1)
        self.key.chmod(0o600)
        self.key.rename(folder / "k.pem")
        self.d.configure('user = "nobody";\n' + self.signing.replace(str(self.key), str(folder / "k.pem")))
        check = subprocess.run([BINARY, "config", "check", "-c", self.d.path], capture_output=True, text=True)
        self.assertEqual(check.returncode, EX_CONFIG)
        self.assertRegex(check.stderr, "may not enter|Permission denied")

    def test_reload_reads_keys_as_it(self):
        os.chown(self.key, self.nobody.pw_uid, -1)
        self.key.chmod(0o600)
        self.d.configure('user = "nobody";\n')
        self.d.start()
        os.chown(self.key, 0, 0)
        self.assertFalse(self.d.reload('user = "nobody";\n' + self.signing))
        os.chown(self.key, self.nobody.pw_uid, -1)
        self.assertTrue(self.d.reload('user = "nobody";\n' + self.signing))

    def test_without_user_root_is_warned(self):
        self.d.configure("")
        self.d.start()
        self.assertTrue(self.d.lines("warning: running as root"))

    def test_socket_for_a_group_that_it_is_not_in(self):
        """As the unit starts it, not as root: the error names the group, and what to do."""
        for more, words in (('socket-group = "mail";\n', r'the group "mail": Operation not permitted; .*SupplementaryGroups=mail'),
                            ('socket-owner = "daemon";\n', r'the user "daemon": Operation not permitted; .*remove socket-owner'),
                            ('socket-owner = "daemon"; socket-group = "mail";\n', 'the user "daemon" and the group "mail": ')):
            self.d.configure(more)
            run = self.as_user("nobody", "milter", "--log", "stderr")
            self.assertEqual(run.returncode, EX_UNAVAILABLE, run.stderr)
            self.assertRegex(run.stderr, f"error: cannot listen on unix:.*/sock: cannot give the socket to {words}")
            self.assertFalse(os.path.exists(self.d.address))

    def test_whose_rights_a_check_had(self):
        """The check of a reload runs as the user itself: nothing to tell then."""
        os.chown(self.key, 0, self.nobody.pw_gid)
        self.key.chmod(0o640)
        os.chown(self.run, pwd.getpwnam("daemon").pw_uid, -1)
        states = pathlib.Path(self.d.path).parent / "private" / "states"
        states.mkdir(parents=True)
        for folder in states, states.parent:
            os.chown(folder, pwd.getpwnam("daemon").pw_uid, -1)
            folder.chmod(0o700)  # nobody may not look into it
        note = '(the keys were read with your rights, not with those of the user "daemon")\n'
        for user, text in (("daemon", ""), ("nobody", note)):
            self.d.configure(f'user = "daemon";\nstate-dir = "{states}";\n' + self.signing)
            run = self.as_user(user, "config", "check")
            self.assertEqual((run.returncode, run.stdout, run.stderr), (0, f"{self.d.path} is good\n" + text, ""), run)

    def test_a_directory_is_for_the_daemons_user(self):
        """Whoever asks."""
        self.d.configure('user = "daemon";\nstate-dir = "/nowhere";\n')
        run = self.as_user("nobody", "config", "check")
        self.assertIn("give user daemon a directory of its own: install -d -o daemon ", run.stderr)

    def test_nobody_can_become_another(self):
        self.d.configure('user = "daemon";\n')
        run = self.as_user("nobody", "config", "check")
        self.assertEqual((run.returncode, run.stderr), (0, ""), run)
        run = self.as_user("nobody", "milter", "--log", "stderr")
        self.assertEqual(run.returncode, EX_CONFIG)
        self.assertIn("only root can become", run.stderr)


class Configuration(unittest.TestCase):
    """What is wrong is said with its place, and nothing starts."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="assay-wire-")
        self.path = pathlib.Path(self.directory.name) / "assay.conf"
        self.socket = pathlib.Path(self.directory.name) / "sock"
        self.addCleanup(self.directory.cleanup)

    def assay(self, *words):
        return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=harness.PATIENCE, stdin=subprocess.DEVNULL)

    def test_errors(self):
        for line, words in (("nonsense = 1;", "nonsense"), ('mode = "dream";', "shadow"), ("dns = { timeout = 7; };", "timeout"),
                            ('dns = { timeout = "7"; };', "timeout"), ('limits = { connections = 0; };', "connections"),
                            ('trusted-networks = [ "10.0.0.1/8" ];', "10.0.0.1/8"), ("spf = {", ""), ('listen = "what:1";', "listen"),
                            ('signing = ( { domain = "x.test"; } );', "keys")):
            with self.subTest(line=line):
                self.path.write_text(f'listen = "unix:{self.socket}";\n'.replace("listen", "pid-file" if "listen" in line else "listen")
                                     + "\n" + line + "\n")
                for command in (("config", "check", "-c"), ("config", "show", "-c"), ("milter", "--log", "stderr", "-c")):
                    run = self.assay(*command, str(self.path))
                    self.assertEqual(run.returncode, EX_CONFIG, run)
                    self.assertRegex(run.stderr, rf"{self.path}:[34]: ")
                    self.assertIn(words, run.stderr)
                    self.assertFalse(self.socket.exists())

    def test_all_complaints_at_once(self):
        self.path.write_text('one = 1;\nmode = "dream";\ndns = { deadline = "soon"; };\n')
        run = self.assay("config", "check", "-c", str(self.path))
        self.assertEqual(len(run.stderr.splitlines()), 3, run.stderr)

    def check(self, text, status=0):
        """The lines that config check writes about a configuration."""
        states = pathlib.Path(self.directory.name) / "states"
        states.mkdir(exist_ok=True)
        states.chmod(0o777)
        text += f'state-dir = "{states}";\n' * ("state-dir" not in text)
        self.path.write_text('authserv-id = "mx.test";\n' * ("authserv-id" not in text) + text)
        run = self.assay("config", "check", "-c", str(self.path))
        self.assertEqual(run.returncode, status, run)
        return [line.replace(self.directory.name, "DIR") for line in run.stderr.splitlines()]

    def test_directories_that_are_missing(self):
        self.assertEqual(self.check(f'listen = "unix:{self.directory.name}/none/sock";\n', EX_CONFIG),
                         ["DIR/assay.conf:2: listen: there is no directory DIR/none: make it"])
        self.assertEqual(self.check(f'pid-file = "{self.directory.name}/none/pid";\n', EX_CONFIG),
                         ["DIR/assay.conf:2: pid-file: there is no directory DIR/none: make it"])
        self.assertEqual(self.check(f'pid-file = "{self.path}/pid";\n', EX_CONFIG),
                         ["DIR/assay.conf:2: pid-file: DIR/assay.conf is no directory"])
        (line,) = self.check('listen = "unix:/run/assay-no-such-directory/sock";\n')
        self.assertRegex(line, r"^warning: DIR/assay.conf:2: listen: /run/assay-no-such-directory does not exist now; .*RuntimeDirectory=")

    def test_owner_and_group(self):
        socket = f'listen = "unix:{self.socket}";\n'
        self.assertEqual(self.check(f'{socket}socket-group = "no-such-group";\nsocket-owner = "no-such-user";\n', EX_CONFIG),
                         ['DIR/assay.conf:3: socket-group: there is no group "no-such-group"',
                          'DIR/assay.conf:4: socket-owner: there is no user "no-such-user"'])

    def test_names_and_networks(self):
        (line,) = self.check('trusted-networks = [ "192.0.2.0/24", "::1" ];\n')
        self.assertRegex(line, r"^warning: DIR/assay.conf:2: trusted-networks: 127\.0\.0\.1 is not in it: ")
        self.assertEqual(len(self.check('trusted-networks = [ ];\n')), 2)
        for name in ("localhost", "localhost.localdomain", "mx.localhost"):
            (line,) = self.check(f'authserv-id = "{name}";\n')
            self.assertRegex(line, rf'^warning: DIR/assay.conf:1: authserv-id: "{name}" is the name of every host')
        self.assertEqual(self.check('authserv-id = "localhosts.example";\n'), [])

    def test_files_that_reports_need(self):
        folder = self.directory.name
        text, program, junk = f"{folder}/text", f"{folder}/mailer", f"{folder}/junk.mmdb"
        for path, mode in ((text, 0o644), (program, 0o755), (junk, 0o644), (text + "6", 0o644)):
            pathlib.Path(path).write_text("x\n")
            os.chmod(path, mode)
        sends = 'reports = {{ send = true; from = "d@a.test"; mailer = "{}"; }};\n'
        self.assertEqual(self.check(sends.format(program)), [])
        self.assertEqual(self.check(sends.format("smtp://127.0.0.1:25")), [])
        for mailer, why in (("/none/sendmail", "No such file or directory"), (text, "Permission denied"), (folder, "is no file"),
                            ("smtp://a:b:c", "is no URL such as smtp://127.0.0.1:25"), (f"{text}/x", "Not a directory")):
            (line,) = self.check(sends.format(mailer))
            self.assertEqual(line, f"warning: DIR/assay.conf:2: reports.mailer: {mailer.replace(folder, 'DIR')}: {why}: reports cannot "
                             "be handed over: name the sendmail(1) of this host, or smtp://HOST:PORT")
        files = 'reports = {{ country-file = "{}"; network-file = "{}"; }};\n'
        self.assertEqual(self.check('reports = { record = true; };\n'), [])
        self.assertEqual(self.check(f'reports = {{ country-file = "{text}"; }};\n'), [])
        os.unlink(text + "6")
        found = self.check(files.format(text, "/none/x.mmdb"))
        self.assertEqual(found, [
            "warning: DIR/assay.conf:2: reports.country-file: DIR/text6: No such file or directory: countries of IPv6 addresses stay "
            "unknown",
            "warning: DIR/assay.conf:2: reports.network-file: /none/x.mmdb: No such file or directory: autonomous systems stay unknown"])
        found = self.check(files.format(junk, junk))
        self.assertEqual(len(found), 2, found)
        self.assertRegex(found[0], r"^warning: DIR/assay.conf:2: reports.country-file: DIR/junk.mmdb: .*: countries stay unknown$")
        self.assertRegex(found[1], r"^warning: DIR/assay.conf:2: reports.network-file: DIR/junk.mmdb: .*: autonomous systems stay unknown$")

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_files_that_the_user_may_not_read(self):
        """Root could, and the reports' commands become the user first."""
        folder = pathlib.Path(self.directory.name)
        folder.chmod(0o755)
        program, text = folder / "mailer", folder / "text"
        for path, mode in ((program, 0o700), (text, 0o600), (folder / "text6", 0o644)):
            path.write_text("x\n")
            path.chmod(mode)
        config = (f'user = "nobody";\nreports = {{ send = true; from = "d@a.test"; mailer = "{program}";\n'
                  f'  country-file = "{text}"; }};\n')
        self.path.touch(mode=0o644)
        self.assertEqual([line.split(": ")[1:5] for line in self.check(config)],
                         [["DIR/assay.conf:3", "reports.mailer", "DIR/mailer", "Permission denied"],
                          ["DIR/assay.conf:4", "reports.country-file", "DIR/text", "Permission denied"]])

    def test_names_of_files_in_a_mail_folder(self):
        """They are whose folder it is; what reads it may be root's terminal."""
        folder = pathlib.Path(self.directory.name) / "box"
        folder.mkdir()
        (folder / "a\x1b]0;x\x07.eml").write_text("From: a@a.test\n\ntext\n")
        (folder / "zone").write_text("")
        self.path.write_text('authserv-id = "mx.test";\n')
        shown = self.assay("check", "-c", str(self.path), "--dns", str(folder / "zone"), "--ip", "192.0.2.1", "--from", "",
                           "--helo", "x.test", str(folder))
        self.assertIn(f"{folder}/a\\x1b]0;x\\x07.eml: delivered", shown.stdout, shown.stderr)
        self.assertNotIn("\x1b", shown.stdout + shown.stderr)

    def test_secrets_are_not_shown(self):
        key = "abcdefgh1234567890abcdefgh"
        self.path.write_text('state = [ "redis://mx:tops3cr3t@redis.test:6380/1", "redis://other.test" ];\nauthserv-id = "mx.test";\n'
                             f'dnsbl = {{ lists = ( {{ zone = "{key}.zen.dq.spamhaus.net"; weight = 3; }} ); }};\n')
        shown = self.assay("config", "show", "-c", str(self.path))
        self.assertEqual(shown.returncode, 0)
        self.assertIn('state = [ "redis://mx:***@redis.test:6380/1", "redis://other.test" ];', shown.stdout)
        self.assertIn('zone = "***.zen.dq.spamhaus.net";', shown.stdout)
        for secret in ("tops3cr3t", key):
            self.assertNotIn(secret, shown.stdout)
        shown = self.assay("config", "show", "--secrets", "-c", str(self.path)).stdout
        self.assertIn("mx:tops3cr3t@redis", shown)
        self.assertIn(f"{key}.zen", shown)
        self.path.write_text(shown)  # and can be loaded again
        again = self.assay("config", "show", "--secrets", "-c", str(self.path)).stdout
        values = [[line.split(" //")[0].rstrip() for line in text.splitlines()] for text in (shown, again)]
        self.assertEqual(values[0], values[1])

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_rights_of_the_user(self):
        folder = pathlib.Path(self.directory.name)
        folder.chmod(0o755)
        keys = folder / "keys"
        keys.mkdir(mode=0o755)
        self.path.touch(mode=0o644)
        text = (f'user = "nobody";\nlisten = "unix:{self.socket}";\nsocket-group = "daemon";\nsocket-owner = "daemon";\n'
                f'pid-file = "{folder}/pid";\nsigning = ( {{ domain = "a.test"; directory = "{keys}"; }} );\n')
        found = self.check(text)
        self.assertEqual(len(found), 5, found)
        self.assertRegex(found[0], r"^warning: .*:3: listen: user nobody may not make files in DIR \(mode 0755\)")
        self.assertRegex(found[1], r"^warning: .*:4: socket-group: user nobody is not in the group daemon: .*SupplementaryGroups=daemon")
        self.assertRegex(found[2], r"^warning: .*:5: socket-owner: only if assay is started as root")
        self.assertRegex(found[3], r"^warning: .*:6: pid-file: user nobody may not make files")
        self.assertEqual(found[4], "warning: DIR/assay.conf:7: signing: directory: user nobody may not write to DIR/keys: the states of "
                         "its keys are lost at each start; run as root: chgrp nogroup DIR/keys && chmod g+rwx DIR/keys")
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, -1)
        os.chown(keys, -1, nobody.pw_gid)
        keys.chmod(0o770)
        self.assertEqual(self.check(text.replace('"daemon"', '"nogroup"', 1).replace('socket-owner = "daemon";', "")), [])
        networks = folder / "networks"
        networks.write_text("192.0.2.1\n")
        networks.chmod(0o600)
        self.assertEqual(self.check(f'user = "nobody";\nrelay-networks = "file:{networks}";\n'),
                         ["warning: a reload, as user nobody, fails: DIR/assay.conf:3: relay-networks: DIR/networks cannot be read: "
                          "Permission denied"])

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_a_state_dir_of_somebody_else(self):
        folder = pathlib.Path(self.directory.name)
        folder.chmod(0o755)
        (folder / "own").mkdir()
        self.path.touch(mode=0o644)
        text = f'user = "nobody";\nstate-dir = "{folder}/own";\n'
        self.assertEqual(self.check(text), [
            "warning: DIR/assay.conf:3: state-dir: DIR/own: this user may not make files in it: counts for reports are lost, and "
            "greylisting forgets at each start whom it knows; give user nobody a directory of its own: install -d -o nobody -m 0750 "
            "DIRECTORY"])
        os.chown(folder / "own", pwd.getpwnam("nobody").pw_uid, -1)
        self.assertEqual(self.check(text), [])

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_advice_to_another_user(self):
        """Somebody who asks without root is not told to take the keys from the daemon."""
        folder = pathlib.Path(self.directory.name)
        folder.chmod(0o755)
        keys = folder / "keys"
        keys.mkdir(mode=0o750)
        os.chown(keys, 0, grp.getgrnam("daemon").gr_gid)
        self.path.write_text(f'user = "daemon";\nauthserv-id = "mx.test";\nlisten = "unix:{self.socket}";\n'
                             f'signing = ( {{ domain = "a.test"; keys = ( {{ selector = "s"; file = "{keys}/k.pem"; }} ); }} );\n')
        self.path.chmod(0o644)
        run = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", BINARY, "config", "check", "-c", self.path],
                             capture_output=True, text=True)
        if "Permission denied" in run.stderr and "setpriv" in run.stderr:
            self.skipTest("the program is where nobody can read")
        self.assertEqual(run.returncode, EX_CONFIG)
        self.assertRegex(run.stderr, r"keys/k\.pem: user nobody may not enter .*keys \(owned by root:daemon, mode 0750\); run this as root\n$")

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_what_may_not_be_read(self):
        """Whoever asks without root is told what helps, by commands that look into folders of the daemon, too."""
        folder = pathlib.Path(self.directory.name)
        folder.chmod(0o755)
        program = shutil.copy(BINARY, folder / "assay")
        for name in ("keys", "state"):
            (folder / name).mkdir(mode=0o700)
        self.path.write_text(f'state-dir = "{folder}/state";\ngreylist = {{ mode = "enforce"; }};\n'
                             f'signing = ( {{ domain = "a.test"; directory = "{folder}/keys"; }} );\n')
        self.path.chmod(0o644)
        subprocess.run([program, "greylist", "add", "192.0.2.1", "-c", self.path], check=True, capture_output=True)
        for words in ("config check", "dkim list", "dkim rotate --domain a.test", "greylist list"):
            run = subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", program, *words.split(),
                                  "-c", self.path], capture_output=True, text=True)
            self.assertRegex(run.stderr, "Permission denied: run this as root\n$", words)
            self.assertIn(run.returncode, (EX_CONFIG, EX_CANTCREAT, EX_TEMPFAIL), words)

    def test_missing_file(self):
        for command in (("config", "check"), ("milter", "--log", "stderr")):
            run = self.assay(*command, "-c", str(self.path))
            self.assertEqual(run.returncode, EX_CONFIG)
            self.assertIn(str(self.path), run.stderr)

    def test_empty_file_is_good(self):
        self.path.write_text("")
        run = self.assay("config", "check", "-c", str(self.path))
        self.assertEqual((run.returncode, run.stdout), (0, f"{self.path} is good\n"), run.stderr)
        run = self.assay("config", "show", "-c", str(self.path))
        self.assertEqual(run.returncode, 0)
        self.path.write_text(run.stdout)
        self.assertEqual(self.assay("config", "check", "-c", str(self.path)).returncode, 0, run.stdout)

    @unittest.skipUnless(harness.as_root(), "needs root")
    def test_short_host_name_is_told_once(self):
        pathlib.Path(self.directory.name).chmod(0o755)
        self.path.write_text('user = "nobody";\n')  # root reads it, and then as the user
        renamed = ["unshare", "--uts", "sh", "-c", 'hostname shorty && exec "$@"', "sh"]
        run = subprocess.run([*renamed, BINARY, "config", "check", "-c", self.path], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run)
        self.assertEqual(run.stderr.count("this host knows no full name of itself"), 1, run.stderr)

    def test_unknown_user(self):
        self.path.write_text('user = "no-such-user";\n')
        for command in (("config", "check", "-c"), ("milter", "--log", "stderr", "-c")):
            run = self.assay(*command, str(self.path))
            self.assertEqual(run.returncode, EX_CONFIG)
            self.assertRegex(run.stderr, rf"{self.path}:1: .*no-such-user")

    def test_usage(self):
        for words, said in (((), "usage"), (("mlter",), 'do you mean "milter"'), (("frobnicate",), "assay help"),
                            (("milter", "--nonsense"), "--nonsense"), (("milter", "extra"), "extra"),
                            (("milter", "--log", "paper"), "neither stderr nor syslog"), (("config",), "usage"),
                            (("config", "dance"), "assay config help"), (("x" * 1000,), "assay help")):
            run = self.assay(*words)
            self.assertEqual(run.returncode, EX_USAGE, words)
            self.assertIn(said, run.stderr)
        for words in (("help",), ("--help",), ("milter", "--help"), ("config", "--help"), ("version",), ("--version",)):
            run = self.assay(*words)
            self.assertEqual((run.returncode, run.stderr), (0, ""), words)
            self.assertTrue(run.stdout)


if __name__ == "__main__":
    harness.main()
