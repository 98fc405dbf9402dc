"""Made-up reports that look like real ones, for pictures and to look at: three domains of example names, twenty sources of all
classes, lists and forwarders, a wave of forged mail, a new source, a reporter that fell silent, failure reports, TLS reports, and
what the host did itself. The same seed and day give the same reports."""

import datetime
import email.utils
import json
import pathlib
import random
import sqlite3
import subprocess

DAY = 86400
DAYS = 120

# domain, policy, share of the traffic
DOMAINS = [("example.org", "quarantine", 1.0), ("example.net", "none", 0.25), ("research-and-development.example.com", "reject", 0.05)]

# address, host name (None: it has none), country, messages a day at the busiest reporter, dkim, spf, d=, s=, DKIM says, MAIL FROM,
# SPF says, disposition under the policy, first day (of DAYS); {} is the domain
SOURCES = [
    ("192.0.2.10", "mail.example.org", "DE", 300, 1, 1, "{}", "2026a", "pass", "{}", "pass", 0, 0),
    ("192.0.2.11", "mail2.example.org", "DE", 120, 1, 1, "{}", "2026a", "pass", "{}", "pass", 0, 0),
    ("2001:db8:10::25", "mail.example.org", "DE", 90, 1, 1, "{}", "2026a", "pass", "{}", "pass", 0, 0),
    ("198.51.100.20", "out1.newsletter.example", "US", 70, 1, 0, "{}", "nl1", "pass", "bounce.newsletter.example", "pass", 0, 0),
    ("198.51.100.21", "out2.newsletter.example", "US", 50, 1, 0, "{}", "nl1", "pass", "bounce.newsletter.example", "pass", 0, 0),
    ("198.51.100.60", "o1.tickets.example", "IE", 24, 1, 1, "{}", "tk", "pass", "{}", "pass", 0, 0),
    ("198.51.100.90", "relay.payroll.example", "GB", 9, 1, 1, "{}", "pay", "pass", "{}", "pass", 0, 0),
    ("203.0.113.25", "lists.club.example", "FR", 12, 0, 0, "{}", "2026a", "fail", "lists.club.example", "pass", 0, 0),
    ("203.0.113.40", "forward.uni.example", "AT", 9, 1, 0, "{}", "2026a", "pass", "uni.example", "pass", 0, 0),
    ("203.0.113.70", "mx-out-7.cloudmail.example", "NL", 15, 1, 0, "{}", "2026a", "pass", "{}", "fail", 0, 0),
    ("203.0.113.71", "a-very-long-host-name-that-somebody-chose-for-his-forwarder.alumni-association.example", "US", 3, 1, 0, "{}",
     "2026a", "pass", "{}", "softfail", 0, 0),
    ("198.51.100.130", "app.crm-vendor.example", "US", 11, 0, 0, "crm-vendor.example", "s1", "pass", "crm-vendor.example", "pass", 1, 112),
    ("198.51.100.140", "survey.feedback.example", "SE", 4, 0, 1, "", "", "", "{}", "pass", 0, DAYS - 4),
    ("192.0.2.77", "printer.branch.example", "DE", 2, 0, 0, "", "", "", "{}", "softfail", 1, 0),
    ("198.18.7.200", None, "BR", 6, 0, 0, "", "", "", "spam.example", "fail", 1, 0),
    ("198.18.22.5", None, "VN", 5, 0, 0, "", "", "", "{}", "fail", 1, 0),
    ("198.18.90.17", None, "IN", 3, 0, 0, "", "", "", "{}", "fail", 1, 0),
    ("198.19.40.9", None, "RU", 4, 0, 0, "evil.example", "x", "pass", "evil.example", "pass", 1, 0),
    ("198.19.77.31", None, "CN", 2, 0, 0, "", "", "", "{}", "none", 1, 20),
    ("2001:db8:bad::1", None, "US", 1, 0, 0, "", "", "", "{}", "fail", 1, 0),
]
WAVE = ("198.19.123.45", None, "RU", 900, 0, 0, "", "", "", "{}", "fail", 1, 0)
WAVE_DAYS = (DAYS - 13, DAYS - 12)

REPORTERS = [("google.example", 1.0), ("Outlook.example", 0.5), ("Yahoo", 0.35), ("GMX", 0.2), ("Comcast", 0.15), ("Fastmail", 0.1),
             ("mail.ru.example", 0.08), ("Zoho", 0.05), ("Mimecast", 0.05), ("Seznam", 0.04), ("Ünïversity of Example", 0.03),
             ("An Organization with a Name that is Longer than any Column Likes", 0.03), ("wp.example", 0.02), ("posteo.example", 0.02)]
SILENT = ("Fastmail", DAYS - 5)  # it sends nothing from this day on
SUBJECTS = ["Your invoice 2026-1187", "Voice message from +49 30 5550", "Re: minutes of the meeting", "Password expires today",
            "Parcel 00340 waits for you", "Änderung Ihrer Bankverbindung", "[club] Summer party", "Payment advice"]


def zone():
    lines = ["$ORIGIN ."]
    for address, name, *_ in SOURCES:
        if name and ":" not in address:
            lines += [f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa. PTR {name}.", f"{name}. A {address}"]
        elif name:
            whole = "20010db8001000000000000000000025"
            lines += [f"{'.'.join(reversed(whole))}.ip6.arpa. PTR {name}.", f"{name}. AAAA {address}"]
    return "\n".join(lines) + "\n"


def number_of(address):
    a, b, c, _ = map(int, address.split("."))
    return (a << 24) + (b << 16) + (c << 8)


def countries(folder):
    """As the files of tor-geoipdb."""
    nets = sorted({(number_of(s[0]), s[2]) for s in SOURCES + [WAVE] if ":" not in s[0]})
    seen, lines = set(), []
    for net, country in nets:
        if net not in seen:
            seen.add(net)
            lines.append(f"{net},{net + 255},{country}\n")
    (folder / "geoip").write_text("".join(lines))
    (folder / "geoip6").write_text("2001:db8:10::,2001:db8:10:ffff:ffff:ffff:ffff:ffff,DE\n2001:db8:bad::,2001:db8:bad:ffff:ffff:ffff:"
                                   "ffff:ffff,US\n")


def xml_row(source, domain, policy, count):
    address, _, _, _, dkim, spf, d, s, says, mail_from, spf_says, hit, _ = source
    did = {"none": "none"}.get(policy, policy) if hit and not dkim and not spf else "none"
    auth = f"<dkim><domain>{d.format(domain)}</domain><selector>{s}</selector><result>{says}</result></dkim>" if d else ""
    reason = "<reason><type>mailing_list</type><comment>arc=pass</comment></reason>" if "lists." in mail_from else ""
    return (f"<record><row><source_ip>{address}</source_ip><count>{count}</count><policy_evaluated><disposition>{did}</disposition>"
            f"<dkim>{'pass' if dkim else 'fail'}</dkim><spf>{'pass' if spf else 'fail'}</spf>{reason}</policy_evaluated></row>"
            f"<identifiers><header_from>{domain}</header_from><envelope_from>{mail_from.format(domain)}</envelope_from></identifiers>"
            f"<auth_results>{auth}<spf><domain>{mail_from.format(domain)}</domain><result>{spf_says}</result></spf></auth_results>"
            f"</record>\n")


def traffic(chance, source, at, weekday, weight):
    busy = (0.35 if weekday > 4 else 1.0) * (0.8 + 0.4 * at / DAYS) * chance.uniform(0.75, 1.25)
    if not source[1]:
        busy = chance.choice((0, 0, 0.4, 1, 2))  # forged mail knows no weekend
    return int(source[3] * weight * busy) if at >= source[12] else 0


def xml_report(reporter, day, domain, policy, number, rows):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">\n<report_metadata><org_name>'
            f"{reporter}</org_name><email>noreply-dmarc@reports.example</email><report_id>{day}{number:06}</report_id><date_range>"
            f"<begin>{day * DAY}</begin><end>{day * DAY + DAY - 1}</end></date_range></report_metadata>\n<policy_published><domain>"
            f"{domain}</domain><adkim>r</adkim><aspf>r</aspf><p>{policy}</p><sp>{policy}</sp></policy_published>\n{rows}</feedback>\n")


def make_reports(folder, last, chance):
    folder.mkdir()
    number = 0
    for at in range(DAYS):
        day = last - DAYS + 1 + at
        weekday = (day + 3) % 7
        for reporter, weight in REPORTERS:
            if chance.random() < 0.03 or reporter == SILENT[0] and at >= SILENT[1]:
                continue
            for domain, policy, share in DOMAINS:
                sources = SOURCES + ([WAVE] if at in WAVE_DAYS and domain == "example.org" else [])
                counts = [(s, traffic(chance, s, at, weekday, weight * share)) for s in sources]
                rows = "".join(xml_row(s, domain, policy, n) for s, n in counts if n)
                number += 1
                if rows:
                    (folder / f"{number:06}.xml").write_text(xml_report(reporter, day, domain, policy, number, rows))


def make_singles(folder, last, chance):
    folder.mkdir()
    forgers = [s[0] for s in SOURCES if not s[1] and ":" not in s[0]]
    for number in range(70):
        ago = chance.choice((0, 1, 2, 3, 5, 8, 12, 13, 21, 28))
        address = WAVE[0] if ago == 12 else chance.choice(forgers + ["203.0.113.25"])
        when = datetime.datetime.fromtimestamp((last - ago) * DAY + chance.randrange(DAY), datetime.timezone.utc)
        did = "delivered" if address.startswith("203.") else chance.choice(("reject", "reject", "spam"))
        (folder / f"{number:03}.eml").write_text(
            "From: dmarc-failures@receiver.example\nTo: ruf@example.org\nSubject: Authentication failure\nMIME-Version: 1.0\nContent-Type: "
            "multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nThis is an email authentication "
            "failure report.\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: auth-failure\nVersion: 1\nUser-Agent: "
            f"receiver/1\nAuth-Failure: dmarc\nSource-IP: {address}\nReported-Domain: example.org\nDelivery-Result: {did}\n"
            f"Identity-Alignment: none\nOriginal-Mail-From: <x@spam.example>\nArrival-Date: {email.utils.format_datetime(when)}\nIncidents: "
            f"{chance.choice((1, 1, 1, 4))}\n\n--b\nContent-Type: text/rfc822-headers\n\nFrom: office@example.org\nSubject: "
            f"{chance.choice(SUBJECTS)}\nMessage-ID: <{number}@spam.example>\n\n--b--\n")


def make_tls(folder, last, chance):
    folder.mkdir()
    for ago in range(DAYS):
        for reporter, sessions in (("Google Inc.", 900), ("Microsoft Corporation", 400), ("mail.example.edu", 40)):
            begin = datetime.datetime.fromtimestamp((last - ago) * DAY, datetime.timezone.utc)
            failed = chance.randrange(60, 120) if ago in (4, 5) else chance.choice((0, 0, 0, 0, 1))
            policies = [("example.org", "sts", sessions, failed), ("example.net", "no-policy-found", sessions // 4, 0)]
            (folder / f"{ago:03}{reporter[:3]}.json").write_text(json.dumps({
                "organization-name": reporter, "contact-info": "tls-reports@reports.example", "report-id": f"{begin:%Y-%m-%d}_{reporter[:3]}",
                "date-range": {"start-datetime": f"{begin:%Y-%m-%d}T00:00:00Z", "end-datetime": f"{begin:%Y-%m-%d}T23:59:59Z"},
                "policies": [{"policy": {"policy-type": kind, "policy-domain": domain}, "summary": {
                    "total-successful-session-count": int(good * chance.uniform(0.7, 1.2)), "total-failure-session-count": bad}}
                    for domain, kind, good, bad in policies]}))


def make_own(state, fill, last, chance):
    """Rows by the store's own writer, the rest beside them."""
    path = state / "rows.db"
    subprocess.run([fill, path, str(last - 1), "row", "bank.example", "mailto:dmarc@bank.example", "192.0.2.1", "5"], check=True)
    db = sqlite3.connect(path)
    for at in range(DAYS):
        day = last - at
        for name, most in (("none/accept", 3200), ("none/tag", 160), ("at-rcpt/reject", 420), ("unchecked/quarantine", 90)):
            db.execute("INSERT INTO tally VALUES(?, ?, ?)", (day, name, int(most * chance.uniform(0.7, 1.2) * (0.5 if (day + 3) % 7 > 4 else 1))))
    for number, (domain, state_of, note) in enumerate((("bank.example", 3, ""), ("shop.example", 3, ""), ("uni.example", 3, ""),
                                                       ("club.example", 4, "550 5.1.1 no such mailbox")), 1):
        db.execute("INSERT INTO report VALUES(?, ?, 1, ?, ?, ?, 'r@x.example', 2, 0, 0, 1, ?)",
                   (number, last - 1, number, f"id{number}", domain, 12 * number))
        db.execute("INSERT INTO mail VALUES(?, ?, 1, ?, ?, 0, ?, 1, 0, 0, ?)",
                   (number, number, f"mailto:dmarc@{domain}", f"dmarc@{domain}", state_of, note))
    db.commit()
    db.close()


class Show:
    def __init__(self, assay, fill, folder, last, seed=5):
        chance = random.Random(seed)
        self.assay, self.folder = assay, pathlib.Path(folder)
        self.state = self.folder / "state"
        self.state.mkdir(parents=True)
        (self.folder / "zone").write_text(zone())
        countries(self.folder)
        self.conf = self.folder / "assay.conf"
        domains = ", ".join(f'"{d}"' for d, _, _ in DOMAINS)
        self.conf.write_text(f'state-dir = "{self.state}";\ncontrol = "unix:{self.folder}/control.sock";\nreports = {{ domains = [ {domains} ]; '
                             f'country-file = "{self.folder}/geoip"; keep-rows = "36500d"; keep-raw = "36500d"; keep-failures = "36500d"; }};\n')
        for make in (make_reports, make_singles, make_tls):
            make(self.folder / make.__name__, last, chance)
            self.run("receive", "--dns", str(self.folder / "zone"), str(self.folder / make.__name__))
        self.run("label", "tickets.example", "approved", "Ticket system")
        self.run("label", "newsletter.example", "approved", "Our newsletter")
        make_own(self.state, fill, last, chance)

    def run(self, *words):
        done = subprocess.run([self.assay, "report", words[0], "-c", str(self.conf), *words[1:]], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.returncode} {done.stdout.decode()} {done.stderr.decode()}")
        return done.stdout.decode()
