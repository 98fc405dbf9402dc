#!/usr/bin/python3
"""As root with user=: what stands in a directory that the user owns, and may have been put there by somebody who took
that user over, must not make root change, make or remove anything else."""

import grp
import os
import pathlib
import pwd
import socket
import stat
import subprocess
import unittest

import harness
from harness import BINARY
from zones import ZONE

EX_UNAVAILABLE, EX_CANTCREAT, EX_CONFIG = 69, 73, 78
SWAP = os.environ.get("ASSAY_SWAP_LIBRARY", "")


class Rights(harness.WireTest):
    def setUp(self):
        self.d = self.daemon("", ZONE, start=False)
        self.top = self.d.directory
        self.top.chmod(0o755)
        self.nobody = pwd.getpwnam("nobody")
        self.run = self.top / "run"  # where the user may do anything
        self.run.mkdir()
        os.chown(self.run, self.nobody.pw_uid, self.nobody.pw_gid)
        self.secrets = self.top / "secrets"  # where only root may
        self.secrets.mkdir(mode=0o700)
        self.victim = self.secrets / "victim"
        self.victim.write_text("precious\n")
        self.victim.chmod(0o600)
        self.before = self.look()

    def look(self):
        """All that must stay as it is."""
        st = os.stat(self.victim)
        names = sorted(os.listdir(self.secrets))
        return self.victim.read_text(), st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), names

    def configure(self, sock=None, pid=None, more=""):
        self.d.address = str(sock or self.run / "sock")
        self.d.listen = f"unix:{self.d.address}"
        self.d.configure('user = "nobody";\n' + (f'pid-file = "{pid}";\n' if pid else "") + more)

    def refused(self, status, words):
        self.assertEqual(self.d.launch().wait(harness.PATIENCE), status, self.d.log())
        self.assertRegex(self.d.log(), words)
        self.d.process = None

    def owner(self, path):
        st = os.lstat(path)
        return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)


@unittest.skipUnless(harness.as_root(), "needs root")
class PidFile(Rights):
    def test_is_put_in_place_of_what_is_there(self):
        path = self.run / "pid"
        for plant in (path.symlink_to, path.hardlink_to, lambda victim: path.write_text("1\n")):
            plant(self.victim)
            self.configure(pid=path)
            self.d.start()
            self.assertEqual(self.look(), self.before)
            self.assertEqual(self.owner(path), (self.nobody.pw_uid, self.nobody.pw_gid, 0o644))
            self.assertEqual(int(path.read_text()), self.d.process.pid)
            self.d.stop()
            self.assertFalse(os.path.lexists(path))
            self.assertEqual(os.listdir(self.run), [])
            os.truncate(self.d.log_path, 0)

    def test_directory_that_is_a_link(self):
        (self.run / "sub").symlink_to(self.secrets)
        self.configure(pid=self.run / "sub" / "pid")
        self.refused(EX_CANTCREAT, "pid-file: cannot write .*/pid as the user nobody: Permission denied")
        self.assertEqual(self.look(), self.before)
        self.assertFalse(os.path.lexists(self.d.address))  # the socket is taken away again

    def test_where_only_root_may(self):
        path = self.secrets / "pid"
        self.configure(pid=path)
        self.d.start()
        self.assertEqual(self.owner(path), (0, 0, 0o644))
        self.assertEqual(int(path.read_text()), self.d.process.pid)


@unittest.skipUnless(harness.as_root(), "needs root")
class Socket(Rights):
    def test_link_in_its_place(self):
        path = self.run / "sock"
        for plant in (path.symlink_to, path.hardlink_to):
            plant(self.victim)
            self.configure()
            self.refused(EX_UNAVAILABLE, "the file exists and is no socket")
            self.assertEqual(self.look(), self.before)
            self.assertTrue(os.path.lexists(path))
            path.unlink()

    def test_directory_that_is_a_link(self):
        (self.run / "sub").symlink_to(self.secrets)
        self.configure(sock=self.run / "sub" / "sock")
        self.refused(EX_UNAVAILABLE, r"cannot listen on .*Permission denied \(as the user nobody\)")
        self.assertEqual(self.look(), self.before)
        other = socket.socket(socket.AF_UNIX)  # one that is left, of somebody else
        other.bind(str(self.secrets / "sock"))
        other.close()
        self.refused(EX_UNAVAILABLE, r"Permission denied \(as the user nobody\)")
        self.assertTrue((self.secrets / "sock").is_socket())

    def swapped(self, plant, words):
        planted = self.run / "planted"
        plant(planted)
        self.configure(more='socket-group = "mail";\n')
        self.d.environment = {"LD_PRELOAD": SWAP, "ASSAY_PLANTED": str(planted)}
        self.refused(EX_UNAVAILABLE, words)
        self.assertNotIn("swap:", self.d.log())
        self.assertFalse(planted.is_symlink() or planted.exists())  # it was put in place
        self.assertEqual(self.look(), self.before)

    @unittest.skipIf(harness.SANITIZED or not SWAP, "needs a preloaded library")
    def test_swapped_after_it_was_made(self):
        words = "somebody took the socket away while it was opened"
        self.swapped(lambda path: path.symlink_to(self.victim), words)
        self.swapped(lambda path: path.hardlink_to(self.victim), words)
        with socket.socket(socket.AF_UNIX) as roots:
            roots.bind(str(self.secrets / "other"))
            os.chmod(self.secrets / "other", 0o600)
            self.before = self.look()
            self.swapped(lambda path: path.hardlink_to(self.secrets / "other"), words)
            self.assertEqual(self.owner(self.secrets / "other"), (0, 0, 0o600))

    def test_owner_group_and_mode(self):
        mail = grp.getgrnam("mail").gr_gid
        daemon = pwd.getpwnam("daemon").pw_uid
        for directory in (self.run, self.secrets):
            for more, owner in (
                ("", (self.nobody.pw_uid, self.nobody.pw_gid, 0o660)),
                ('socket-mode = "0606";\n', (self.nobody.pw_uid, self.nobody.pw_gid, 0o606)),
                ('socket-group = "mail";\n', (self.nobody.pw_uid, mail, 0o660)),
                ('socket-owner = "daemon"; socket-mode = "0600";\n', (daemon, self.nobody.pw_gid, 0o600)),
            ):
                with self.subTest(directory=directory.name, more=more):
                    self.configure(sock=directory / "sock", more=more)
                    self.d.start()
                    self.assertEqual(self.owner(self.d.address), owner)
                    self.d.process.kill()  # and one that is left is taken away
                    self.d.process.wait()
                    os.truncate(self.d.log_path, 0)
                    self.d.start()
                    self.assertEqual(self.owner(self.d.address), owner)
                    self.d.stop()
                    os.truncate(self.d.log_path, 0)
                    pathlib.Path(self.d.address).unlink(missing_ok=True)


@unittest.skipUnless(harness.as_root(), "needs root")
class ThirdUser(Rights):
    """Neither the daemon's user nor root should make files in a directory of somebody else."""

    def test_is_refused_and_foretold(self):
        os.chown(self.run, pwd.getpwnam("daemon").pw_uid, -1)
        self.configure(pid=self.run / "pid")
        check = subprocess.run([BINARY, "config", "check", "-c", self.d.path], capture_output=True, text=True)
        self.assertEqual(check.returncode, EX_CONFIG)
        for option in ("listen", "pid-file"):
            self.assertRegex(check.stderr, rf"(?m)^/.*: {option}: user nobody may not make files in .*/run .*, and root does not")
        self.refused(EX_UNAVAILABLE, r"cannot listen on .*Permission denied \(as the user nobody\)")
        self.assertEqual(os.listdir(self.run), [])


@unittest.skipUnless(harness.as_root(), "needs root")
@unittest.skipIf(harness.SANITIZED, "the search for leaks needs a process that can be traced")
class CoreDump(Rights):
    """Of a process that leaves no core dump the files in /proc belong to root."""

    def has_owner_in_proc(self, command, owner):
        log = open(self.d.log_path, "wb")
        process = subprocess.Popen(command, user="nobody", group="nogroup", extra_groups=[], stdin=subprocess.PIPE,
                                   stdout=log, stderr=log)
        try:
            harness.until(lambda: os.stat(f"/proc/{process.pid}/mem").st_uid == owner, f"{command} as {owner}: {self.d.log()}")
            self.assertIsNone(process.poll(), self.d.log())
        finally:
            process.kill()
            process.communicate()
            log.close()

    def test_there_is_none(self):
        program = pathlib.Path("/tmp") / f"assay-{os.getpid()}"  # where nobody can read it
        self.addCleanup(program.unlink, missing_ok=True)
        program.write_bytes(pathlib.Path(BINARY).read_bytes())
        program.chmod(0o755)
        self.d.address = str(self.run / "sock")
        self.d.listen = f"unix:{self.d.address}"
        self.d.configure("")
        self.has_owner_in_proc(["cat"], self.nobody.pw_uid)
        self.has_owner_in_proc([program, "milter", "--log", "stderr", "-c", self.d.path], 0)
        self.has_owner_in_proc([program, "dkim", "verify", "-c", self.d.path, "-"], 0)


if __name__ == "__main__":
    unittest.main()
