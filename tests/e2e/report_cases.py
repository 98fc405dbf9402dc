"""report_cases.py - DMARC reports that come in as mail, with the lines of etc/postfix-reports.cf and
etc/sendmail-reports.mc: into the store, with the trust that the daemon's own result gives them."""

import base64
import gzip
import json
import subprocess
import time

from cases import case
from daemon import STATE

ADDRESS = "dmarc-reports@recv.example"
XML = """<?xml version="1.0"?><feedback><report_metadata><org_name>Reporter</org_name><email>r@reject.example</email>
<report_id>{id}</report_id><date_range><begin>1795910400</begin><end>1795996799</end></date_range></report_metadata>
<policy_published><domain>recv.example</domain><p>none</p></policy_published><record><row><source_ip>192.0.2.1</source_ip>
<count>3</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
<identifiers><header_from>recv.example</header_from></identifiers><auth_results><dkim><domain>recv.example</domain>
<selector>s</selector><result>pass</result></dkim></auth_results></record></feedback>"""


def report_case(name):
    def remember(function):
        for mta in ("postfix-reports", "sendmail-reports"):
            case("reports", name, mta)(function)
        return function

    return remember


def assay(t, *words):
    done = subprocess.run([str(t.daemon.program), "report", *words], capture_output=True, text=True)
    t.story.append(f"assay report {' '.join(words)}: {done.returncode} {done.stderr}")
    return done.stdout


def stored(t, what, *words):
    """Waits until something with this text is listed; all that is."""
    end = time.monotonic() + 5
    while True:
        found = json.loads(assay(t, "list", "--json", *words) or "[]")
        if any(what in json.dumps(f) for f in found) or time.monotonic() > end:
            return [f for f in found if what in json.dumps(f)]
        time.sleep(0.1)


def a_report(t, rid):
    data = base64.encodebytes(gzip.compress(XML.format(id=rid).encode(), mtime=0)).decode()
    return t.mail("Reports <reports@reject.example>", to=ADDRESS, headers=[
        "MIME-Version: 1.0", "Content-Type: application/gzip; name=r.xml.gz", "Content-Transfer-Encoding: base64"], body=data)


@report_case("a report comes, and is stored once, with the trust that its mail has")
def _(t):
    for _ in range(2):
        t.expect("the reply", t.send(a_report(t, "good"), "reports@reject.example", rcpt=ADDRESS).code, 250)
    found = stored(t, "good")
    t.expect("it is stored", [(f["report_id"], f["trust"], f["messages"]) for f in found], [("good", "aligned", 3)])
    shown = json.loads(assay(t, "show", "good", "--json"))
    t.expect("with its rows", [r["source_ip"] for r in shown[0]["rows"]], ["192.0.2.1"])
    t.expect("whose the store is", (STATE / "received.db").owner(), "assay")


@report_case("one from a domain without DMARC does not count")
def _(t):
    message = a_report(t, "weak").replace(b"reports@reject.example", b"reports@nodmarc.example")
    t.expect("the reply", t.send(message, "reports@nodmarc.example", rcpt=ADDRESS).code, 250)
    t.expect("its trust", [f["trust"] for f in stored(t, "weak")], ["other"])


@report_case("what is no report is refused by us, and gives no bounce")
def _(t):
    message = t.mail("Boss <boss@reject.example>", to=ADDRESS, body="Good morning.\n")
    t.expect("the reply", t.send(message, "boss@reject.example", rcpt=ADDRESS).code, 250)
    found = stored(t, "boss@reject.example", "--refused")
    t.expect("why", found[0]["why"] if found else "", "holds no report")
    time.sleep(1)
    t.expect("a bounce", [line for line in t.syslog.lines[t.syslog_start:] if "status=bounced" in line or "stat=User unknown"
                          in line or "DSN" in line], [])


@report_case("while the store cannot be had, the mail waits")
def _(t):
    store, aside = STATE / "received.db", STATE / "aside"
    for name in ("received.db-wal", "received.db-shm"):
        (STATE / name).unlink(missing_ok=True)
    if store.exists():
        store.rename(aside)
    store.mkdir()
    t.expect("the reply", t.send(a_report(t, "late"), "reports@reject.example", rcpt=ADDRESS).code, 250)
    time.sleep(2)
    store.rmdir()
    if aside.exists():
        aside.rename(store)
    t.mta.flush()
    t.expect("then it is stored", [f["report_id"] for f in stored(t, "late")], ["late"])


@report_case("what comes to reports.from goes to assay report bounce")
def _(t):
    text = "It is full.\n"
    message = t.mail("MAILER-DAEMON@nodmarc.example", to="noreply-dmarc@recv.example", body=text)
    t.expect("the reply", t.send(message, "", rcpt="noreply-dmarc@recv.example").code, 250)
    end = time.monotonic() + 5
    while not (found := [line for line in t.syslog.lines[t.syslog_start:] if "assay-bounce" in line or "assaybounce" in line]) and \
            time.monotonic() < end:
        time.sleep(0.1)
    t.expect("how it was delivered", found[-1] if found else "", "Sent" if "sendmail" in t.mta.name else "status=sent")
    t.expect("a report", [f for f in stored(t, "MAILER-DAEMON", "--refused")], [])
