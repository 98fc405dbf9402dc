"""report_out_cases.py - DMARC reports to others: mail comes in under a real MTA, and the report about it goes out through the
same MTA, signed, to another mailbox."""

import contextlib
import gzip
import json
import re
import sqlite3
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from cases import case
from daemon import CONF, OUTGOING
from namespace import BAD4, MX4, WORK
from trial import Delivered, WAIT

NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"
DOMAIN = "reported.example"


def assay(t, *words, status=0, give=None):
    done = subprocess.run([str(t.daemon.program), *map(str, words)], capture_output=True, text=True, timeout=60, input=give)
    t.story.append(f"assay {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
    t.expect(f"the status of {words[:2]}", done.returncode, status)
    return done.stdout


def counted():
    sql = "SELECT coalesce(sum(messages), 0) FROM row JOIN policy ON policy.id = policy WHERE domain = ?"
    if not (OUTGOING / "rows.db").exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(f"file:{OUTGOING}/rows.db?mode=ro", uri=True)) as db:
            return db.execute(sql, (DOMAIN,)).fetchone()[0]
    except sqlite3.OperationalError:  # its tables are not made yet
        return 0


def becomes(t, what, wanted, look):
    end = time.monotonic() + WAIT
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    t.expect(what, found, wanted)


def reports(t):
    """What the next hop has got: envelope sender and mail."""
    return [(sender, Delivered(data)) for sink in t.sinks for sender, _, data in list(sink.envelopes)
            if f"Report Domain: {DOMAIN}".encode() in data]


def as_they_receive(t, sender, mail):
    """What another receiver makes of it: our own evaluation, by the rules and the DNS of everybody."""
    path, conf = WORK / "report.eml", WORK / "other.conf"
    path.write_bytes(mail.data)
    conf.write_text('authserv-id = "mx.next.example";\n')
    path.chmod(0o644)
    said = assay(t, "check", "-c", conf, "--ip", MX4, "--helo", "mx.recv.example", "--from", sender, "--rcpt",
                 "reports@next.example", "--json", path)
    return json.loads(said)


def records(mail):
    attached = [p for p in mail.message.walk() if p.get_content_type() == "application/gzip"]
    report = ElementTree.fromstring(gzip.decompress(attached[0].get_payload(decode=True)))
    return sorted((r.find(f"{NS}row/{NS}source_ip").text, r.find(f"{NS}row/{NS}count").text,
                   r.find(f"{NS}row/{NS}policy_evaluated/{NS}disposition").text) for r in report.iter(NS + "record"))


@case("reports-out", "a report arrives elsewhere, passes DMARC there, and counts what was sent")
def _(t):
    before = counted()
    for _ in range(3):
        t.accepted(t.send(t.mail(f"Ann <ann@{DOMAIN}>"), f"ann@{DOMAIN}"))
    t.refused(t.send(t.mail(f"Ann <ann@{DOMAIN}>"), "x@evil.example", client=BAD4), "550", "5.7.1")
    becomes(t, "messages that are counted", before + 4, counted)
    tomorrow = (int(time.time()) // 86400 + 1) * 86400 + 60
    told = json.loads(assay(t, "report", "send", "-c", CONF, "--at", tomorrow, "--domain", DOMAIN, "--json"))
    t.expect("mails that are handed over", told["handed_over"], 1)
    becomes(t, "reports that arrive", 1, lambda: len(reports(t)))
    if t.wrong:
        return
    sender, mail = reports(t)[0]
    t.story.append("the report:\n" + mail.header())
    t.expect("the envelope sender", bool(re.fullmatch(r"dmarc-reports\+[0-9a-f]{32}\.1@recv\.example", sender)), True)
    t.expect("signatures", [(d, good) for d, _, good in mail.verify(t.zones)], [("recv.example", True)] * 2)
    judged = as_they_receive(t, sender, mail)
    t.expect("DMARC there", json.dumps(judged), '"result": "pass"', '"dkim_aligned": true', '"spf_aligned": true')
    t.expect("the sum", sum(int(r[1]) for r in records(mail)), before + 4)
    t.expect("the dispositions", sorted({(r[0], r[2]) for r in records(mail)})[-1], (BAD4, "reject"))
    assay(t, "report", "send", "-c", CONF, "--at", tomorrow + 60, "--domain", DOMAIN)
    t.expect("reports that arrive, after another run", len(reports(t)), 1)
    told = assay(t, "report", "bounce", "-c", CONF, "--at", tomorrow + 60,
                 give=f"From: MAILER-DAEMON@next.example\nTo: {sender}\n\nNobody is here.\n")
    t.expect("the bounce", told, "reports@next.example: gets no reports until")
