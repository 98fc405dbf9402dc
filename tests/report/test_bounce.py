#!/usr/bin/python3
"""Mails that come back, and suppressed destinations; assay report sent, pending and suppressed."""

import contextlib
import email.mime.message
import email.mime.multipart
import email.mime.text
import json
import sqlite3
import unittest

from sending import DAY, OVER, ZONE, Sending

HOUR, NIGHT = 3600, 86400


def bounce(mail, action="failed", returned="header", status="5.1.1"):
    """As an MTA makes it (RFC 3464)."""
    m = email.mime.multipart.MIMEMultipart("report", **{"report-type": "delivery-status"})
    m["From"], m["To"] = "Mail Delivery System <MAILER-DAEMON@mx.far.example>", mail.message["From"]
    m["Subject"], m["Auto-Submitted"] = "Undelivered Mail", "auto-replied"
    m.attach(email.mime.text.MIMEText("I am sorry."))
    fields = email.message.Message()
    fields["Final-Recipient"], fields["Action"], fields["Status"] = "rfc822; d@example.com", action, status
    fields["Diagnostic-Code"] = f"smtp; 550 {status} no such user"
    report = email.mime.message.MIMEMessage(email.message.Message(), "delivery-status")
    report.set_payload([email.message.Message(), fields])
    m.attach(report)
    if returned == "header":
        part = email.mime.text.MIMEText("Message-ID: " + mail.message["Message-ID"], "rfc822-headers")
        m.attach(part)
    elif returned == "base64":
        m.attach(email.mime.text.MIMEText("Message-ID: " + mail.message["Message-ID"] + "\n", "plain", "utf-8"))
    return m.as_string()


class Bounces(Sending):
    def sent(self):
        return [(m["destination"], m["state"], m["note"]) for m in json.loads(self.assay("sent", "--json").stdout)]

    def suppressed(self, at=OVER + HOUR):
        return {s["destination"]: (s["until"] - at) / NIGHT if s["until"] else None
                for s in json.loads(self.assay("suppressed", "--json", "--at", at).stdout)}

    def one_mail(self, **options):
        self.row(**options)
        self.send()
        return self.mails()[-1]

    def take(self, text, at=OVER + HOUR, status=0, *words):
        return self.assay("bounce", "--at", at, *words, input=text, status=status).stdout

    def test_by_the_message_id(self):
        for returned in ("header", "base64"):
            with self.subTest(returned=returned):
                self.setUp()
                mail = self.one_mail()
                self.assertEqual(self.sent(), [("d@example.com", "done", None)])
                self.assertIn("until 2026-12-16T01:00:05Z", self.take(bounce(mail, returned=returned)))
                self.assertEqual(self.sent(), [("d@example.com", "failed", "it came back: smtp; 550 5.1.1 no such user")])
                self.assertEqual(self.suppressed(), {"d@example.com": 2})

    def test_by_the_envelope_sender(self):
        self.configure(reports='delimiter = "+";')
        mail = self.one_mail()
        ident = mail.message["Message-ID"].strip("<>").split("@")[0]
        self.assertEqual(mail.words[2], f"dmarc-reports+{ident}@recv.example")
        text = bounce(mail, returned="nothing").replace("dmarc-reports@recv", f"dmarc-reports+{ident}@recv")
        self.take(text)
        self.assertEqual(self.suppressed(), {"d@example.com": 2})

    def test_the_envelope_sender_has_room_for_the_id(self):
        """A local part has 64 bytes (RFC 5321 4.5.3.1.1); where the id does not fit, bounces return the Message-ID."""
        for n, extended in ((29, True), (30, False)):
            with self.subTest(n=n):
                self.setUp()
                self.configure(reports='delimiter = "+";')
                self.conf.write_text(self.conf.read_text().replace("dmarc-reports@", "r" * n + "@"))
                mail = self.one_mail()
                ident = mail.message["Message-ID"].strip("<>").split("@")[0]
                self.assertEqual(mail.words[2], "r" * n + f"+{ident}" * extended + "@recv.example")

    def test_by_the_address_it_came_to(self):
        """As the mail server says it, with or without the domain, where nothing in the mail does."""
        for domain in ("@recv.example", ""):
            with self.subTest(domain=domain):
                self.setUp()
                mail = self.one_mail()
                ident = mail.message["Message-ID"].strip("<>").split("@")[0]
                text = bounce(mail, returned="nothing")
                self.take(text, OVER + HOUR, 65)
                self.take(text, OVER + HOUR, 65, "--recipient", "dmarc-reports" + domain)
                self.take(text, OVER + HOUR, 0, "--recipient", f"dmarc-reports+{ident}{domain}")
                self.assertEqual(self.suppressed(), {"d@example.com": 2})

    def test_what_is_no_failure(self):
        mail = self.one_mail()
        away = "From: d@example.com\nAuto-Submitted: auto-replied\nIn-Reply-To: " + mail.message["Message-ID"] + "\n\nI am away.\n"
        self.take(bounce(mail, action="delayed"))
        self.take(away, status=65)
        self.take("From: MAILER-DAEMON@x.example\n\nabout something else\n", status=65)
        self.assay("bounce", "--deliver", input=away)
        self.assertEqual((self.suppressed(), self.sent()[0][1]), ({}, "done"))

    def test_a_bounce_without_a_status(self):
        mail = self.one_mail()
        self.take("From: MAILER-DAEMON@far.example\n\nHi. This is the program.\n\n" + mail.message["Message-ID"] + "\n")
        self.assertEqual(self.sent()[0][1:], ("failed", "it came back"))

    def test_forms_of_mail_servers(self):
        """With a status in words of their own, and without one: what is a failure, a delay, and neither."""
        def plain(sender, subject, more=""):
            return lambda mail: (f"From: {sender}\nSubject: {subject}\n{more}\nIt was this mail:\n"
                                 f"Message-ID: {mail.message['Message-ID']}\n")

        daemon, postmaster = "Mail Delivery System <Mailer-Daemon@far.example>", "<postmaster@far.example>"
        failed = "X-Failed-Recipients: d@example.com\n"
        forms = [
            ("failed", lambda mail: bounce(mail, action="failed (bad address)")),
            ("failed", lambda mail: bounce(mail).replace("Action: failed\n", "")),
            ("done", lambda mail: bounce(mail, status="4.4.7").replace("Action: failed\n", "")),
            ("done", lambda mail: bounce(mail, action="relayed (to a server without DSN)")),
            ("failed", lambda mail: bounce(mail).replace("message/delivery-status", "message/global-delivery-status").replace(
                "MAILER-DAEMON@", "postmaster@")),
            ("failed", plain(daemon, "Mail delivery failed: returning message to sender", failed)),
            ("failed", plain("<noreply@far.example>", "Sorry", failed)),
            ("done", plain(daemon, "Warning: message 1abc-2 delayed 24\n hours")),
            ("failed", plain(postmaster, "Undeliverable Mail: Report Domain: example.org")),
            (None, plain(postmaster, "Re: Report Domain: example.org")),
            (None, plain("<d@example.com>", "Undeliverable Mail")),
        ]
        for i, (state, form) in enumerate(forms):
            with self.subTest(form=i):
                self.setUp()
                self.take(form(self.one_mail()), OVER + HOUR, 0 if state else 65)
                self.assertEqual(self.sent()[0][1], state or "done")

    def test_several_statuses(self):
        """Of several recipients the first longest answer is told; a bounce that is returned in a bounce says nothing."""
        text = bounce(self.one_mail())
        first = "Diagnostic-Code: smtp; 550 5.1.1 no such user\n"
        self.assertEqual(text.count(first), 1)
        second = first.replace("user", "host")
        self.take(text.replace(first, first + "\nFinal-Recipient: rfc822; e@example.com\nAction: failed\n" + second))
        self.assertEqual(self.sent()[0][2], "it came back: smtp; 550 5.1.1 no such user")
        self.setUp()
        mail = self.one_mail()
        returned = bounce(mail).partition("Content-Type: message/delivery-status")
        within = bounce(mail, action="delayed")
        boundary = within.partition('boundary="')[2].partition('"')[0]
        end = f"--{boundary}--"
        self.assertIn("Action: failed", returned[2])
        within = within.replace(end, f"--{boundary}\n" + "".join(returned[1:]).partition("\n--")[0] + f"\n{end}")
        self.take(within)
        self.assertEqual((self.sent()[0][1], self.suppressed()), ("done", {}))

    def test_a_store_that_fails_is_no_success(self):
        """The mail server keeps the bounce, and tries again."""
        text = bounce(self.one_mail())
        with contextlib.closing(sqlite3.connect(self.state / "rows.db")) as db, db:
            db.execute("DROP TABLE suppressed")
        self.assertEqual(self.take(text, OVER + HOUR, 75), "")

    def test_what_the_other_server_says_is_escaped_once(self):
        self.take(bounce(self.one_mail()).replace("no such user", "no\x01 \\ user"))
        safe = r"it came back: smtp; 550 5.1.1 no\x01 \x5c user"
        self.assertEqual(self.sent()[0][2], safe)
        self.assertTrue(self.assay("sent").stdout.endswith(f": {safe}\n"))
        listed = self.assay("suppressed", "--at", OVER + HOUR).stdout
        self.assertEqual(listed, f"d@example.com  since 2026-12-14T01:00:05Z, until 2026-12-16T01:00:05Z, 1 bounce: {safe}\n")
        self.assertEqual(json.loads(self.assay("suppressed", "--json", "--at", OVER + HOUR).stdout)[0]["why"], safe)

    def test_nobody_can_guess_an_id(self):
        mail = self.one_mail()
        forged = bounce(mail).replace(mail.message["Message-ID"][1:9], "0" * 8)
        self.take(forged, status=65)
        self.assertEqual(self.suppressed(), {})

    def test_periods_grow(self):
        suppressed, day, at = [], DAY, OVER
        for _ in range(7):
            self.row(day=day)
            self.send(at=(day + 1) * NIGHT + 5)
            at = (day + 1) * NIGHT + 10
            newest = max(self.mails(), key=lambda m: m.file.split("!")[2])
            text = bounce(newest)
            self.take(text, at=at)
            self.take(text, at=at)  # twice is once
            suppressed.append(self.suppressed(at)["d@example.com"])
            day += int(suppressed[-1]) + 1
        self.assertEqual(suppressed, [2, 4, 8, 16, 32, 64, 64])

    def test_a_period_ends_to_the_second(self):
        """Of two reports that come back the second one counts for itself once the first is over."""
        self.zone.write_text(ZONE + 'example.org._report._dmarc.example.com TXT "v=DMARC1"\n')
        self.row()
        self.row("example.org", "mailto:d@example.com")
        self.send()
        one, two = self.mails()
        self.take(bounce(one))
        until = OVER + HOUR + 2 * NIGHT
        self.assertIn("is known", self.take(bounce(one), at=until))
        self.assertIn("until 2026-12-20T01:00:05Z", self.take(bounce(two), at=until))
        self.assertEqual(self.suppressed(until), {"d@example.com": 4})

    def test_a_suppressed_destination_gets_nothing_and_later_again(self):
        self.take(bounce(self.one_mail()))
        self.row(day=DAY + 1)
        told = self.told(at=OVER + NIGHT)
        self.assertEqual([(m["state"], m["note"]) for m in told["mails"]],
                         [("suppressed", "it came back: smtp; 550 5.1.1 no such user")])
        self.row(day=DAY + 3)
        self.assertEqual(self.told(at=OVER + 3 * NIGHT)["handed_over"], 1)

    def test_by_hand(self):
        self.row()
        self.row("example.org", "mailto:D@example.org")
        self.assay("suppressed", "add", "d@Example.Org")
        self.assay("suppressed", "add", "example.com")
        self.assertEqual(self.suppressed(), {"d@example.org": None, "example.com": None})
        self.assertEqual(self.told("--dry-run")["suppressed"], 2)
        self.assertIn("again", self.assay("suppressed", "remove", "example.com").stdout)
        self.assertIn("not in the list", self.assay("suppressed", "remove", "example.com").stdout)
        told = self.told()
        self.assertEqual((told["suppressed"], told["handed_over"]), (1, 1))
        self.assay("suppressed", "remove", "d@example.org")
        self.assay("suppressed", "add", "example.com", "--until", OVER + 10)
        self.assertEqual(self.suppressed(OVER + 11), {})
        for words in (("add",), ("forget", "example.com"), ("add", "not an address")):
            self.assay("suppressed", *words, status=64)

    def test_suppressed_behind_one_that_does_not_agree(self):
        self.row(rua="mailto:d@no.example,mailto:d@example.com")
        self.assay("suppressed", "add", "example.com")
        told = self.told("--dry-run")
        self.assertEqual((told["refused"], told["suppressed"], told["shown"]), (1, 1, 0))

    def test_own_figures(self):
        self.assertIn("No such file", self.assay("own", status=75).stderr)
        self.row(messages=3)
        self.fill("odd", day=DAY + 1)
        self.fill("tally", "none/accept", 5, "at-rcpt/reject", 1, "none/accept", 1)
        told = [(d["day"], d["record"], d["name"], d["messages"]) for d in json.loads(self.assay("own", "--json").stdout)]
        first = [("2026-12-13", True, "pass", 3), ("2026-12-13", False, "at-rcpt/reject", 1),
                 ("2026-12-13", False, "none/accept", 6)]
        self.assertEqual(told[:3], first)
        later = [("2026-12-14", True, "pass", 11), ("2026-12-14", True, "quarantine", 1), ("2026-12-14", True, "reject", 2)]
        self.assertEqual(told[3:], later)
        text = self.assay("own", "--since", OVER).stdout.splitlines()
        self.assertEqual([line.split() for line in text],
                         [["2026-12-14", "with", "a", "record", name, str(n)] for _, _, name, n in later])
        self.assertEqual(self.assay("own", "--since", OVER + NIGHT).stdout, "nothing was counted\n")

    def test_pending(self):
        self.assertIn("No such file", self.assay("pending", status=75).stderr)
        self.row()
        self.assertEqual(self.assay("pending").stdout, "nothing is pending\n")
        (self.box / "down").write_text("75")
        self.send(status=2)
        pending, = json.loads(self.assay("pending", "--json").stdout)
        self.assertEqual([pending[k] for k in ("destination", "state", "tries", "next")],
                         ["d@example.com", "built", 1, OVER + 900])
        self.assertIn("status 75", pending["note"])
        self.assertEqual(self.sent(), [])
        (self.box / "down").unlink()
        self.send(at=OVER + HOUR)
        self.assertEqual(json.loads(self.assay("pending", "--json").stdout), [])
        for words, n in (((), 1), (("--domain", "example.com"), 1), (("--domain", "example.org"), 0),
                         (("--since", OVER), 0), (("--since", OVER - 100), 1)):
            self.assertEqual(len(json.loads(self.assay("sent", "--json", *words).stdout)), n, words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
