"""doctor_cases.py - what assay doctor says of each MTA as it runs here, where nothing is wrong with it, and of its
configuration once something is."""

import json
import pathlib
import re
import shutil
import subprocess

from cases import case
from daemon import CONF
from namespace import GOOD4, MX4, WORK

ROOT = WORK / "elsewhere"


def look(t, *words):
    """What doctor finds."""
    done = subprocess.run([str(t.daemon.program), "doctor", "--json", *words], capture_output=True, text=True, timeout=60)
    found = json.loads(done.stdout)["findings"] if done.stdout else []
    said = [f"{f['level']} {f['check']} {f['subject']}: {f['what']}" for f in found if f["level"] != "good"]
    t.story.append("\n".join([f"assay doctor {' '.join(map(str, words))}: {done.stderr}", *said]))
    return found


def complaints(found, ignored=("clock",)):
    """The clock is that of the machine."""
    return sorted(f"{f['check']} {f['level']}" for f in found
                  if f["level"] in ("warning", "grave") and f["check"] not in ignored)


def nothing_wrong(t):
    found = look(t, "--address", MX4)  # Sendmail has a smart host here, for what leaves goes into a folder
    t.expect("complaints", complaints(found), [])
    for check in ("rights", "daemon", "resolver", "milter", "socket", "time-outs", "absence", "macros", "ptr", "spf"):
        t.expect(f"what is good: {check}", {f["level"] for f in found if f["check"] == check} <= {"good", "note"}, True)
    return found


def send_one(t):
    t.judged(t.send(t.mail("boss@reject.example"), "boss@reject.example", client=GOOD4), "spf=pass")


@case("enforce", "assay doctor has nothing against this machine")
def _(t):
    send_one(t)
    nothing_wrong(t)


@case("chroot", "assay doctor has nothing against the chroot either", "postfix-debian")
def _(t):
    send_one(t)
    found = nothing_wrong(t)
    t.expect("the socket, with Postfix's rights", [f["level"] for f in found if f["check"] == "socket"], ["good"])


@case("shipped", "assay doctor has nothing against Debian's sendmail.mc with our lines", "sendmail-debian")
def _(t):
    t.send(t.mail("root@mx.recv.example"), "", server="127.0.0.1", client="127.0.0.1", rcpt="root")
    found = look(t, "recv.example")
    t.expect("complaints", complaints(found), ["keys warning"])  # none signs yet


@case("enforce", "assay doctor: a daemon that is away, and one that cannot be reached")
def _(t):
    t.expect("assay's end", t.daemon.stop(), None)
    t.expect("complaints", complaints(look(t)), ["daemon warning", "socket grave"])
    t.daemon.start("enforce")


def copied(*changes):
    """The files of this machine with changes (path, pattern, new) in a folder."""
    shutil.rmtree(ROOT, ignore_errors=True)
    for folder in ("etc/assay", "etc/postfix", "etc/mail"):
        if pathlib.Path("/", folder).exists():
            shutil.copytree(pathlib.Path("/", folder), ROOT / folder, symlinks=True, ignore_dangling_symlinks=True)
    for path, pattern, new in changes:
        text = (ROOT / path).read_text()
        changed = re.sub(pattern, new, text, flags=re.MULTILINE)
        assert changed != text, f"{path} has no {pattern}"
        (ROOT / path).write_text(changed)
    return ROOT


def postconf(*settings):
    """Changes main.cf by Postfix's own command."""
    subprocess.run(["postconf", "-c", str(ROOT / "etc/postfix"), "-e", *settings], check=True, capture_output=True)


POSTFIX = {
    "time-outs": "smtpd_milters = { inet:127.0.0.1:8892, content_timeout=2s, default_action=tempfail }",
    "absence": "smtpd_milters = { inet:127.0.0.1:8892, default_action=accept }",
    "8bitmime": "smtpd_discard_ehlo_keywords = 8bitmime",
    "order": "smtpd_milters = local:opendkim.sock, inet:127.0.0.1:8892",
}
SENDMAIL = {
    "time-outs": ("T=C:1m;S:2m;R:4m;E:8m", "T=C:1m;R:2s"),
    "absence": ("F=T, ", ""),
    "order": ("MAIL_FILTER", "MAIL_FILTER(`opendkim', `S=local:/run/opendkim.sock')dnl\nINPUT_MAIL_FILTER"),
    "8bitmime": ("INPUT_MAIL", "define(`confSEVEN_BIT_INPUT', `True')dnl\nINPUT_MAIL"),
}


@case("enforce", "assay doctor reads what postconf writes", "postfix")
def _(t):
    for check, setting in POSTFIX.items():
        copied()
        postconf(setting)
        found = complaints(look(t, "--root", ROOT, "recv.example"))
        t.expect(f"complaints about {setting}", found, [f"{check} warning"])
    copied(("etc/postfix/main.cf", "^smtpd_milters.*", ""))
    t.expect("complaints without filters", complaints(look(t, "--root", ROOT, "recv.example")), ["milter grave"])


@case("enforce", "assay doctor reads what m4 makes of sendmail.mc", "sendmail")
def _(t):
    shipped = pathlib.Path("/etc/mail/sendmail.mc").read_text()
    for check, (old, new) in SENDMAIL.items():
        copied()
        assert old in shipped
        source = ROOT / "sendmail.mc"
        source.write_text(shipped.replace(old, new, 1))
        done = subprocess.run(["m4", source], stdout=subprocess.PIPE, check=True)
        (ROOT / "etc/mail/sendmail.cf").write_bytes(done.stdout)
        found = complaints(look(t, "--root", ROOT, "recv.example"))
        t.expect(f"complaints about {check}", found, [f"{check} warning"])
