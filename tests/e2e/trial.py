"""trial.py - what a case can do (send, sign, look at what was delivered) and the runner.

A case is a function with a Trial as argument. Its checks collect what was wrong instead of stopping, so that one
run tells everything; with each wrong thing come the replies, the delivered header and the log lines of the case."""

import email
import email.utils
import itertools
import os
import shutil
import smtplib
import ssl
import subprocess
import time

import dkim

import filter
import namespace
import sink
import world
from daemon import Daemon
from mta import INBOX, MTAS, TOP
from namespace import GOOD4, MX4, MX6

OURS = {"return-path", "delivered-to", "x-original-to", "envelope-to", "delivery-date"}  # what delivery puts above the message
WAIT = 10  # seconds for a message to arrive


class Reply:
    """What the MTA said to the first command that it refused, or to the end of the message."""

    def __init__(self, code, text, stage):
        self.code, self.text, self.stage = code, text.decode(errors="replace").replace("\n", " "), stage

    def __str__(self):
        return f"{self.code} {self.text} (to {self.stage})"


class Delivered:
    """A message as it lies in the mailbox, without what delivery puts above it."""

    def __init__(self, data):
        lines = data.replace(b"\r\n", b"\n").split(b"\n")
        while lines[0].split(b":")[0].decode(errors="replace").lower() in OURS or lines[0][:1] in (b" ", b"\t"):
            lines.pop(0)
        self.data = b"\n".join(lines)
        self.message = email.message_from_bytes(self.data)
        self.names = [name for name, _ in self.message.items()]

    def all(self, name):
        """The values of the fields of this name, unfolded, topmost first."""
        return [" ".join(str(value).split()) for value in self.message.get_all(name, [])]

    @property
    def result(self):
        """Our Authentication-Results; empty if the topmost one is not ours."""
        topmost = self.all("Authentication-Results")[:1]
        return topmost[0] if topmost and topmost[0].startswith("mx.recv.example;") else ""

    def header(self):
        return self.data.split(b"\n\n")[0].decode(errors="replace")

    def verify(self, zones):
        """What dkimpy says of each signature: a list of (domain, algorithm, True or why not)."""
        wire = self.data.replace(b"\n", b"\r\n")
        found = []
        for index in range(self.names.count("DKIM-Signature")):
            verifier = dkim.DKIM(wire)
            try:
                good = verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: zones.txt(name))
            except dkim.DKIMException as error:
                good = str(error)
            fields = verifier.signature_fields
            found.append((fields.get(b"d", b"").decode(), fields.get(b"a", b"").decode(), good))
        return found

    def chain(self, zones):
        """What dkimpy and Mail::DKIM say of the ARC chain: "pass" where both do, else each with its reason."""
        wire = self.data.replace(b"\n", b"\r\n")
        cv, _, why = dkim.arc_verify(wire, dnsfunc=lambda name, timeout=5: zones.txt(name))
        said = [f"{cv.decode() if cv else 'fail'} {why}", mail_dkim_chain(wire, zones)]
        return "pass" if all(words.split()[0] == "pass" for words in said) else "; ".join(said)


def mail_dkim_chain(wire, zones):
    """The answer of Mail::DKIM: "pass 0 pass", for example."""
    records = world.WORK / "mail-dkim.records"
    records.write_text("".join(f"{name}\t{zones.txt(name).decode()}\n" for name in zones.names if zones.txt(name)))
    peer = ["perl", str(TOP / "tests/conformance/dkim_peer.pl"), str(records), str(world.WORK)]
    ask = f"arc-verify {len(wire)}\n".encode() + wire
    return subprocess.run(peer, input=ask, capture_output=True, timeout=60).stdout.decode().strip() or "no answer"


class Trial:
    """One case as it runs."""

    tokens = itertools.count(1)

    def __init__(self, mta, daemon, zones, syslog, sinks):
        self.mta, self.daemon, self.zones, self.syslog, self.sinks = mta, daemon, zones, syslog, sinks
        self.wrong = []
        self.story = []
        self.token = ""
        self.log_start, self.syslog_start = daemon.log_size(), len(syslog.lines)

    # --- what a case does

    def mail(self, sender, to="alice@recv.example", headers=(), without=(), body="A line.\n\nAnother line.\n", raw=()):
        """A message as bytes, with a token by which it is found again; `headers` come on top, and above them `raw`
        ones, which are bytes; the usual ones that `without` names are left out."""
        self.token = f"case-{next(self.tokens)}-{os.getpid()}"
        usual = [
            f"From: {sender}",
            f"To: <{to}>",
            "Subject: a message for the tests",
            f"Date: {email.utils.formatdate()}",
            f"Message-ID: <{self.token}@sender.example>",
            f"X-Case: {self.token}",
        ]
        fields = [*headers, *(field for field in usual if field.split(":")[0] not in without)]
        text = ("\n".join(fields) + "\n\n" + body).encode()
        return b"".join([*(field + b"\n" for field in raw), text]).replace(b"\n", b"\r\n")

    def sign(self, message, domain):
        """The message with a signature of this domain, made by dkimpy with the senders' key."""
        key = world.SENDER_KEY.read_bytes()
        fields = [b"from", b"to", b"subject", b"date", b"message-id"]
        canonical = (b"relaxed", b"relaxed")
        return dkim.sign(message, b"s1", domain.encode(), key, canonicalize=canonical, include_headers=fields) + message

    def send(self, message, mail_from, *where, **how):
        """Puts the message through the MTA, as send_all() does; returns its Reply."""
        return self.send_all([(message, mail_from)], *where, **how)[0]

    def send_all(
        self, messages, client=GOOD4, port=25, rcpt="alice@recv.example", auth=False, options=(), server=None, tls=None
    ):
        """Puts pairs of message and MAIL FROM through one connection as this client; returns a Reply for each. With
        `tls` it is encrypted, and the client shows the certificate of this name; "" is none."""
        replies = []
        smtp = smtplib.SMTP(timeout=60, local_hostname="mail.sender.example", source_address=(client, 0))
        try:
            smtp.connect(server or (MX6 if ":" in client else MX4), port)
            smtp.ehlo()
            if tls is not None:
                smtp._host = namespace.HOST  # starttls() wants a name, and connect() sets none
                smtp.starttls(context=self.tls_context(tls))
                smtp.ehlo()
            if auth:
                smtp.login("alice", "secret")
            for message, mail_from in messages:
                replies.append(self.transaction(smtp, message, mail_from, rcpt, options))
                self.story.append(f"{client} port {port} MAIL FROM:<{mail_from}>: {replies[-1]}")
            smtp.quit()
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPAuthenticationError) as error:
            self.story.append(f"{client} port {port}: {error}")
        return replies + [Reply(0, b"the connection ended", "nothing")] * (len(messages) - len(replies))

    @staticmethod
    def tls_context(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if name:
            context.load_cert_chain(world.TLS / f"{name}.pem", world.TLS / f"{name}.key")
        return context

    @staticmethod
    def transaction(smtp, message, mail_from, rcpt, options):
        for stage, ask in (
            ("MAIL", lambda: smtp.mail(mail_from, options)),
            ("RCPT", lambda: smtp.rcpt(rcpt)),
            ("the message", lambda: smtp.data(message)),
        ):
            try:
                code, text = ask()
            except smtplib.SMTPDataError as error:
                code, text = error.smtp_code, error.smtp_error
                stage = "DATA"
            if code >= 400:
                smtp.rset()
                break
        return Reply(code, text, stage)

    def pickup(self, message, sender, *rcpt, status=0):
        """Hands the message to sendmail(1), as a program on this machine does, which ends with this status."""
        text = message.replace(b"\r\n", b"\n")
        words = ["sendmail", "-i", "-f", sender, *(rcpt or ["-t"])]
        done = subprocess.run(words, input=text, capture_output=True, timeout=60)
        self.story.append(f"{' '.join(words)}: exit status {done.returncode} {done.stderr.decode(errors='replace')}")
        self.expect("sendmail(1) takes the message", done.returncode, status)

    def passes_again(self, found):
        """What was delivered as a message that comes by once more, to be found by a token of its own."""
        before = self.token
        self.token = f"case-{next(self.tokens)}-{os.getpid()}"
        self.log_start = self.daemon.log_size()
        return found.data.replace(f"X-Case: {before}".encode(), f"X-Case: {self.token}".encode()).replace(b"\n", b"\r\n")

    # --- what a case looks at

    def expect(self, what, got, *wanted, absent=()):
        """For text: all of `wanted` are in it, none of `absent`. Else: it equals the one wanted value."""
        if isinstance(got, str):
            good = all(word in got for word in wanted) and not any(word in got for word in absent)
            rule = f"{', '.join(wanted)}" + (f", and without {', '.join(absent)}" if absent else "")
        else:
            good, rule = got == wanted[0], repr(wanted[0])
        if not good:
            self.wrong.append(f"{what}\n  expected: {rule}\n  got:      {got}")

    def refused(self, reply, *words):
        """The reply has all these words."""
        self.expect("the reply", str(reply), *words)

    def accepted(self, reply):
        """The message was accepted; returns it as delivered (None, which is then told, if it was not)."""
        if reply.code != 250:
            self.wrong.append(f"the message is accepted\n  got: {reply}")
            return None
        return self.delivered()

    def delivered(self):
        """The last message of mail(), as it was delivered."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = self.find()
            if found:
                self.story.append("delivered:\n" + found.header())
                return found
            time.sleep(0.03)
        self.wrong.append(f"the message is delivered\n  got: nothing after {WAIT} s")
        return None

    def copies(self, count):
        """All copies of the last message of mail(), when there are so many: recipient -> (sender, message)."""
        end = time.monotonic() + WAIT
        while True:
            found = self.find_copies()
            if len(found) >= count or time.monotonic() > end:
                self.story += [f"a copy from <{sender}> for <{rcpt}>" for rcpt, (sender, _) in found.items()]
                self.expect("the copies", len(found), count)
                return found
            time.sleep(0.03)

    def find_copies(self):
        token, found = f"X-Case: {self.token}".encode(), {}
        for sender, recipients, data in (envelope for one in self.sinks for envelope in one.envelopes):
            if token in data:
                found |= {rcpt: (sender, Delivered(data)) for rcpt in recipients}
        for path in INBOX.iterdir() if INBOX.exists() else ():
            data = path.read_bytes()
            if token in data and not path.name.startswith("."):
                above = email.message_from_bytes(data)
                found[above["Delivered-To"]] = (above["Return-Path"].strip("<>"), Delivered(data))
        return found

    def find(self):
        for sent in (data for sink in self.sinks for data in sink.messages[::-1]):
            if self.token.encode() in sent:
                return Delivered(sent)
        for path in INBOX.iterdir() if INBOX.exists() else ():
            if not path.name.startswith("."):
                data = path.read_bytes()
                if f"X-Case: {self.token}".encode() in data:
                    return Delivered(data)
        return None

    def judged(self, reply, *words, absent=()):
        """The message was accepted, with our Authentication-Results on top and these words in it."""
        found = self.accepted(reply)
        if found:
            self.expect("our Authentication-Results", found.result, *words, absent=absent)
            self.expect("the topmost fields", found.names[:2], ["Authentication-Results", "Received-SPF"])
        return found

    def logged(self, *words):
        """One line of assay's log since the case began has all these words."""
        end = time.monotonic() + 2
        while True:
            log = self.daemon.tail(self.log_start)
            if any(all(word in line for word in words) for line in log.splitlines()):
                return
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        self.wrong.append(f"a line of assay's log with: {', '.join(words)}\n  got:\n{indent(log)}")

    def report(self):
        """What was wrong, with everything that helps to see why."""
        told = ["What happened:", *self.story, "assay's log:", self.daemon.tail(self.log_start).rstrip()]
        told += ["the MTA's log:", *self.syslog.lines[self.syslog_start :][-40:]]
        return "\n".join(self.wrong) + "\n" + indent("\n".join(told))


def indent(text):
    return "\n".join("    " + line for line in text.splitlines())


def run_case(case, number, *where):
    """Runs one case and prints its line; True if all was as expected."""
    started = time.monotonic()
    trial = Trial(*where)
    daemon = trial.daemon
    try:
        case.function(trial)
    except Exception as error:  # a broken case must not hide the others
        trial.wrong.append(f"the case ends: {type(error).__name__}: {error}")
    if not daemon.alive():
        trial.wrong.append("assay lives")
    took = time.monotonic() - started
    print(f"{'not ok' if trial.wrong else 'ok'} {number} - {case.profile}: {case.name} ({took:.1f} s)", flush=True)
    if trial.wrong:
        print(indent(trial.report()), flush=True)
    return not trial.wrong


def run_profile(profile, chosen, mta, daemon, *where):
    """Runs the cases of one profile on a daemon of their own; the number of those that went wrong."""
    daemon.start(profile)
    failed = 0
    for number, case in chosen:
        if not daemon.alive():
            daemon.start(profile)
        failed += not run_case(case, number, mta, daemon, *where)
    complaint = daemon.stop() if daemon.alive() else None
    if complaint:
        print(f"not ok - {profile}: {complaint}")
    return failed + bool(complaint)


def runs_under(case, mta_name):
    """A case that names no MTA runs under both that have all services, not under those with configurations of their own."""
    return case.mta == mta_name if case.mta else mta_name in ("postfix", "sendmail")


def run(mta_name, build, mtas, logs, only):
    """The ring for one MTA; returns the exit status."""
    import cases

    started = time.monotonic()
    syslog = namespace.build(logs, mtas / mta_name.partition("-")[0])
    namespace.add_user("assay", 890)
    world.make_keys(build / "assay")
    world.make_certificates()
    zones = world.make_zones()
    keep_alive = world.serve(zones)
    mta, daemon = MTAS[mta_name](), Daemon(build, TOP, logs)
    filters = filter.start_all()
    chosen = [c for c in enumerate(cases.CASES, 1) if only in f"{c[1].profile}: {c[1].name}" and runs_under(c[1], mta_name)]
    failed, sinks = 0, sink.start()
    try:
        mta.start()
        print(f"{mta_name} is up after {time.monotonic() - started:.1f} s; {len(chosen)} cases", flush=True)
        for profile in dict.fromkeys(case.profile for _, case in chosen):
            mine = [c for c in chosen if c[1].profile == profile]
            failed += run_profile(profile, mine, mta, daemon, zones, syslog, sinks)
    except RuntimeError as error:
        print(error)
        print("\n".join(syslog.lines[-30:]))
        failed += 1
    keep_alive.close()
    for one in filters:
        one.shutdown()
    for name in ("nsd.log", "unbound.log"):
        if (world.DNS / name).exists():
            shutil.copy(world.DNS / name, logs)
    print(f"{len(chosen)} cases with {mta_name}, {failed} failed, {time.monotonic() - started:.0f} s; logs in {logs}")
    return 1 if failed or not chosen else 0
