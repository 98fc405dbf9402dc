"""A store of made-up reports for the tests of pages: two domains, seven reporters, texts that want to be markup."""

import datetime
import email.utils
import json
import pathlib
import random
import subprocess
import time

DAY = 86400
TODAY = int(time.time()) // DAY
ORG, DOMAIN, SELECTOR = "<script>alert('org')</script>", "<svg/onload=alert(1)>.example", "'\"onmouseover='alert(2)"
COMMENT, REPORT_ID, SUBJECT = '"><img src=x onerror=alert(3)>', '"><script>alert(4)</script>', "<b>&lt;i&gt;"
KIND = "<u onclick=alert(5)>"
HOSTILE = (ORG, DOMAIN, COMMENT, REPORT_ID, SUBJECT)

# address, messages, dkim, spf, d=, s=, DKIM says, MAIL FROM, SPF says, the receiver did
SENDERS = [
    ("192.0.2.10", 420, "pass", "pass", "{}", "2026a", "pass", "{}", "pass", "none"),
    ("198.51.100.20", 90, "pass", "fail", "{}", "sg1", "pass", "bounce.esp.example", "pass", "none"),
    ("198.51.100.78", 12, "fail", "fail", "{}", "2026a", "fail", "lists.example", "pass", "none"),
    ("203.0.113.9", 14, "fail", "fail", "crm.vendor.example", "s1", "pass", "crm.vendor.example", "pass", "quarantine"),
    ("203.0.114.200", 40, "fail", "fail", "", "", "", "spam.example", "fail", "reject"),
    ("2001:db8:1::25", 25, "fail", "pass", "", "", "", "{}", "pass", "none"),
]
REPORTERS = [("google.example", 10), ("outlook.example", 5), ("yahoo.example", 3), ("gmx.example", 2),
             ("comcast.example", 1), ("fastmail.example", 1), (ORG, 1)]
ZONE = """$ORIGIN .
10.2.0.192.in-addr.arpa. PTR mail.example.org.
mail.example.org. A 192.0.2.10
20.100.51.198.in-addr.arpa. PTR out.esp.example.
out.esp.example. A 198.51.100.20
"""


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def row(domain, sender, count):
    address, _, dkim, spf, d, s, says, mail_from, spf_says, did = sender
    auth = f"<dkim><domain>{d.format(domain)}</domain><selector>{s}</selector><result>{says}</result></dkim>" if d else ""
    return (f"<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated><disposition>{did}"
            f"</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row><identifiers><header_from>{domain}"
            f"</header_from><envelope_from>{mail_from.format(domain)}</envelope_from></identifiers><auth_results>{auth}"
            f"<spf><domain>{mail_from.format(domain)}</domain><result>{spf_says}</result></spf></auth_results></record>\n")


def hostile_row(domain):
    return (f"<record><row><source_ip>203.0.113.66</source_ip><count>2</count><policy_evaluated><disposition>none</disposition>"
            f"<dkim>fail</dkim><spf>fail</spf><reason><type>other</type><comment>{escaped(COMMENT)}</comment></reason>"
            f"</policy_evaluated></row><identifiers><header_from>{domain}</header_from></identifiers><auth_results><dkim>"
            f"<domain>{escaped(DOMAIN)}</domain><selector>{escaped(SELECTOR)}</selector><result>fail</result></dkim>"
            f"<spf><domain>{escaped(DOMAIN)}</domain><result>none</result></spf></auth_results></record>\n")


def report(reporter, day, domain, number, rows):
    rid = REPORT_ID + str(number) if reporter == ORG else f"{day}.{number}"
    return (f'<?xml version="1.0"?>\n<feedback><report_metadata><org_name>{escaped(reporter)}</org_name><email>r@rep.example'
            f"</email><report_id>{escaped(rid)}</report_id><date_range><begin>{day * DAY}</begin><end>{day * DAY + DAY - 1}"
            f"</end></date_range></report_metadata><policy_published><domain>{domain}</domain><p>quarantine</p>"
            f"</policy_published>\n{rows}</feedback>\n")


def make_reports(folder, days, seed=7):
    chance = random.Random(seed)
    folder.mkdir()
    number = 0
    for day in range(TODAY - days, TODAY):
        for reporter, weight in REPORTERS:
            if chance.random() < 0.05:
                continue
            for domain, share in (("example.org", 1), ("example.net", 0.3)):
                counts = [(s, int(s[1] * weight / 10 * share * chance.uniform(0.6, 1.2))) for s in SENDERS]
                rows = "".join(row(domain, s, n) for s, n in counts if n)
                if reporter == ORG:
                    rows += hostile_row(domain)
                number += 1
                if rows:
                    (folder / f"{number:05}.xml").write_text(report(reporter, day, domain, number, rows))


# --- Failure reports ---

# days ago, address, about, incidents, what the receiver did, subject
SINGLES = [
    (1, "203.0.114.200", "example.org", 1, "reject", "Your invoice"), (1, "203.0.114.201", "example.org", 3, "reject", "Invoice"),
    (2, "203.0.114.200", "example.org", 1, "spam", "Your parcel waits"), (2, "198.51.100.78", "example.net", 1, "delivered", "Re: minutes"),
    (5, "203.0.114.207", "example.org", 20, "reject", "Voice message"), (5, "203.0.113.66", "example.org", 1, KIND, SUBJECT),
    (20, "198.51.100.78", "example.org", 1, "delivered", "Re: Re: minutes"), (60, "2001:db8:9::1", "example.net", 2, "policy", "Old one"),
]


def single(number, ago, address, about, incidents, did, subject):
    when = email.utils.format_datetime(datetime.datetime.fromtimestamp((TODAY - ago) * DAY + 36000 + number, datetime.timezone.utc))
    return (f"From: dmarc-noreply@reporter.example\nTo: ruf@{about}\nSubject: Fw: {subject}\nMIME-Version: 1.0\nContent-Type: "
            f"multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nThis is an email "
            f"authentication failure report.\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: auth-failure\n"
            f"Version: 1\nUser-Agent: x/1\nAuth-Failure: {KIND if did == KIND else 'dmarc'}\nSource-IP: {address}\nReported-Domain: "
            f"{about}\nDelivery-Result: {did}\nIdentity-Alignment: none\nDKIM-Domain: {about}\nDKIM-Selector: "
            f"{SELECTOR if did == KIND else 's1'}\nOriginal-Mail-From: <bounce@spam.example>\nArrival-Date: {when}\nIncidents: "
            f"{incidents}\n\n--b\nContent-Type: text/rfc822-headers\n\nFrom: boss@{about}\nSubject: {subject}\nMessage-ID: "
            f"<{number}@x.example>\n\n--b--\n")


# --- TLS reports ---

# days ago, reporter, id, policies: domain, type, good, failed
TLS = [
    (1, "google.example", "tls.1", [("example.org", "sts", 900, 0), ("example.net", "no-policy-found", 80, 0)]),
    (1, "microsoft.example", "tls.2", [("example.org", "sts", 400, 12)]),
    (2, "google.example", "tls.3", [("example.org", "sts", 850, 3)]), (40, "google.example", "tls.4", [("example.org", "sts", 70, 0)]),
    (3, ORG, REPORT_ID, [(DOMAIN, KIND, 1, 2)]), (20, "microsoft.example", "tls.of.three.days", [("example.net", "tlsa", 33, 1)]),
]


def tls(ago, reporter, number, policies):
    around = datetime.timedelta(days=1 if "three" in number else 0)
    day = datetime.datetime.fromtimestamp((TODAY - ago) * DAY, datetime.timezone.utc)
    begin, end = day - around, day + around
    return json.dumps({
        "organization-name": reporter, "contact-info": COMMENT, "report-id": number,
        "date-range": {"start-datetime": begin.strftime("%Y-%m-%dT00:00:00Z"), "end-datetime": end.strftime("%Y-%m-%dT23:59:59Z")},
        "policies": [{"policy": {"policy-type": kind, "policy-domain": domain}, "summary": {
            "total-successful-session-count": good, "total-failure-session-count": bad}} for domain, kind, good, bad in policies]})


def make_others(folder):
    folder.mkdir()
    for number, one in enumerate(SINGLES):
        (folder / f"single{number}.eml").write_text(single(number, *one))
    for number, one in enumerate(TLS):
        (folder / f"tls{number}.json").write_text(tls(*one))


class Store:
    """A state directory with reports in it."""

    def __init__(self, assay, folder, days=40):
        self.assay = assay
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.state.mkdir(parents=True)
        (self.folder / "zone").write_text(ZONE)
        self.conf = self.folder / "assay.conf"
        self.conf.write_text(f'state-dir = "{self.state}";\ncontrol = "unix:{self.folder}/control.sock";\n'
                             'reports = { domains = [ "example.org", "example.net" ]; };\n')
        make_reports(self.folder / "reports", days)
        self.run("receive", "--dns", str(self.folder / "zone"), str(self.folder / "reports"))
        make_others(self.folder / "others")
        self.run("receive", "--dns", str(self.folder / "zone"), str(self.folder / "others"))
        (self.folder / "junk").write_text(f"From: {SUBJECT} <x@y.example>\nSubject: {SUBJECT}\n\nno report\n")
        self.run("receive", str(self.folder / "junk"), good=65)

    def run(self, *words, good=0):
        done = subprocess.run([self.assay, "report", words[0], "-c", str(self.conf), *words[1:]], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=300)
        if done.returncode != good:
            raise RuntimeError(f"{words}: {done.returncode} {done.stdout.decode()} {done.stderr.decode()}")
        return done.stdout.decode()
