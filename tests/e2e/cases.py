"""cases.py - what must be true under every MTA, and at the end under those that Debian ships. To add a case, write a
function here.

@case(profile, name, mta) gives the configuration that it runs under (PROFILES in daemon.py) and the MTA, if not both;
trial.py has what it can do. world.py tells who sends: GOOD4 and GOOD6 are the servers of {none,quarantine,reject,
nodmarc}.example, BAD4 and BAD6 those of evil.example; recv.example is ours."""

import collections
import os
import pathlib
import re
import subprocess
import time

import dkim

import sweep
import world
from daemon import CONF
from namespace import BAD4, BAD6, FILTER, GOOD4, GOOD6, MX4, RELAY, USER
from shipped import unit_setting

CASES = []
Case = collections.namedtuple("Case", "profile name function mta")


def case(profile, name, mta=""):
    """`mta`: the only one that has what the case needs."""

    def remember(function):
        CASES.append(Case(profile, name, function, mta))
        return function

    return remember


# --- ARC


@case("arc", "sealed when it comes in, and excused by that when it comes from elsewhere")
def _(t):
    found = t.accepted(t.send(t.mail("Boss <boss@reject.example>"), "boss@reject.example"))
    if not found:
        return
    t.expect("the chain", found.chain(t.zones), "pass")
    t.expect("the topmost fields", found.names[found.names.index("ARC-Seal"):][:4],
             ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results", "Authentication-Results"])
    t.expect("the results that are sealed", found.all("ARC-Authentication-Results")[0], "i=1; mx.recv.example;",
             "dmarc=pass header.from=reject.example", "arc=none smtp.remote-ip=203.0.113.10", absent=("(",))
    t.logged("dmarc=pass", "sealed=1/recv.example/", "cv=none")
    again = t.accepted(t.send(t.passes_again(found), "someone@evil.example", client=BAD4))
    if not again:
        return
    t.expect("our results", again.result, "dmarc=fail", "override=local_policy arc=pass as[1].d=recv.example",
             "arc=pass (i=1 recv.example) smtp.remote-ip=203.0.113.66 header.oldest-pass=0")
    t.expect("the chain", again.chain(t.zones), "pass")
    t.expect("sets", again.names.count("ARC-Seal"), 2)
    t.logged("arc=pass(1/recv.example)", "sealed=2/recv.example/", "cv=pass", "override=local_policy(")


def at_the_first_hop(t):
    """A message of boss@reject.example as a forwarder sends it on, which has checked and sealed it."""
    key, forwarder = world.SENDER_KEY.read_bytes(), "nodmarc.example"
    found = f"mx.{forwarder}; dkim=pass header.d=reject.example; dmarc=pass header.from=reject.example; arc=none"
    signed = t.sign(t.mail("Boss <boss@reject.example>"), "reject.example")
    message = f"Authentication-Results: {found}\r\n".encode() + signed
    return b"".join(dkim.arc_sign(message, b"s1", forwarder.encode(), key, f"mx.{forwarder}".encode())) + message


def through_a_list(message):
    """A list that puts its name into the subject and a footer below."""
    return message.replace(b"Subject: ", b"Subject: [friends] ", 1) + b"-- \r\nfriends mailing list\r\n"


@case("arc", "three hops, with a list of ours in between that changes subject and body")
def _(t):
    found = t.accepted(t.send(at_the_first_hop(t), "forwarder@nodmarc.example"))
    if not found:
        return
    t.expect("the chain when it has come", found.chain(t.zones), "pass")
    t.logged("dkim=pass", "dmarc=pass", "arc=pass(1/nodmarc.example)", "sealed=2/recv.example/", "cv=pass")
    listed = through_a_list(t.passes_again(found))
    t.pickup(listed, "friends-bounces@recv.example", "friend@next.example")
    found = t.delivered()
    if not found:
        return
    t.expect("the chain behind the list", found.chain(t.zones), "pass")
    t.expect("the results that are sealed", found.all("ARC-Authentication-Results")[0], "i=3; mx.recv.example;",
             "dkim=pass header.d=reject.example", "dmarc=pass header.from=reject.example", "arc=pass")
    t.logged("origin=forwarded", "sealed=3/recv.example/", "cv=pass")
    again = t.accepted(t.send(t.passes_again(found), "friends-bounces@recv.example", client=BAD4))
    if not again:
        return
    t.expect("our results", again.result, "dkim=fail", "dmarc=fail (p=reject dis=none override=local_policy arc=pass",
             "as[3].d=recv.example", "arc=pass (i=3 recv.example)", "header.oldest-pass=3")
    t.expect("the chain at the third hop", again.chain(t.zones), "pass")
    t.expect("sets", again.names.count("ARC-Seal"), 4)


# --- inbound: what is found


@case("enforce", "signed, from the right address: everything passes")
def _(t):
    message = t.sign(t.mail("Boss <boss@reject.example>"), "reject.example")
    found = t.judged(
        t.send(message, "boss@reject.example"),
        "spf=pass smtp.mailfrom=reject.example",
        "dkim=pass (2048-bit rsa) header.d=reject.example",
        "header.s=s1",
        "header.a=rsa-sha256",
        "dmarc=pass (p=reject dis=none) header.from=reject.example policy.dmarc=reject",
    )
    if found:
        t.expect("Received-SPF", found.all("Received-SPF")[0], "pass", "client-ip=203.0.113.10", "identity=mailfrom")
    t.logged("spf=pass", "dkim=pass(reject.example/s1)", "dmarc=pass(p=reject)", "action=accept", f"[{GOOD4}]")


@case("enforce", "signed, from the wrong address: the signature carries it")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "reject.example")
    t.judged(
        t.send(message, "boss@reject.example", client=BAD4), "spf=fail", "dkim=pass", "dmarc=pass (p=reject dis=none)"
    )


@case("enforce", "SPF alone, over IPv4")
def _(t):
    message = t.mail("boss@reject.example")
    t.judged(t.send(message, "bounces@reject.example"), "spf=pass", "dkim=none", "dmarc=pass")


@case("enforce", "SPF alone, over IPv6")
def _(t):
    message = t.mail("boss@reject.example")
    found = t.judged(t.send(message, "boss@reject.example", client=GOOD6), "spf=pass", "dkim=none", "dmarc=pass")
    if found:
        t.expect("Received-SPF", found.all("Received-SPF")[0], 'client-ip="2001:db8::10"')


@case("enforce", "a domain without DMARC record")
def _(t):
    message = t.sign(t.mail("boss@nodmarc.example"), "nodmarc.example")
    t.judged(t.send(message, "boss@nodmarc.example"), "spf=pass", "dkim=pass", "dmarc=none")


@case("enforce", "the null sender: SPF of the HELO name")
def _(t):
    message = t.sign(t.mail("mailer-daemon@reject.example"), "reject.example")
    t.judged(t.send(message, ""), "spf=none smtp.mailfrom=mail.sender.example", "dmarc=pass")


# --- inbound: forgeries


@case("enforce", "forged From under p=none: delivered, and said so")
def _(t):
    message = t.mail("boss@none.example")
    t.judged(
        t.send(message, "x@evil.example", client=BAD4), "spf=pass", "dmarc=fail (p=none dis=none) header.from=none.example"
    )


@case("enforce", "forged From under p=quarantine: delivered with dis=quarantine")
def _(t):
    message = t.mail("boss@quarantine.example")
    t.judged(t.send(message, "x@evil.example", client=BAD4), "dmarc=fail (p=quarantine dis=quarantine)")


@case("enforce", "forged From under p=reject: 550 names policy and domain")
def _(t):
    message = t.mail("boss@reject.example")
    reply = t.send(message, "x@evil.example", client=BAD4)
    t.refused(reply, "550 5.7.1", "DMARC policy", "reject.example", "(to the message)")
    t.logged("dmarc=fail(p=reject)", "action=reject", f"[{BAD4}]")


@case("enforce", "forged From over IPv6, signed by the forger's own domain: 550")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "evil.example")
    t.refused(t.send(message, "x@evil.example", client=BAD6), "550 5.7.1", "DMARC policy", "reject.example")


@case("enforce", "forged subdomain: the organizational domain's policy holds")
def _(t):
    message = t.mail("boss@sales.reject.example")
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy")


@case("enforce", "tampered body: the signature fails, and DMARC with it")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "reject.example").replace(b"Another line", b"Another lie")
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy", "reject.example")


@case("enforce", "tampered body, p=none: dkim=fail is said")
def _(t):
    message = t.sign(t.mail("boss@none.example"), "none.example").replace(b"Another line", b"Another lie")
    t.judged(t.send(message, "x@evil.example", client=BAD4), "dkim=fail", "header.d=none.example", "dmarc=fail (p=none")


@case("enforce", "tampered Subject: the signature fails")
def _(t):
    message = t.sign(t.mail("boss@none.example"), "none.example").replace(b"Subject: a", b"Subject: another")
    t.judged(t.send(message, "x@evil.example", client=BAD4), "dkim=fail", "dmarc=fail")


@case("enforce", "two From fields: refused for what they are")
def _(t):
    message = t.mail("boss@reject.example", headers=["From: x@evil.example"])
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "From")


@case("enforce", "several messages on one connection: each is judged by itself")
def _(t):
    good = t.sign(t.mail("boss@reject.example"), "reject.example")
    forged = t.mail("boss@reject.example")
    plain = t.mail("x@evil.example")
    sent = [(good, "boss@reject.example"), (forged, "x@evil.example"), (good, ""), (plain, "x@evil.example")]
    replies = t.send_all(sent, client=BAD4)
    t.expect("the codes", [reply.code for reply in replies], [250, 550, 250, 250])
    t.judged(replies[3], "spf=pass smtp.mailfrom=evil.example", "dkim=none", "dmarc=pass")


@case("enforce", "a message of 3 MB: verified")
def _(t):
    body = "A line of a long message, and some blanks   \n" * 64 * 1024
    message = t.sign(t.mail("boss@reject.example", body=body), "reject.example")
    t.judged(t.send(message, "boss@reject.example"), "dkim=pass", "dmarc=pass")


# --- inbound: forged Authentication-Results

FOREIGN = "Authentication-Results: mx.elsewhere.example; dkim=pass header.d=reject.example"
FORGED = "mx.recv.example; spf=pass smtp.mailfrom=reject.example; dmarc=pass header.from=reject.example"


def forged_fields(t, values):
    headers = [f"Authentication-Results: {value}" for value in values]
    headers.insert(len(headers) // 2, FOREIGN)
    found = t.judged(t.send(t.mail("boss@none.example", headers=headers), "boss@none.example"), "spf=pass", "dkim=none")
    if found:
        t.expect("Authentication-Results in all", len(found.all("Authentication-Results")), 2)
        t.expect("the foreign one", found.all("Authentication-Results")[-1], "mx.elsewhere.example; dkim=pass")


for count in (1, 2, 5):
    case("enforce", f"forged Authentication-Results: {count} of them; a foreign one stays")(
        lambda t, count=count: forged_fields(t, [FORGED] * count)
    )


@case("enforce", "forged Authentication-Results with white space before colons: numbers fit all the same")
def _(t):
    names = ("Authentication-Results", "authentication-results ", "Authentication-Results")
    headers = [FOREIGN.replace(":", " :", 1)] + [f"{name}: {FORGED}" for name in names]
    found = t.judged(t.send(t.mail("boss@none.example", headers=headers), "boss@none.example"), "spf=pass", "dkim=none")
    if found:
        t.expect("forged ones that are left", found.data.count(FORGED.encode()), 0)
        t.expect("the foreign one", found.data.count(b"mx.elsewhere.example; dkim=pass"), 1)


@case("enforce", "forged Authentication-Results behind white space of Unicode; UTF-8 of others stays")
def _(t):
    """A field's name with such white space is none: for both MTAs the header ends there."""
    hidden = ("\u00a0mx.recv.example", "mx.recv.example\u2003", '"mx.recv.example\u3000"', "mx.recv.example \u20281", "\uff4d\uff58.recv.example")
    headers = [f"Authentication-Results: {FORGED.replace('mx.recv.example', name)}" for name in hidden]
    headers.append("Authentication-Results: m\u00fcller.example; dkim=pass")
    message = t.mail("boss@none.example", headers=headers)
    odd = "".join(f"{name}: {FORGED}\r\n" for name in ("Authentication-Results\u00a0", "\u200bAuthentication-Results"))
    message = message.replace(b"\r\n\r\n", b"\r\n" + odd.encode() + b"\r\n", 1)
    found = t.judged(t.send(message, "boss@none.example"), "spf=pass")
    if found:
        header, body = found.data.split(b"\n\n", 1)
        t.expect("forged ones in the header", header.count(b"recv.example; spf=pass smtp.mailfrom=reject"), 0)
        t.expect("the foreign one", header.count("\nAuthentication-Results: m\u00fcller.example; dkim=pass\n".encode()), 1)
        t.expect("what is no header field", body.count(FORGED.encode()), 2)


@case("enforce", "forged Authentication-Results in odd spellings; a foreign one stays")
def _(t):
    forged_fields(
        t,
        [
            FORGED.replace("mx.recv.example", '"mx.recv.example"'),
            FORGED.replace("mx.recv.example", "mx.recv.example 1"),
            FORGED.replace("mx.recv.example", "mx.recv.example 2"),
            FORGED.replace("mx.recv.example", "MX.Recv.Example."),
            FORGED.replace("mx.recv.example", "(a comment) mx.recv.example (another)"),
            FORGED.replace("mx.recv.example", '"mx.\\recv.example"'),
        ],
    )


# --- inbound: headers beyond the limits


def results(n):
    return [f"Authentication-Results: {FORGED}"] * n


def took(t, limit, send):
    """Sends, and sees that the MTA had no hard time."""
    began = time.monotonic()
    reply = send()
    t.expect(f"less than {limit} s", time.monotonic() - began < limit, True)
    return reply


@case("enforce", "a flood of Authentication-Results, 11,000 lines: refused, and the MTA is well")
def _(t):
    message = t.mail("boss@none.example", headers=["Authentication-Results:"] * 11000)
    reply = took(t, 5, lambda: t.send(message, "boss@none.example"))
    if t.mta.name == "sendmail":
        t.refused(reply, "552", "Headers too large")  # Sendmail's own limit is 32 KB
    else:
        t.refused(reply, "550 5.7.1", "More than 100 header fields claim to be results of this host")
    t.expect("the MTA's log", "\n".join(t.syslog.lines[t.syslog_start :]), absent=("panic", "signal 6"))
    t.judged(t.send(t.mail("boss@none.example"), "boss@none.example"), "spf=pass")


@case("enforce", "a flood of Authentication-Results, 1,100 lines: refused under either MTA")
def _(t):
    message = t.mail("boss@none.example", headers=["Authentication-Results:"] * 1100)
    t.refused(took(t, 5, lambda: t.send(message, "boss@none.example")), "550 5.7.1", "More than 100 header fields")
    t.logged("cause=forged")


@case("shadow", "a flood of Authentication-Results: refused in shadow mode too")
def _(t):
    message = t.mail("boss@none.example", headers=["Authentication-Results:"] * 101)
    t.refused(t.send(message, "boss@none.example"), "550 5.7.1", "More than 100 header fields")


@case("enforce", "100 forged Authentication-Results below thousands of fields: removed, and the MTA is well")
def _(t):
    fields = 1500 if t.mta.name == "sendmail" else 4500
    headers = ["X: y"] * fields + results(100)
    message = t.mail("boss@none.example", headers=headers)
    found = t.judged(took(t, 5, lambda: t.send(message, "boss@none.example")), "spf=pass", "dmarc=pass")
    if found:
        t.expect("Authentication-Results in all", len(found.all("Authentication-Results")), 1)
        t.expect("what else is there", found.names.count("X"), fields)


@case("enforce", "a local program (sendmail -t) with a flood of Authentication-Results: it comes back")
def _(t):
    message = t.mail("bob@recv.example", headers=["Authentication-Results:"] * 101)
    t.pickup(message, "alice@recv.example", status=69 if t.mta.name == "sendmail" else 0)  # EX_UNAVAILABLE, at once
    t.logged("origin=ours", "cause=forged", "action=reject")
    bounce = t.delivered()
    if bounce:
        t.expect("what comes back", bounce.data.decode(), "More than 100 header fields")


@case("enforce", "a padded header: 552")
def _(t):
    message = t.mail("boss@none.example", headers=["X: y"] * 5001)
    t.refused(took(t, 5, lambda: t.send(message, "boss@none.example")), "552 5.3.4", "header of this message is too large")
    t.logged("over-limit=header", "cause=limit")


@case("tag-large", "a padded header: the policy of From is applied")
def _(t):
    message = t.mail("boss@reject.example", headers=["X: y"] * 5001)
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy", "reject.example")


@case("tag-large", "a padded header, SPF from the right address: delivered")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "reject.example")
    padded = b"X: y\r\n" * 5001 + message
    t.judged(t.send(padded, "boss@reject.example"), "spf=pass", "dkim=permerror", "dmarc=pass")


# --- inbound: DNS that does not answer


@case("enforce", "silent DNS for the whole domain: never a 5xx")
def _(t):
    message = t.mail("boss@silent.example")
    t.refused(t.send(message, "boss@silent.example"), "451 4.7.1")
    t.logged("spf=temperror", "dmarc=temperror", "action=tempfail")


@case("enforce", "SERVFAIL for the whole domain: never a 5xx")
def _(t):
    message = t.mail("boss@servfail.example")
    t.refused(t.send(message, "boss@servfail.example"), "451 4.7.1")


@case("enforce", "SERVFAIL for SPF, and a signature that carries the message")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "reject.example")
    t.judged(t.send(message, "x@servfail.example"), "spf=temperror", "dkim=pass", "dmarc=pass")


@case("spf-reject", "SERVFAIL for SPF where SPF failures are refused: never a 5xx")
def _(t):
    message = t.mail("boss@none.example")
    t.judged(t.send(message, "x@servfail.example"), "spf=temperror", "dmarc=fail (p=none")


@case("spf-reject", "SPF fail is refused: 550 5.7.23 names the domain")
def _(t):
    message = t.mail("boss@nodmarc.example")
    t.refused(t.send(message, "boss@nodmarc.example", client=BAD4), "550 5.7.23", "nodmarc.example")


@case("spf-reject", "SPF fail: the domain's own explanation reaches the sender, its percent sign too")
def _(t):
    message = t.mail("boss@nodmarc.example")
    t.refused(t.send(message, "boss@explained.example", client=BAD4), "550 5.7.23",
              f"100% of the mail of explained.example comes from elsewhere, not from {BAD4}")


@case("spf-reject", "SPF fail and a signature that makes DMARC pass: delivered")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "reject.example")
    t.judged(t.send(message, "boss@reject.example", client=BAD4), "spf=fail", "dmarc=pass")


# --- whose mail it is


def carries_our_signatures(t, found):
    t.expect("our signatures", sorted(found.verify(t.zones)), [
        ("recv.example", "ed25519-sha256", True),
        ("recv.example", "rsa-sha256", True),
    ])  # fmt: skip


def signed_by_us(t, found):
    """The delivered message carries both of our signatures, dkimpy verifies them, and it was not judged."""
    if not found:
        return
    carries_our_signatures(t, found)
    t.expect("no Authentication-Results", found.all("Authentication-Results"), [])
    t.expect("no Received-SPF", found.all("Received-SPF"), [])


def not_signed(t, found):
    if found:
        t.expect("no signature of ours", found.all("DKIM-Signature"), [])


@case("enforce", "authenticated submission: signed with both keys")
def _(t):
    message = t.mail("Alice <alice@recv.example>", to="friend@far.example")
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))
    t.logged("signed=recv.example/s2026-rsa,recv.example/s2026-ed25519", "SMTP AUTH alice", f"client=unknown[{USER}]")


@case("enforce", "authenticated submission from a domain without key: delivered unsigned, and the log says why")
def _(t):
    message = t.mail("alice@reject.example", to="friend@far.example")
    not_signed(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))
    t.logged('not-signed="no key for reject.example"')


@case("enforce", "authenticated submission with a forged Authentication-Results: removed, and signed")
def _(t):
    message = t.mail("alice@recv.example", to="friend@far.example", headers=[f"Authentication-Results: {FORGED}"])
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))


@case("enforce", "authenticated submission, odd but valid message: dkimpy verifies what was delivered")
def _(t):
    headers = ["X-Folded: one\n\ttwo\n  three  ", "X-Empty:", "Reply-To:   <alice@recv.example>  ", "Cc: <bob@far.example>"]
    body = "trailing blanks   \n\n.\n..two dots\n\ttab\t\n" + "x" * 900 + "\n\n\n"
    message = t.mail('"Alice, of us" <alice@recv.example>', to="friend@far.example", headers=headers, body=body)
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))


def signed_form(t, **fields):
    message = t.mail("alice@recv.example", **({"to": "friend@far.example"} | fields))
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))


@case("enforce", "authenticated submission without Date and Message-ID: dkimpy verifies what was delivered")
def _(t):
    signed_form(t, without=("Date", "Message-ID"))


@case("enforce", "authenticated submission to many, in a folded To: dkimpy verifies what was delivered")
def _(t):
    signed_form(t, without=("To",), headers=["To: Friend <friend@far.example>,\n  other@far.example,\n\tthird@far.example"])


@case("enforce", "authenticated submission, addresses without blanks between: put in order, signed and delivered so")
def _(t):
    headers = ["To: friend@far.example,other@far.example", "Cc: <a@far.example>,b@far.example,"]
    message = t.mail("alice@recv.example", to="friend@far.example", without=("To",), headers=headers)
    found = t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True))
    signed_by_us(t, found)
    if found:
        t.expect("To as Sendmail writes it", found.all("To"), ["friend@far.example, other@far.example"])
        t.expect("Cc as Sendmail writes it", found.all("Cc"), ["<a@far.example>, b@far.example"])
        for value in found.all("DKIM-Signature"):
            names = re.sub(r"\s", "", value).split("h=")[1].split(";")[0].split(":")
            t.expect("To and Cc are signed", {"to", "cc"} <= {name.lower() for name in names}, True)


@case("enforce", "authenticated submission, a long list without blanks: delivered as it was signed")
def _(t):
    people = [f'"Person, {i}" <person{i}@far.example>' for i in range(80)]
    message = t.mail("alice@recv.example", to="friend@far.example", without=("To",), headers=["To: " + ",".join(people)])
    found = t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True))
    signed_by_us(t, found)
    if found:
        t.expect("everybody", [re.sub(r"\s+", " ", v) for v in found.all("To")], [", ".join(people)])


@case("enforce", "authenticated submission, unqualified and odd addresses: dkimpy verifies what was delivered")
def _(t):
    signed_form(t, without=("To",), headers=["To: bob, undisclosed-recipients:;", "Cc: (a comment) <c@far.example>", "Bcc: d@far.example"])


@case("enforce", "authenticated submission, UTF-8 in the header: dkimpy verifies what was delivered")
def _(t):
    signed_form(t, headers=["Reply-To: =?utf-8?q?J=C3=BCrgen?= <alice@recv.example>", "X-Long: " + "word " * 190])


# --- what MTAs do to mail behind us: header fields, and mail that goes on by SMTP


def signed_names(found):
    """h= of the topmost signature, in lower case."""
    return re.sub(r"\s", "", found.all("DKIM-Signature")[0]).split("h=")[1].split(";")[0].lower().split(":")


def sent_on(t, message, rcpt="x@next.example"):
    """The message of one of our users, as the next hop got it by SMTP."""
    return t.accepted(t.send(message, "alice@recv.example", USER, 587, rcpt, auth=True))


def blanks_aside(values):
    return [b" ".join(value.split()) for value in values]


def longest_line(found):
    return max(len(line) for line in found.data.split(b"\n"))


def check_delivered(t, found, name, given, predicted, form):
    """What was delivered is what was predicted, field by field."""
    got = sweep.delivered(found.data, name)
    t.expect(f"{name} fields", len(got), len(given))
    for value, want, have in zip(given, form(predicted), form(got)):
        if want != have:
            t.wrong.append(f"{name}:{value!r}\n  predicted: {want!r}\n  delivered: {have!r}")


def sweep_to(t, mode, form):
    """Lists that are brought into their form: many fields in few messages, all of them signed."""
    given = sweep.values()
    pairs = [p for p in zip(given, sweep.predict(t.daemon.build, "To", given, mode)) if p[1] is not None]
    t.expect("fields with a form", len(pairs) > len(given) // 3, True)
    for start in range(0, len(pairs), 60):
        fields, predicted = zip(*pairs[start : start + 60])
        found = sent_on(t, t.mail("alice@recv.example", without=("To",), raw=[b"To:" + value for value in fields]))
        signed_by_us(t, found)
        if found:
            t.expect("To in h=", signed_names(found).count("to"), len(fields))
            check_delivered(t, found, "To", fields, predicted, form)


@case("enforce", "sweep: every kind of address list is delivered as predicted, and its signature holds")
def _(t):
    sweep_to(t, "relaxed", blanks_aside)


@case("simple", "sweep: the same with simple canonicalisation, blanks and folds too")
def _(t):
    sweep_to(t, "exact", list)


@case("enforce", "sweep: lists of which nothing is known are left out, and the signature holds")
def _(t):
    given = sweep.values()
    unknown = [v for v, p in zip(given, sweep.predict(t.daemon.build, "To", given)) if p is None]
    t.expect("fields without a form", 100 < len(unknown) < len(given) // 2, True)
    for start in range(0, len(unknown), 100):
        raw = [b"To:" + value for value in unknown[start : start + 100]]
        found = sent_on(t, t.mail("alice@recv.example", without=("To",), raw=raw))
        signed_by_us(t, found)
        if found:
            t.expect("To is not in h=", "to" in signed_names(found), False)


@case("enforce", "sweep: From of every kind is delivered as predicted, its signature holds, and no risk is told")
def _(t):
    given = sweep.values_of_one(b"recv.example")
    pairs = [p for p in zip(given, sweep.predict(t.daemon.build, "From", given)) if p[1] is not None]
    signed = 0
    for value, predicted in pairs:
        found = sent_on(t, t.mail("", without=("From",), raw=[b"From:" + value]))
        if not found or not found.all("DKIM-Signature"):
            continue  # a list that names no author of ours for certain
        signed += 1
        signed_by_us(t, found)
        check_delivered(t, found, "From", [value], [predicted], blanks_aside)
    t.expect("most are signed", signed > len(pairs) * 4 // 5 > 40, True)
    t.expect("no risk is told", t.daemon.tail(t.log_start).count("risk="), 0)


@case("enforce", "From with a name that Sendmail quotes: delivered as signed")
def _(t):
    for given, want in (
        ("Dr. Alice <alice@recv.example>", '"Dr. Alice" <alice@recv.example>'),
        ("Alice O'Brien <alice@recv.example>", '"Alice O\'Brien" <alice@recv.example>'),
    ):
        found = sent_on(t, t.mail(given, headers=["Cc: Conan O'Brien <c@far.example>"]))
        signed_by_us(t, found)
        if found:
            t.expect("From", found.all("From"), [want])
            t.expect("Cc", found.all("Cc"), ['"Conan O\'Brien" <c@far.example>'])
            t.expect("cc is signed", "cc" in signed_names(found), True)


def before_colons(t):
    """Mail of ours with white space before colons: MTAs remove it before they tell a filter, and deliver it so."""
    headers = ["Subject : spaced", "X-Spaced\t: a", "Comments: b"]
    message = t.mail("Alice <alice@recv.example>", to="friend@far.example", headers=headers, without=["Subject"])
    found = t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True))
    signed_by_us(t, found)
    if found:
        t.expect("as delivered", b"\nSubject: spaced\nX-Spaced: a\nComments: b\n" in found.data, True)


@case("enforce", "white space before colons: the signature holds as delivered")
def _(t):
    before_colons(t)


@case("simple", "white space before colons, simple canonicalisation: the signature holds as delivered")
def _(t):
    before_colons(t)


@case("enforce", "header lines that an SMTP client would break: folded, signed and delivered so")
def _(t):
    ids = " ".join(f"<{i}.0123456789@far.example>" for i in range(60))
    people = ", ".join(f"Person {i} <person{i}@far.example>" for i in range(40))
    headers = [f"References: {ids}", f"To: {people}"]
    message = t.mail("alice@recv.example", headers=headers, without=("To", "Subject"), raw=[b"Subject: " + b"word " * 300])
    found = sent_on(t, message)
    signed_by_us(t, found)
    if found:
        t.expect("the longest line", longest_line(found) <= 990, True)
        t.expect("all are signed", {"references", "to", "subject"} <= set(signed_names(found)), True)
        t.expect("References", found.all("References"), [ids])
        t.expect("To", found.all("To"), [people])
        t.expect("Subject", found.all("Subject"), [" ".join(["word"] * 300)])


@case("enforce", "a header line that cannot be folded is not signed, and the signature holds")
def _(t):
    message = t.mail("alice@recv.example", without=("Subject",), headers=["Subject: " + "x" * 1200])
    found = sent_on(t, message)
    signed_by_us(t, found)
    if found:
        t.expect("Subject is not signed", "subject" in signed_names(found), False)


@case("enforce", "body lines of 990 bytes hold; longer ones are told as a risk")
def _(t):
    signed_by_us(t, sent_on(t, t.mail("alice@recv.example", body="a\n" + "x" * 990 + "\nb\n")))
    t.expect("no risk is told", t.daemon.tail(t.log_start).count("risk="), 0)
    found = sent_on(t, t.mail("alice@recv.example", body="a\n" + "x" * 1001 + "\nb\n"))
    if found:
        t.expect("the client broke the line", longest_line(found) <= 998, True)
    t.logged("signed=recv.example/s2026-rsa", "risk=long-line")


EIGHT_BIT = ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]


@case("enforce", "an 8-bit body: told as a risk, holds where the next hop takes it, and does not where it is encoded")
def _(t):
    def send_to(rcpt):
        message = t.mail("alice@recv.example", headers=EIGHT_BIT, body="caf\u00e9\n")
        reply = t.send(message, "alice@recv.example", USER, 587, rcpt, auth=True, options=["BODY=8BITMIME"])
        return t.accepted(reply)

    signed_by_us(t, send_to("x@next.example"))
    t.logged("signed=recv.example/s2026-rsa", "risk=8bit")
    found = send_to("x@old.example")
    if found:
        t.expect("the body was encoded", found.all("Content-Transfer-Encoding") != ["8bit"], True)
        t.expect("it does not hold", any(good is True for *_, good in found.verify(t.zones)), False)


@case("enforce", "mail of a local program (sendmail -t): signed")
def _(t):
    t.pickup(t.mail("alice@recv.example", to="friend@far.example"), "alice@recv.example")
    signed_by_us(t, t.delivered())


@case("enforce", "a trusted network's mail: signed, without authentication")
def _(t):
    message = t.mail("alice@recv.example", to="friend@far.example")
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", "127.0.0.1", 25, "friend@far.example")))


@case("certificates", "a client with a certificate that the MTA trusts is ours; with any other one it is a stranger")
def _(t):
    message = t.mail("alice@recv.example")
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, tls="good")))
    t.logged("signed=recv.example/s2026-rsa", "TLS certificate", "laptop")
    for name in ("self", "bad", "", None):
        message = t.mail("alice@recv.example")
        t.refused(t.send(message, "alice@recv.example", USER, tls=name), "550 5.7.1", "DMARC policy", "recv.example")


@case("enforce", "a certificate counts for nothing where that is not configured")
def _(t):
    message = t.mail("alice@recv.example")
    t.refused(t.send(message, "alice@recv.example", USER, tls="good"), "550 5.7.1", "DMARC policy", "recv.example")


def outsider(t, port):
    """An outsider with our domain: judged, refused, never signed; with a domain of his own: judged."""
    message = t.mail("alice@recv.example")
    t.refused(t.send(message, "alice@recv.example", BAD4, port), "550 5.7.1", "DMARC policy", "recv.example")
    message = t.mail("x@evil.example")
    not_signed(t, t.judged(t.send(message, "x@evil.example", BAD4, port), "spf=pass", "dmarc=pass"))


@case("enforce", "an outsider with our domain, port 25: judged, not signed")
def _(t):
    outsider(t, 25)


@case("enforce", "an outsider with our domain, submission port without AUTH: judged, not signed")
def _(t):
    outsider(t, 588)


@case("enforce", "a relay network's mail: untouched")
def _(t):
    message = t.mail("boss@reject.example", headers=[f"Authentication-Results: {FORGED}"])
    found = t.accepted(t.send(message, "x@evil.example", client=RELAY))
    if found:
        t.expect("Authentication-Results", found.all("Authentication-Results"), [FORGED])
        t.expect("no Received-SPF", found.all("Received-SPF"), [])
        not_signed(t, found)


# --- policy


@case("quarantine", "on-quarantine = quarantine: kept in the MTA's queue")
def _(t):
    message = t.mail("boss@quarantine.example")
    reply = t.send(message, "x@evil.example", client=BAD4)
    t.expect("the reply", reply.code, 250)
    t.expect("the message is held", t.mta.held(t.token), True)
    t.expect("the message is not delivered", t.find(), None)
    t.logged("dmarc=fail(p=quarantine)", "action=quarantine")


@case("quarantine", "on-quarantine = quarantine: p=reject is still refused")
def _(t):
    message = t.mail("boss@reject.example")
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy")


@case("shadow", "shadow mode: delivered, and the log says what would have been done")
def _(t):
    message = t.mail("boss@reject.example")
    t.judged(t.send(message, "x@evil.example", client=BAD4), "dmarc=fail (p=reject")
    t.logged("action=accept", "would=reject")


@case("shadow", "shadow mode: SPF failures and silent DNS are delivered")
def _(t):
    message = t.mail("boss@nodmarc.example")
    t.judged(t.send(message, "boss@nodmarc.example", client=BAD4), "spf=fail")
    message = t.mail("boss@servfail.example")
    t.judged(t.send(message, "boss@servfail.example"), "spf=temperror", "dmarc=temperror")


@case("senders", "authenticated submission: an address of the user's own is signed, another one refused")
def _(t):
    message = t.mail("Alice <alice@recv.example>", to="friend@far.example")
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))
    message = t.mail("Bob <bob@recv.example>", to="friend@far.example")
    t.refused(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True), "550 5.7.1",
              "may not use bob@recv.example")
    t.logged("cause=sender")


@case("senders", "a trusted network is not asked for the sender")
def _(t):
    message = t.mail("bob@recv.example", to="friend@far.example")
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", "127.0.0.1", 25, "friend@far.example")))


@case("enforce", "our own message that comes back is not signed twice")
def _(t):
    message = t.mail("alice@recv.example", to="friend@far.example")
    found = t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True))
    if not found:
        return
    first, t.token = t.token, t.token + "-again"
    again = found.data.replace(f"X-Case: {first}".encode(), f"X-Case: {t.token}".encode()).replace(b"\n", b"\r\n")
    signed_by_us(t, t.accepted(t.send(again, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))
    t.logged('not-signed="already signed by recv.example/s2026-rsa,recv.example/s2026-ed25519"')


@case("shadow", "shadow mode: our own mail is signed")
def _(t):
    message = t.mail("alice@recv.example", to="friend@far.example")
    signed_by_us(t, t.accepted(t.send(message, "alice@recv.example", USER, 587, "friend@far.example", auth=True)))


# --- content filters, proxies and forwarding: mail that passes again


FORGED_PASS = "Authentication-Results: mx.recv.example; dmarc=pass header.from=recv.example"


def forged_mail(t):
    """An outsider's message with a From of ours, and a field in our name; delivered with what we found."""
    message = t.mail("alice@recv.example", headers=[FORGED_PASS])
    return t.judged(t.send(message, "x@evil.example", client=BAD4), "dmarc=fail (p=reject dis=quarantine")


def forwarded(t, found, why="dmarc=fail when it came in"):
    """The message came by again: what we found at first is there once, it is not signed, nothing was removed."""
    if not found:
        return
    results = [value for value in found.all("Authentication-Results") if value.startswith("mx.recv.example;")]
    t.expect("our results", len(results), 1)
    t.expect("our result", found.result or "below", "header.from=recv.example", absent=["dmarc=pass"])
    not_signed(t, found)
    t.logged("origin=forwarded", f"entry=[{BAD4}]", why, "action=accept")


@case("filters", "Sieve redirect of an outsider's mail (sendmail -f): not signed, our results stay")
def _(t):
    again = t.passes_again(forged_mail(t))
    t.pickup(again, "bounces@recv.example", "alice@recv.example")
    forwarded(t, t.delivered())


@case("filters", "an outsider's mail handed back over loopback: not signed, our results stay")
def _(t):
    again = t.passes_again(forged_mail(t))
    forwarded(t, t.accepted(t.send(again, "x@evil.example", client="127.0.0.1")))


@case("filters", "an outsider's mail handed back by a filter on another host (forwarded-networks)")
def _(t):
    again = t.passes_again(forged_mail(t))
    forwarded(t, t.accepted(t.send(again, "x@evil.example", client=FILTER)))


@case("filters", "an outsider's mail handed back from an address of this host")
def _(t):
    again = t.passes_again(forged_mail(t))
    forwarded(t, t.accepted(t.send(again, "x@evil.example", client=MX4)))


@case("filters", "an outsider who tells that his mail has been here is judged")
def _(t):
    again = t.passes_again(forged_mail(t))
    t.judged(t.send(again, "x@evil.example", client=BAD4), "dmarc=fail")
    t.logged("origin=inbound", "forged-removed=2")


@case("filters", "a list of ours that has rewritten From: signed")
def _(t):
    message = t.mail("Boss <boss@reject.example>")
    found = t.judged(t.send(message, "boss@reject.example"), "dmarc=pass")
    if not found:
        return
    again = t.passes_again(found).replace(b"From: Boss <boss@reject.example>", b"From: Boss via List <list@recv.example>")
    found = t.accepted(t.send(again, "list-bounces@recv.example", client="127.0.0.1"))
    if found:
        carries_our_signatures(t, found)
        t.expect("our result", found.result or "below", "dmarc=pass", "header.from=reject.example")
    t.logged("origin=forwarded", 'because="From was rewritten here, it was reject.example"')


@case("filters", "what a filter hands back where milters are not asked: untouched")
def _(t):
    found = forged_mail(t)
    again = t.passes_again(found)
    found = t.accepted(t.send(again, "x@evil.example", client="127.0.0.1", port=10026, server="127.0.0.1"))
    if found:
        t.expect("our result", found.result or "below", "dmarc=fail")
        not_signed(t, found)
    t.expect("assay's log", t.daemon.tail(t.log_start), absent=["origin="])


@case("filters", "content_filter and back through port 10025: forwarded", mta="postfix")
def _(t):
    message = t.mail("alice@recv.example", headers=[FORGED_PASS])
    found = t.accepted(t.send(message, "x@evil.example", client=BAD4, port=3525))
    forwarded(t, found)
    if found:
        t.expect("the filter's field", found.all("Received")[1], "by localhost", "(amavis, port 10014)")


@case("filters", "content_filter and back through port 10026, with no_milters: judged once", mta="postfix")
def _(t):
    message = t.mail("alice@recv.example", headers=[FORGED_PASS])
    found = t.accepted(t.send(message, "x@evil.example", client=BAD4, port=3526))
    if found:
        t.expect("our results", len(found.all("Authentication-Results")), 1)
        not_signed(t, found)
    t.logged("origin=inbound", "forged-removed=1")
    t.expect("assay's log", t.daemon.tail(t.log_start), absent=["origin=forwarded"])


@case("filters", "our own mail through content_filter: signed once", mta="postfix")
def _(t):
    message = t.mail("alice@recv.example", to="someone@elsewhere.example")
    found = t.accepted(t.send(message, "alice@recv.example", client="127.0.0.1", port=3525))
    if found:
        signed_by_us(t, found)
    t.logged("origin=ours", "already signed by recv.example")


@case("filters", "smtpd_proxy_filter: only the second smtpd asks, and it sees loopback", mta="postfix")
def _(t):
    message = t.mail("alice@recv.example", headers=[FORGED_PASS])
    found = t.accepted(t.send(message, "x@evil.example", client=BAD4, port=3527))
    if found:
        t.expect("results", found.all("Authentication-Results"), [])
        not_signed(t, found)
    t.logged("origin=forwarded", f"entry=[{BAD4}]", "no Authentication-Results of ours", "forged-removed=1")
    t.expect("assay's log", t.daemon.tail(t.log_start), absent=["origin=inbound"])


@case("filters", "smtpd_proxy_filter with a filter that says XCLIENT: judged as what it is", mta="postfix")
def _(t):
    message = t.mail("alice@recv.example", headers=[FORGED_PASS])
    t.judged(t.send(message, "x@evil.example", client=BAD4, port=3528), "spf=pass", "dmarc=fail")
    t.logged("origin=inbound", f"[{BAD4}]", "forged-removed=1")


@case("shipped", "etc/assay.conf as shipped: forged From under p=reject is refused, good mail passes")
def _(t):
    message = t.sign(t.mail("boss@reject.example"), "reject.example")
    t.judged(t.send(message, "boss@reject.example"), "spf=pass", "dkim=pass", "dmarc=pass")
    message = t.mail("boss@reject.example")
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy")


# --- the daemon's life


@case("enforce", "while assay is away mail is asked to come again; when it is back mail passes")
def _(t):
    message = t.mail("boss@reject.example")
    t.expect("assay's end", t.daemon.stop(), None)
    t.refused(t.send(message, "boss@reject.example"), "4")
    t.daemon.start("enforce")
    t.judged(t.send(message, "boss@reject.example"), "spf=pass", "dmarc=pass")


@case("enforce", "SIGHUP: another configuration, without a restart; a broken one changes nothing")
def _(t):
    message = t.mail("boss@quarantine.example")
    t.daemon.reload("quarantine-refused")
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy", "quarantine.example")
    t.daemon.reload("broken")
    t.logged("assay.conf:", "mod")
    t.refused(t.send(message, "x@evil.example", client=BAD4), "550 5.7.1", "DMARC policy", "quarantine.example")
    t.daemon.reload("enforce")
    t.judged(t.send(message, "x@evil.example", client=BAD4), "dmarc=fail (p=quarantine dis=quarantine)")


# --- Debian's own configurations


@case("shipped", "Debian's sendmail.mc with the lines of etc/sendmail.mc: it starts, and its mail passes assay", "sendmail-debian")
def _(t):
    for port in (25, 587):
        reply = t.send(t.mail("root@mx.recv.example"), "", server="127.0.0.1", client="127.0.0.1", port=port, rcpt="root")
        t.expect(f"the reply on port {port}", reply.code, 250 if port == 25 else 530)
    t.logged("origin=ours", "action=accept", "[127.0.0.1]")


@case("chroot", "a Unix socket in the chroot of Postfix: smtpd and cleanup find it", "postfix-debian")
def _(t):
    spool = "/var/spool/postfix"
    message = t.sign(t.mail("boss@reject.example"), "reject.example")
    t.judged(t.send(message, "boss@reject.example"), "spf=pass", "dkim=pass", "dmarc=pass")
    t.pickup(t.mail("alice@recv.example", to="friend@far.example"), "alice@recv.example")
    signed_by_us(t, t.delivered())
    for program in ("smtpd", "cleanup"):
        t.expect(f"the root directory of {program}", roots_of(program), {spool})
    t.expect("what postfix check says", subprocess.run(["postfix", "check"], capture_output=True).stderr, b"")
    t.expect("what config check says", t.daemon.check(), f"{CONF} is good\n")
    folder = pathlib.Path(t.daemon.socket.removeprefix("unix:")).parent
    t.expect("ReadWritePaths", unit_setting("postfix-socket.conf", "ReadWritePaths"), f"-{folder}")


def roots_of(program):
    """The root directories of the processes that run this program."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.path.basename(os.readlink(process / "exe")) == program:
                found.add(os.readlink(process / "root"))
        except OSError:
            pass
    return found


import doctor_cases  # noqa: E402, F401  they have cases of their own, by what is here
import gate_cases  # noqa: E402, F401
import report_cases  # noqa: E402, F401
import report_out_cases  # noqa: E402, F401
import srs_cases  # noqa: E402, F401
