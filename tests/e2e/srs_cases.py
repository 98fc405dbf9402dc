"""srs_cases.py - forwarding under SRS, with the lines of etc/sendmail-srs.mc and etc/postfix-srs.cf.

both@recv.example is alice and somebody outside; boss@reject.example sends."""

import subprocess
import time

from cases import case
from namespace import BAD4, USER

EXACT = ["sendmail-srs", "postfix-srs-exact"]
ALL = [*EXACT, "postfix-srs"]
SENDER, DAY = "boss@reject.example", 86400


def srs_case(name, mtas):
    def remember(function):
        for mta in mtas:
            case("srs", name, mta)(function)
        return function

    return remember


def assay(t, direction, address, at=None):
    """What the command says; empty: nothing."""
    words = [t.daemon.program, "srs", direction, address, *([f"--at={at}"] if at else [])]
    return subprocess.run([str(w) for w in words], capture_output=True, text=True).stdout.strip()


def outside(copies):
    """The copy that has left: recipient, sender and message."""
    found = [(rcpt, *copy) for rcpt, copy in copies.items() if rcpt.startswith("outside@")]
    return found[0] if found else ("", "", None)


def forwarded(t, sender=SENDER, **how):
    """A message for both@recv.example has come: its copies."""
    reply = t.send(t.mail(f"Boss <{sender or 'mailer@nodmarc.example'}>"), sender, rcpt="both@recv.example", **how)
    t.expect("the reply", reply.code, 250)
    return t.copies(2)


def is_srs(t, address):
    t.expect("the sender outside", address.upper(), "SRS0=", "=REJECT.EXAMPLE=BOSS@SRS.RECV.EXAMPLE")


@srs_case("an alias to local and outside: what leaves has our address", ALL)
def _(t):
    copies = forwarded(t)
    rcpt, sender, message = outside(copies)
    is_srs(t, sender)
    t.expect("it leads back", assay(t, "reverse", sender), SENDER)
    if message:
        t.expect("From stays", message.all("From")[0], f"Boss <{SENDER}>")
        t.expect("SPF was checked for the sender", message.result, "spf=pass smtp.mailfrom=reject.example")


@srs_case("an alias to local and outside: the local copy keeps its sender", EXACT)
def _(t):
    t.expect("the local copy", forwarded(t)["alice@recv.example" if t.mta.name != "sendmail-srs" else "alice"][0], SENDER)


@srs_case("the simple form gives the local copy our address too", ["postfix-srs"])
def _(t):
    is_srs(t, forwarded(t)["alice@recv.example"][0])


@srs_case("a sender of ours stays", ALL)
def _(t):
    copies = forwarded(t, "alice@recv.example", client=USER, port=587, auth=True)
    t.expect("the senders", {sender for sender, _ in copies.values()}, {"alice@recv.example"})


@srs_case("a bounce stays one", ALL)
def _(t):
    t.expect("the senders", {sender.replace("MAILER-DAEMON", "") for sender, _ in forwarded(t, "").values()}, {""})


@srs_case("a second forwarder makes SRS1 of SRS0", ALL)
def _(t):
    sender = "SRS0=abcd=AA=first.example=x@reject.example"
    found = outside(forwarded(t, sender))[1]
    t.expect("the sender outside", found, "SRS1=", "=reject.example==abcd=AA=first.example=x@srs.recv.example")
    t.expect("it leads back", assay(t, "reverse", found), sender)


def bounce(t, rcpt, **how):
    return t.send(t.mail("Mailer <mailer-daemon@quarantine.example>"), "", rcpt=rcpt, **how)


@srs_case("a bounce comes home", ALL)
def _(t):
    sender = outside(forwarded(t))[1]
    for address in (sender, sender.lower()):
        t.expect("the reply", bounce(t, address).code, 250)
        found = t.copies(1)
        t.expect("whom it is for", list(found), [SENDER])


@srs_case("mail to an SRS address that is no bounce is tagged", ALL)
def _(t):
    address = assay(t, "forward", SENDER)
    t.expect("the reply", t.send(t.mail("Ann <ann@none.example>"), "ann@none.example", rcpt=address).code, 250)
    for _, message in t.copies(1).values():
        t.expect("the field of the gate", message.all("X-Assay-Gate"), ["mx.recv.example; srs=no-bounce"])
    t.logged("srs-no-bounce=1", "action=tag", "cause=no-bounce")


@srs_case("what nobody has signed, or too long ago, is refused", ALL)
def _(t):
    now = int(time.time())
    good = assay(t, "forward", SENDER)
    hash_ = good.split("=")[1]
    t.expect("a good one", bounce(t, good).code, 250)
    t.expect("a good one of three weeks ago", bounce(t, assay(t, "forward", SENDER, now - 21 * DAY)).code, 250)
    for what, address in (
        ("another hash", good.replace(hash_, ("A" if hash_[0] not in "Aa" else "B") + hash_[1:])),
        ("another user", good.replace("boss", "bosss")),
        ("an expired one", assay(t, "forward", SENDER, now - 22 * DAY)),
        ("none at all", "boss@srs.recv.example"),
    ):
        reply = bounce(t, address, client=BAD4)
        t.expect(what, str(reply), "550", "5.1.1", "(to RCPT)")


@srs_case("addresses of others' forwarders are left alone", ALL)
def _(t):
    good = assay(t, "forward", SENDER).replace("srs.recv.example", "recv.example")
    t.expect("the reply", t.send(t.mail(SENDER), SENDER, rcpt=good).code, 250)
    # Sendmail gives its local mailer the local part, in lower case.
    t.expect("whom it is for", [rcpt.partition("@")[0].lower() for rcpt in t.copies(1)], [good.partition("@")[0].lower()])


@srs_case("a quoted local part goes and comes back", ALL)
def _(t):
    sender = '"a b"@reject.example'
    found = outside(forwarded(t, sender))[1]
    t.expect("the sender outside", found, '"SRS0=', '=a b"@srs.recv.example')
    t.expect("the reply", bounce(t, found).code, 250)
    t.expect("whom it is for", list(t.copies(1)), [sender])
