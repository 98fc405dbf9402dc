"""gate_cases.py - clients, DNS lists, senders and greylisting: as a milter under both MTAs; by the policy service alone
under Postfix (etc/postfix-policy.cf) and Exim (etc/exim-acl.conf); and by both under Postfix.

bl.example lists BAD4 and USER, allow.example lists USER; pool.example sends from GOOD4, GOOD6, FILTER and USER."""

import json
import re
import smtplib
import subprocess
import time

from cases import case
from daemon import CONF
from namespace import BAD4, FILTER, GOOD4, GOOD6, HOST, MX4, MX6, USER

ALONE = ["postfix-policy", "exim"]
POOL = "ann@pool.example"
DELAY = 3.2  # greylist.delay is 3 s, which an attempt at once stays below on a busy machine
GREYLISTED = ("451", "4.7.1", "Greylisted, please try again in ", "; see https://recv.example/mail")


def milter_case(name, profile="gate"):
    return case(profile, name)


def policy_case(name, mtas=ALONE, profile="policy"):
    """By the policy service alone."""

    def remember(function):
        for mta in mtas:
            case(profile, name, mta)(function)
        return function

    return remember


def one_line(text):
    """Exim breaks long replies, and begins each line with the enhanced code."""
    first, *others = text.decode(errors="replace").split("\n")
    return " ".join([first, *(re.sub(r"^[245]\.\d+\.\d+ ", "", line) for line in others)])


class Talk:
    """A dialogue as it was answered: `said` has (command, code, text)."""

    def __init__(self, t, client):
        self.t, self.client, self.said = t, client, []
        self.smtp = smtplib.SMTP(timeout=60, source_address=(client, 0))
        self.smtp.connect(MX6 if ":" in client else MX4, 25)

    def say(self, command):
        code, text = self.smtp.docmd(command)
        self.said.append((command, code, one_line(text)))
        return code

    def content(self, message):
        if self.say("DATA") == 354:
            self.smtp.send(message + b".\r\n")
            code, text = self.smtp.getreply()
            self.said.append(("the message", code, one_line(text)))

    def end(self):
        self.say("QUIT")
        self.smtp.close()
        self.t.story += [f"{self.client} {command}: {code} {text}" for command, code, text in self.said]

    def codes(self):
        return [code for command, code, _ in self.said if command.split()[0] in ("RCPT", "DATA", "the")]

    def __str__(self):
        """The last answer but that to QUIT."""
        command, code, text = self.said[-2]
        return f"{code} {text} (to {command})"


def talk(t, message, sender=POOL, client=GOOD4, rcpts=("alice@recv.example",), helo="mail.sender.example"):
    """One message, or, without one, only its envelope."""
    dialogue = Talk(t, client)
    dialogue.say(f"EHLO {helo}")
    dialogue.say(f"MAIL FROM:<{sender}>")
    for rcpt in rcpts:
        dialogue.say(f"RCPT TO:<{rcpt}>")
    if message and 250 in dialogue.codes():
        dialogue.content(message)
    dialogue.end()
    return dialogue


def remembered(t):
    """What greylisting remembers: {name: passed}."""
    words = [str(t.daemon.program), "greylist", "list", "--json", "-c", str(CONF)]
    done = subprocess.run(words, capture_output=True, text=True)
    t.expect("assay greylist list", done.returncode, 0)
    return {key["name"]: key["passed"] for key in json.loads(done.stdout)["keys"]}


def forget_all(t):
    names = list(remembered(t))
    if names:
        subprocess.run([str(t.daemon.program), "greylist", "forget", "-c", str(CONF), *names], check=True, stdout=subprocess.DEVNULL)
        time.sleep(1.1)  # the daemon notices within a second


# --- Greylisting


def greylisted_then_passed(t, where):
    """`where`: the command that is answered with 451."""
    forget_all(t)
    message = t.mail(POOL)
    first = talk(t, message)
    t.expect("the first attempt", str(first), *GREYLISTED, f"(to {where}")
    t.expect("no content was carried", first.codes()[-1], 451)
    t.expect("what is remembered", remembered(t), {f"{GOOD4}/32": False, "pool.example": False})
    t.expect("at once from another host", str(talk(t, message, client=GOOD6)), *GREYLISTED)
    time.sleep(DELAY)
    again = talk(t, message, client=FILTER)
    t.expect("later, from yet another host of the same SPF domain", again.said[-2][1], 250)
    t.logged("greylist=pass(domain pool.example)", f"[{FILTER}]")
    return t.delivered()


@milter_case("greylisted at DATA, passed on retry from another host of the same SPF domain")
def _(t):
    found = greylisted_then_passed(t, "DATA")
    if found:
        t.expect("our Authentication-Results", found.result, "spf=pass", "dmarc=none")


@milter_case("greylisted: two recipients have one fate; a retry too soon changes nothing")
def _(t):
    forget_all(t)
    message, rcpts = t.mail(POOL), ("alice@recv.example", "bob@recv.example")
    t.expect("the first attempt", talk(t, message, rcpts=rcpts).codes(), [250, 250, 451])
    t.expect("at once", talk(t, message, rcpts=rcpts).codes(), [250, 250, 451])
    t.logged("greylist=wait(", "nrcpt=2")
    time.sleep(DELAY)
    t.expect("later", talk(t, message, rcpts=rcpts).codes(), [250, 250, 354, 250])


@milter_case("greylisted: a recipient that wants none frees the message")
def _(t):
    forget_all(t)
    for free in ("open@recv.example", "postmaster@recv.example"):
        rcpts = ("alice@recv.example", free)
        t.expect(f"with {free}", talk(t, t.mail(POOL), rcpts=rcpts).codes(), [250, 250, 354, 250])
        t.logged("greylist=exempt(")
    t.expect("what is remembered", remembered(t), {})


def callout(t):
    forget_all(t)
    for _ in range(2):
        t.expect("the answer to RCPT", talk(t, None, sender="").codes(), [250])
    t.expect("what is remembered", remembered(t), {})


milter_case("a server that tests an address (MAIL, RCPT, QUIT) meets no greylisting")(callout)


@milter_case("SMTP AUTH: listed, unknown, calls itself by our name, and nobody minds")
def _(t):
    forget_all(t)
    message = t.mail("alice@recv.example", to="friend@far.example")
    found = t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True))
    if found:
        t.expect("no field of the gate", found.all("X-Assay-Gate"), [])
    t.logged("origin=ours")
    t.expect("what is remembered", remembered(t), {})


# --- Lists, HELO, senders


def listed(t):
    return talk(t, t.mail("x@evil.example"), "x@evil.example", BAD4)


@milter_case("a listed client: 550 names the list, and our own words stand behind it")
def _(t):
    t.expect("the answer", str(listed(t)), "550 5.7.1", f"[{BAD4}] is listed at Example BL; see https://recv.example/mail",
             "(to DATA)")
    t.logged("dnsbl=5(Example BL)", "action=reject cause=dnsbl at=data")


@milter_case("an allow list spares a listed client, from greylisting too")
def _(t):
    forget_all(t)
    found = t.accepted(t.send(t.mail(POOL), POOL, client=USER))
    if found:
        t.expect("our Authentication-Results", found.result, "dnswl=pass dns.zone=allow.example policy.ip=127.0.5.2")
    t.logged("dnsbl=0(Example BL,allow.example)", "greylist=exempt(allow list)")


@milter_case("X-Assay-Gate tells what was found, and forged ones are gone")
def _(t):
    forget_all(t)
    headers = [f"X-Assay-Gate: {name}; dnsbl=99 (Lies)" for name in ("mx.recv.example", '"MX.recv.example"', "elsewhere.example")]
    message = t.mail("x@null.example", headers=headers, to="open2@recv.example")
    for _ in range(2):
        reply = t.send(message, "x@null.example", client=GOOD4)
        time.sleep(DELAY)
    found = t.accepted(reply)
    if found:
        t.expect("the fields", found.all("X-Assay-Gate"),
                 ["mx.recv.example; sender=null-mx", "elsewhere.example; dnsbl=99 (Lies)"])
        t.expect("Authentication-Results", found.result, f"iprev=pass policy.iprev={GOOD4}")


@milter_case("a stranger by our own name: refused")
def _(t):
    t.expect("the answer", str(talk(t, t.mail(POOL), helo=HOST)), "550", "5.7.1", "calls itself by a name of this host")
    t.logged("helo-check=ours", "cause=helo")


# --- Trouble of ours


def nothing_refused(t):
    found = t.accepted(t.send(t.mail("x@evil.example"), "x@evil.example", client=BAD4))
    t.logged("dnsbl=0", "dnsbl-unknown=2(", "greylist=unknown", "action=accept")
    return found


milter_case("lists that do not answer, and no Redis: nothing is refused", "gate-dead")(nothing_refused)


# --- The policy service alone


@policy_case("greylisted, passed on retry from another host of the same SPF domain, with Received-SPF")
def _(t):
    found = greylisted_then_passed(t, "DATA" if t.mta.name != "exim" else "the message")
    if found:
        t.expect("Received-SPF", [value.split()[0] for value in found.all("Received-SPF")], ["pass"])
        t.expect("its words", found.all("Received-SPF")[0], f"client-ip={FILTER}", "identity=mailfrom", "receiver=mx.recv.example")
        t.expect("no Authentication-Results", found.all("Authentication-Results"), [])
    t.logged("at=data", "action=accept")


policy_case("a server that tests an address (MAIL, RCPT, QUIT) meets no greylisting")(callout)


@policy_case("two recipients: one answer, one field of each name")
def _(t):
    forget_all(t)
    rcpts = ("alice@recv.example", "bob@recv.example", "carol@recv.example")
    message = t.mail("x@null.example")
    talk(t, message, "x@null.example", rcpts=rcpts)
    time.sleep(DELAY)
    t.expect("the answers", talk(t, message, "x@null.example", rcpts=rcpts).codes(), [250, 250, 250, 354, 250])
    found = t.delivered()
    if found:
        t.expect("Received-SPF", len(found.all("Received-SPF")), 1)
        t.expect("X-Assay-Gate", found.all("X-Assay-Gate"), ["mx.recv.example; sender=null-mx"])


@policy_case("a listed client: 550 at RCPT for all but those of the exceptions")
def _(t):
    forget_all(t)
    rcpts = ("alice@recv.example", "open@recv.example", "bob@recv.example")
    dialogue = talk(t, t.mail("x@evil.example"), "x@evil.example", BAD4, rcpts)
    t.expect("the answers", dialogue.codes(), [550, 250, 550, 354, 250])
    t.expect("the first", dialogue.said[2][2], "5.7.1", f"[{BAD4}] is listed at Example BL; see https://recv.example/mail")
    t.logged("cause=dnsbl at=rcpt")


@policy_case("SPF fail: 550 5.7.23, in the domain's own words")
def _(t):
    dialogue = talk(t, t.mail(POOL), "x@explained.example", GOOD4)
    t.expect("the answer", str(dialogue), "550", "5.7.23", f"100% of the mail of explained.example comes from elsewhere, not from {GOOD4}")


@policy_case("SPF of the domain that does not answer: nobody is refused")
def _(t):
    forget_all(t)
    message = t.mail("x@servfail.example")
    talk(t, message, "x@servfail.example")
    time.sleep(DELAY)
    t.expect("the answers", talk(t, message, "x@servfail.example").codes(), [250, 354, 250])
    found = t.delivered()
    if found:
        t.expect("Received-SPF", found.all("Received-SPF")[0], "temperror")


@policy_case("what a client says in HELO and MAIL breaks no request")
def _(t):
    forget_all(t)
    odd = "a=b%$\\{x}"
    message = t.mail(POOL)
    for _ in range(2):
        dialogue = talk(t, message, f'"{odd}"@pool.example')
        time.sleep(DELAY)
    t.expect("the answers", dialogue.codes(), [250, 354, 250])


policy_case("lists that do not answer, and no Redis: nothing is refused", profile="policy-dead")(
    lambda t: (
        t.expect("the answers", talk(t, t.mail("x@evil.example"), "x@evil.example", BAD4).codes(), [250, 354, 250]),
        t.logged("dnsbl=0", "dnsbl-unknown=2("),
        t.logged("greylist=unknown"),
    )
)


@policy_case("without the service mail goes on")
def _(t):
    t.daemon.stop()
    try:
        t.expect("the answers", talk(t, t.mail("x@evil.example"), "x@evil.example", BAD4).codes(), [250, 354, 250])
    finally:
        t.daemon.start("policy")


@policy_case("certificates that Postfix trusts are ours, others are not", ["postfix-policy"], "policy-certificates")
def _(t):
    good = t.send(t.mail("x@evil.example"), "x@evil.example", BAD4, tls="good")
    t.expect("one of our CA", str(good), "250")
    for name in ("", "bad", "self"):
        reply = t.send(t.mail("x@evil.example"), "x@evil.example", BAD4, tls=name)
        t.expect(f"certificate {name or 'none'}", str(reply), "550", "is listed at Example BL")


# --- Both doors


@policy_case("both doors: one of each field, greylisted once", ["postfix-both"])
def _(t):
    forget_all(t)
    message = t.sign(t.mail("x@null.example"), "reject.example")
    first = talk(t, message, "x@null.example")
    t.expect("the first attempt", str(first), *GREYLISTED, "(to DATA)")
    t.logged("at=data", "greylist=new")
    time.sleep(DELAY)
    t.expect("the second", talk(t, message, "x@null.example").codes(), [250, 354, 250])
    found = t.delivered()
    if found:
        t.expect("the topmost fields", found.names[:3], ["Authentication-Results", "X-Assay-Gate", "Received-SPF"])
        t.expect("Received-SPF", len(found.all("Received-SPF")), 1)
        t.expect("X-Assay-Gate", found.all("X-Assay-Gate"), ["mx.recv.example; sender=null-mx"])
        t.expect("Authentication-Results", found.result, "dkim=pass", "spf=none")


@policy_case("both doors: what passed at one passes at the other", ["postfix-both"])
def _(t):
    found = greylisted_then_passed(t, "DATA")
    if found:
        t.expect("Authentication-Results", found.result, "spf=pass")
    t.logged("greylist=pass(domain pool.example)", "at=data")


@policy_case("both doors: refused at RCPT by the service, DMARC by the milter", ["postfix-both"])
def _(t):
    t.expect("a listed client", str(listed(t)), "550", "is listed at Example BL", "(to RCPT")
    forget_all(t)
    message = t.mail("boss@reject.example")
    talk(t, message)
    time.sleep(DELAY)
    t.expect("a forged From", str(talk(t, message)), "550", "5.7.1", "DMARC policy of reject.example", "(to the message)")
