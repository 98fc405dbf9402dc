#!/usr/bin/python3
"""What reads the fields that assay writes, tried on real ones: SpamAssassin, rspamd and Sieve, with the files of etc/. (For
fail2ban see others.py.) readers.py ROOT READERS; READERS is where tests/lib/unpack put tests/reader-packages. They run in
namespaces of their own. Without root or READERS: skipped, 77."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve()
ROOT, READERS = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SKIPPED = 77
WORK = pathlib.Path("/run/readers")
OURS = "mx.test"
ZONE = {
    "good.test": {"TXT": ["v=spf1 +all"], "MX": [(10, "mx.good.test")]},
    "_dmarc.good.test": {"TXT": ["v=DMARC1; p=reject"]},
    "bad.test": {"TXT": ["v=spf1 -all"], "MX": [(10, "mx.bad.test")]},
    "_dmarc.bad.test": {"TXT": ["v=DMARC1; p=quarantine"]},
    "null.test": {"MX": [(0, "")]},
    "mx.good.test": {"A": ["192.0.2.25"]},
    "mx.bad.test": {"A": ["192.0.2.26"]},
    "2.0.0.127.list.test": {"A": ["127.0.0.2"]},
    "77.2.0.192.list.test": {"A": ["127.0.0.2"]},
}
CONFIG = """dmarc = { on-quarantine = "tag"; on-reject = "reject"; };
sender = { mode = "enforce"; };
dnsbl = { lists = ( { zone = "list.test"; kind = "client"; weight = 3; label = "A list"; } ); };
"""
FORGED = f" {OURS}; dmarc=pass header.from=bad.test"


def inside():
    """Runs this program again in namespaces, as the first process of them."""
    if os.geteuid() != 0 or not READERS.is_dir():
        print(f"skipped: it needs root, and {READERS} (tests/lib/unpack tests/reader-packages {READERS})")
        return SKIPPED
    words = ["unshare", "--mount", "--net", "--pid", "--mount-proc", "--fork", "--kill-child", "/usr/bin/python3", str(HERE)]
    child = subprocess.Popen([*words, *sys.argv[1:], "--inside"])
    signal.signal(signal.SIGTERM, lambda *_: child.kill())
    return child.wait()


if sys.argv[3:4] != ["--inside"]:
    sys.exit(inside())
sys.argv[1:] = sys.argv[4:]
sys.path += [str(ROOT / "tests/wire"), str(ROOT / "tests/e2e")]

import harness
import milter_client
import namespace


def make_machine():
    temporary = os.environ.get("TMPDIR", "/tmp")
    namespace.WORK = WORK
    namespace.mount_files(READERS / "root")
    namespace.command("ip", "link", "set", "lo", "up")
    for number, name in enumerate(("_rspamd", "reader")):
        namespace.add_user(name, 950 + number)
    WORK.chmod(0o755)
    os.environ["TMPDIR"] = temporary


def shipped(name):
    """A file of etc/, with our name in it."""
    text = (ROOT / "etc" / name).read_text()
    return text.replace("mx.example.org", OURS).replace("mx\\\\.example\\\\.org", "mx\\\\.test").replace("mx\\.example\\.org", "mx\\.test")


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **options)
    return done.stdout + done.stderr


class Readers(harness.WireTest):
    def message(self, sender, **extra):
        """A message as it lies in the mailbox, with what assay has written into it."""
        d = self.daemon(CONFIG, ZONE)
        c = d.client(address="192.0.2.77", helo="client.test")
        received = " from client.test (client.test [192.0.2.77])\n\tby mx.test (Postfix) with ESMTP id QID1; Mon, 1 Jan 2024 00:00:00 +0000"
        header = [("Received", received), *milter_client.plain_header(sender, **extra)[1:]]
        reply = c.message(f"<{sender}>", header=header[1:])
        self.assertTrue(reply.accepted, d.log())
        fields = milter_client.delivered(header[1:], reply.edits)
        ours = [f for f in fields if f[0] in ("Authentication-Results", "Received-SPF", "X-Assay-Gate")]
        rest = [f for f in fields if f not in ours]
        c.quit()
        return "".join(f"{name}:{value}\n" for name, value in [*ours, header[0], *rest]) + "\nHello\n"

    def messages(self):
        good = self.message("a@good.test")
        bad = self.message("a@bad.test", Authentication_Results=FORGED)
        null = self.message("a@null.test")
        self.assertIn("dmarc=pass", good)
        self.assertIn("dis=quarantine", bad)
        self.assertNotIn("dmarc=pass", bad)
        self.assertIn("sender=null-mx", null)
        self.assertIn("dnsbl=3", null)
        return good, bad, null

    # What each program has to find in them.
    FOUND = (
        {"ASSAY_DMARC_PASS", "ASSAY_DNSBL"},
        {"ASSAY_DMARC_FAIL", "ASSAY_QUARANTINE", "ASSAY_DNSBL"},
        {"ASSAY_NULL_MX", "ASSAY_DNSBL"},
    )

    def compare(self, ask):
        for message, wanted in zip(self.messages(), self.FOUND):
            said = ask(message)
            self.assertEqual(set(re.findall(r"ASSAY_\w+", said)), wanted, message + said)
        forged = "Authentication-Results: mx.other; dmarc=pass dis=quarantine\nFrom: a@b.test\nSubject: x\n\nHello\n"
        self.assertEqual(set(re.findall(r"ASSAY_\w+", ask(forged))), set(), ask(forged))

    def test_spamassassin(self):
        folder = WORK / "sa"
        folder.mkdir()
        needed = "".join(f"loadplugin Mail::SpamAssassin::Plugin::{name}\n" for name in ("Check", "HeaderEval"))
        end = "report_safe 0\nclear_headers\nadd_header all Tests _TESTS(,)_\nutil_rb_tld test\n"
        (folder / "local.cf").write_text(needed + shipped("assay.spamassassin") + end)
        words = ["spamassassin", "-L", "-x", f"--configpath={folder}", f"--siteconfigpath={folder}"]
        self.assertEqual(run(*words, "--lint"), "")

        def ask(message):
            return "".join(re.findall(r"(?m)^X-Spam-Tests: .*$", run(*words, input=message)))

        self.compare(ask)

    def test_rspamd(self):
        folder = WORK / "rspamd"
        folder.mkdir()
        (folder / "local.lua").write_text(shipped("assay.rspamd"))
        (folder / "tld").write_text("com\ntest\n")
        port = harness.free_port("127.0.0.1")
        (folder / "rspamd.conf").write_text(
            f'options {{ filters = "regexp"; url_tld = "{folder}/tld"; tempdir = "/tmp"; dns {{ nameserver = ["127.0.0.1:53"]; }} }}\n'
            'logging { type = "console"; level = "info"; }\n'
            f'worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}\n'
            f'lua = "{folder}/local.lua"\n'
        )
        shutil.chown(folder, "_rspamd", "_rspamd")
        log = (folder / "log").open("w")
        words = ["rspamd", "-c", str(folder / "rspamd.conf"), "-f", "-u", "_rspamd", "-g", "_rspamd"]
        rspamd = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 100
            while "refused" in run("rspamc", "-h", f"127.0.0.1:{port}", "symbols", input="From: a@b.test\n\nx\n"):
                self.assertIsNone(rspamd.poll(), (folder / "log").read_text())
                self.assertLess(time.monotonic(), end, (folder / "log").read_text())
                time.sleep(0.3)
            self.compare(lambda message: run("rspamc", "-h", f"127.0.0.1:{port}", "symbols", input=message))
        finally:
            rspamd.terminate()
            rspamd.wait()

    def test_sieve(self):
        folder = WORK / "sieve"
        folder.mkdir()
        (folder / "assay.sieve").write_text(shipped("assay.sieve"))
        user = "mail_uid = reader\nmail_gid = reader\nfirst_valid_uid = 1\n"
        (folder / "dovecot.conf").write_text(f"ssl = no\n{user}mail_location = maildir:{folder}/mail\n")
        for path in (folder, folder / "assay.sieve"):
            shutil.chown(path, "reader", "reader")
        words = ["sieve-test", "-c", folder / "dovecot.conf", folder / "assay.sieve"]

        def filed(message):
            (folder / "message").write_text(message)
            return run(*words, folder / "message")

        good, bad, null = self.messages()
        self.assertIn("store message in folder: Junk", filed(bad))
        lower = "Authentication-Results: mx.other; dmarc=pass\n" + bad  # ours is not on top: somebody else's word
        for message in (good, null, lower, bad.replace("mx.test;", "mx.other;")):
            said = filed(message)
            self.assertIn("store message in folder: INBOX", said)
            self.assertNotIn("Junk", said, message)


make_machine()
harness.main()
