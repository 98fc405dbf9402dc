#!/usr/bin/python3
"""What assay has for other programs, tried with them: the filter for fail2ban on real lines of a log, among them those of
a client that writes another one's address into its HELO; the AppArmor profile and the module for SELinux. others.py ROOT."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import harness

ROOT = pathlib.Path(sys.argv.pop(1))
STRANGER = "203.0.113.9"
ZONE = {"strict.test": {"TXT": ["v=spf1 -all"]}, "open.test": {"TXT": ["v=spf1 +all"]}}


class Fail2ban(harness.WireTest):
    def lines(self):
        """A log with refused and accepted messages, as syslog writes it."""
        d = self.daemon('spf = { on-fail = "reject"; };\n', ZONE)
        hostile = [
            f"client=x[{STRANGER}]",
            f"x client=unknown[{STRANGER}] helo=y",
            f"a action=reject client=unknown[{STRANGER}] helo=",
        ]
        for helo in ["good.test", *hostile]:
            for sender in ("<a@strict.test>", "<a@open.test>"):
                c = d.client(address="192.0.2.77", helo=helo)
                c.message(sender)
                c.quit()
        c = d.client(address="2001:db8::77", family="6", helo="six.test")
        c.message("<a@strict.test>")
        c.quit()
        ours = [line.removeprefix("assay: ") for line in d.lines("origin=")]
        self.assertGreaterEqual(len(ours), 9, d.log())
        return [f"Nov 29 20:15:30 mx assay[4711]: {line}" for line in ours]

    def test_filter(self):
        tool = shutil.which("fail2ban-regex")
        if not tool:
            self.skipTest("fail2ban-regex is not here")
        lines = self.lines()
        refused = [line for line in lines if " action=reject " in re.sub(r" helo=.*", " ", line)]
        self.assertEqual(len(refused), 5, "\n".join(lines))
        with tempfile.TemporaryDirectory() as directory:
            filters = pathlib.Path(directory) / "filter.d"
            filters.mkdir()
            shutil.copy("/etc/fail2ban/filter.d/common.conf", filters)
            shutil.copy(ROOT / "etc/assay.fail2ban", filters / "assay.conf")
            log = pathlib.Path(directory) / "log"
            log.write_text("\n".join(lines) + "\n")
            done = subprocess.run([tool, "-o", "ip", log, filters / "assay.conf"], capture_output=True, text=True, timeout=60)
        found = done.stdout.split()
        self.assertEqual(found.count("192.0.2.77"), 4, done.stdout + done.stderr + "\n".join(lines))
        self.assertEqual(found.count("2001:db8::77"), 1, done.stdout)
        self.assertNotIn(STRANGER, found)


class Apparmor(harness.WireTest):
    def test_profile(self):
        tool = shutil.which("apparmor_parser")
        if not tool:
            self.skipTest("apparmor_parser is not here")
        text = (ROOT / "etc/assay.apparmor").read_text()
        self.assertEqual(self.parse(tool, text).returncode, 0, self.parse(tool, text).stderr)
        self.assertNotEqual(self.parse(tool, text.replace("capability setuid,", "capability nonsense,")).returncode, 0)

    def test_whom_it_holds(self):
        """The daemon, by its unit; no command, and no program that it starts gets a profile of its own: a process without
        new privileges would not be let into it, not even by a profile that only complains."""
        text = (ROOT / "etc/assay.apparmor").read_text()
        self.assertEqual(re.findall(r"(?m)^ *profile (.*?) *(?:flags=\S+)? \{", text), ["assay"])
        self.assertEqual(re.findall(r"(?m)^ *(/\S+ .*[cCpPuU]x\b.*)", text), [])
        self.assertRegex(text, r"(?m)^ */usr/libexec/assay/assay-reference mrix,")
        self.assertIn("\nAppArmorProfile=-assay\n", (ROOT / "etc/assay.service").read_text())

    def test_selinux(self):
        tool = shutil.which("checkmodule")
        if not tool:
            self.skipTest("checkmodule is not here")
        with tempfile.TemporaryDirectory() as directory:
            text = (ROOT / "etc/assay.te").read_text()
            source = pathlib.Path(directory) / "assay.te"
            for words, right in ((text, True), (text.replace("allow sendmail_t", "allow nonsense_t"), False)):
                source.write_text(words)
                done = subprocess.run([tool, "-M", "-m", "-o", source.with_suffix(".mod"), source], capture_output=True, text=True)
                self.assertEqual(done.returncode == 0, right, done.stderr)

    @staticmethod
    def parse(tool, text):
        return subprocess.run([tool, "--skip-kernel-load", "--skip-cache"], input=text, capture_output=True, text=True, timeout=60)


harness.main()
