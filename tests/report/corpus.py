"""Reports in all the forms that were seen to come: what arrives, and what should be stored of it.

Written for these tests; the reporters are made up. A case is a name, the bytes, and what is expected: a list of
(org_name, report_id, rows), or a word that the reason of its refusal has."""

import base64
import gzip
import io
import struct
import zipfile

BEGIN, END = 1700006400, 1700092799


class Row(dict):
    """A row as the program should show it: only what is set is compared."""


def row(ip="192.0.2.1", count=2, disposition="none", dkim="pass", spf="fail", reasons="", header_from="example.org",
        auth=None, identifiers="identifiers"):
    auth = auth if auth is not None else (
        "<dkim><domain>example.org</domain><selector>s1</selector><result>pass</result></dkim>"
        "<spf><domain>bounce.example.net</domain><scope>mfrom</scope><result>pass</result></spf>")
    return (f"<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>"
            f"{disposition}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>{reasons}</policy_evaluated></row>"
            f"<{identifiers}><header_from>{header_from}</header_from></{identifiers}><auth_results>{auth}"
            "</auth_results></record>")


PLAIN = Row(source_ip="192.0.2.1", count=2, disposition="none", dkim="pass", spf="fail", header_from="example.org",
            reasons=[], auth_dkim=[{"domain": "example.org", "selector": "s1", "result": "pass"}],
            auth_spf=[{"domain": "bounce.example.net", "scope": "mfrom", "result": "pass"}])


def metadata(org="Reporter", rid="r1", email="reports@reporter.example", begin=BEGIN, end=END):
    return (f"<report_metadata><org_name>{org}</org_name><email>{email}</email><report_id>{rid}</report_id><date_range>"
            f"<begin>{begin}</begin><end>{end}</end></date_range></report_metadata>")


def policy(domain="example.org", sp="none"):
    return (f"<policy_published><domain>{domain}</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>{sp}</sp>"
            "<pct>100</pct></policy_published>")


def xml(rows=None, head=None, declared='<?xml version="1.0" encoding="UTF-8"?>\n', pol=None, root="feedback", **meta):
    rows = row() if rows is None else rows
    head = metadata(**meta) if head is None else head
    return f"{declared}<{root}>{head}{policy() if pol is None else pol}{rows}</{root.split()[0]}>"


def gz(text):
    return gzip.compress(text.encode() if isinstance(text, str) else text, mtime=0)


def zipped(*files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in files:
            z.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def attachment(data, kind="application/gzip", name="report.xml.gz", encoding="base64", type_field="Content-Type",
               parameter=None):
    data = data.encode() if isinstance(data, str) else data
    body = base64.encodebytes(data).decode() if encoding == "base64" else data.decode("latin-1")
    parameter = parameter or f'name="{name}"'
    return (f"{type_field}: {kind}; {parameter}\nContent-Transfer-Encoding: {encoding}\n"
            f'Content-Disposition: attachment; filename="{name}"\n\n{body}')


TEXT = "Content-Type: text/plain\n\nThis is a report.\n"


def mail(*parts, subject="Report Domain: example.org Submitter: reporter.example Report-ID: <r1>", kind="mixed",
         passes=True):
    boundary = "=_part"
    head = "Authentication-Results: mx.example.org; dmarc=pass header.from=reporter.example\n" if passes else ""
    text = (f"{head}From: Reports <reports@reporter.example>\nTo: dmarc@example.org\nSubject: {subject}\n"
            "Message-ID: <1@reporter.example>\nMIME-Version: 1.0\n")
    if len(parts) == 1:
        return (text + parts[0] + "\n").encode("latin-1")
    text += f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\npreamble\n'
    text += "".join(f"--{boundary}\n{part}\n" for part in parts)
    return (text + f"--{boundary}--\n").encode("latin-1")


def msg_file(name, data):
    """A compound file with one attachment, in sectors of its own (MS-CFB)."""
    pad = lambda b: b + b"\0" * (-len(b) % 512)
    data = data + b"\0" * max(0, 4096 - len(data)) if len(data) < 4096 else data
    n = len(pad(data)) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE] + [i + 3 for i in range(n - 1)] + [0xFFFFFFFE]
    fat += [0xFFFFFFFF] * (128 - len(fat))

    def entry(text, kind, start, size):
        raw = (text + "\0").encode("utf-16-le")
        return raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1) + b"\xff" * 12 + b"\0" * 36 + struct.pack(
            "<IQ", start, size)

    directory = pad(entry("Root Entry", 5, 0xFFFFFFFE, 0) + entry(name, 2, 2, len(data)))
    header = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<I", 0) + b"\xff" * (4 * 108)
    return header + struct.pack("<128I", *fat) + directory + pad(data)


ARF = ("From: dmarc@reporter.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
       "--b\nContent-Type: text/plain\n\nThis is an authentication failure report.\n--b\n"
       "Content-Type: message/feedback-report\n{encoding}\n{feedback}\n--b\nContent-Type: message/rfc822\n\n"
       "From: someone@example.org\nSubject: Hello\n\nbody\n--b--\n")
FEEDBACK = ("Feedback-Type: auth-failure\nVersion: 1\nAuth-Failure: dmarc\nSource-IP: 192.0.2.77 (host.example)\n"
            "Reported-Domain: example.org\nArrival-Date: Tue, 14 Nov 2023 10:00:00 +0000\n\n")
TLS = ('{"organization-name":"Reporter","date-range":{"start-datetime":"2023-11-14T00:00:00Z","end-datetime":'
       '"2023-11-14T23:59:59Z"},"contact-info":"tls@reporter.example","report-id":"tls-1","policies":[{"policy":'
       '{"policy-type":"sts","policy-domain":"example.org"},"summary":{"total-successful-session-count":7,'
       '"total-failure-session-count":1}}]}')
R1 = ("Reporter", "r1", [PLAIN])
ROW_ALONE = row().replace("<count>2", "<count>3")
X = xml()


def changed(**values):
    return Row(PLAIN, **values)


CASES = [
    # MIME
    ("01 octet-stream", mail(TEXT, attachment(gz(X), "application/octet-stream")), [R1]),
    ("02 x-gzip", mail(TEXT, attachment(gz(X), "application/x-gzip")), [R1]),
    ("03 x-zip-compressed", mail(TEXT, attachment(zipped(("a.xml", X)), "application/x-zip-compressed", "a.zip")), [R1]),
    ("04 gzip type, zip inside", mail(TEXT, attachment(zipped(("a.xml", X)), "application/gzip")), [R1]),
    ("05 zip type, gzip inside", mail(TEXT, attachment(gz(X), "application/zip", "a.zip")), [R1]),
    ("06 CR LF behind the gzip end", mail(TEXT, attachment(gz(X) + b"\r\n")), [R1]),
    ("07 blanks in the empty lines", mail(TEXT, attachment(gz(X))).replace(b"\n\n", b"\n \n"), [R1]),
    ("07 a blank line within a folded field", mail(TEXT, attachment(gz(X)), subject="Report\n \nX-More: a\n \n\tb"), [R1]),
    ("07 ContentType:", mail(TEXT, attachment(gz(X), type_field="ContentType")), [R1]),
    ("08 the mail is the zip", mail(attachment(zipped(("a.xml", X)), "application/zip", "a.zip")), [R1]),
    ("09 plain XML", mail(TEXT, attachment(X, "text/xml", "a.xml", "7bit")), [R1]),
    ("10 within message/rfc822", mail(TEXT, "Content-Type: message/rfc822\n\n" + mail(
        TEXT, attachment(gz(X)), kind="related").decode("latin-1").replace("=_part", "=_other")), [R1]),
    ("10 within a message that is a file", mail(TEXT, attachment(mail(TEXT, attachment(gz(X)), kind="related"),
                                                                "application/octet-stream", "a.eml")), [R1]),
    ("11 name*0=", mail(TEXT, attachment(gz(X), parameter='name*0="a.x"; name*1="ml.gz"')), [R1]),
    ("12 subject in braces", mail(TEXT, attachment(gz(X)), subject="Report {example.org} =?iso-8859-1?Q?f=FCr?="), [R1]),
    ("13 text where base64 is declared", mail(TEXT, attachment(X, "text/xml", "a.xml", "7bit").replace(
        "Encoding: 7bit", "Encoding: base64")), [R1]),
    ("13 base64 with junk", mail(TEXT, attachment(gz(X)).replace("\n\n", "\n\n!!! \n-*-\n", 1)), [R1]),
    ("14 several attachments", mail(TEXT, attachment(gz(X)), attachment(gz(xml(rid="r2")))),
     [R1, ("Reporter", "r2", [PLAIN])]),
    ("14 several XML in a zip", mail(TEXT, attachment(zipped(("a.xml", X), ("b.xml", xml(rid="r2"))))),
     [R1, ("Reporter", "r2", [PLAIN])]),
    ("15 a folder in the zip", mail(TEXT, attachment(zipped(("d/", ""), ("d/a.xml", X)))), [R1]),
    ("16 our own report in a bounce", mail(
        "Content-Type: text/plain\n\nUndeliverable.\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n",
        "Content-Type: message/rfc822\n\n" + mail(TEXT, attachment(gz(X))).decode("latin-1").replace("=_part", "=_own"),
        kind="report; report-type=delivery-status"), "bounce"),
    ("17 Outlook .msg", mail(TEXT, attachment(msg_file("__substg1.0_37010102", gz(xml(
        rows="".join(row(ip=f"192.0.2.{i}") for i in range(3))))), "application/vnd.ms-outlook", "a.msg")),
     [("Reporter", "r1", [changed(source_ip=f"192.0.2.{i}") for i in range(3)])]),
    ("18 tlsrpt+gzip", mail(TEXT, attachment(gz(TLS), "application/tlsrpt+gzip", "a.json.gz"),
                            kind='report; report-type="tlsrpt"'), "tls"),
    ("18 tlsrpt+json", mail(TEXT, attachment(TLS.replace("tls-1", "tls-2"), "application/tlsrpt+json", "a.json")), "tls"),
    ("TLS with a byte order mark", b"\xef\xbb\xbf" + TLS.encode(), "tls"),
    ("TLS with an offset in its times", TLS.replace("14T00:00:00Z", "14T01:00:00+01:00"), "tls"),
    ("TLS with one policy and no list", TLS.replace("[", "").replace("]", ""), "tls"),
    ("TLS with the domain in another form", TLS.replace('"example.org"', '"Example.ORG."'), "tls"),
    ("19 ordinary mail", mail("Content-Type: text/plain\n\nGood morning.\n"), "holds no report"),
    ("19 spam", mail(TEXT, "Content-Type: text/html\n\n<!DOCTYPE html><html><p>Buy</html>"), "no report"),
    ("a boundary that is not that of the parts", mail(TEXT, attachment(gz(X))).replace(b'boundary="', b'boundary="other'), [R1]),
    ("20 double gzip", mail(TEXT, attachment(gz(gz(X)))), [R1]),
    # XML
    ("21 a schema tag never closed", xml(head='<xs:schema xmlns:xs="x">' + metadata()), [R1]),
    ("21 a schema tag around it all", xml(declared='<?xml version="1.0"?><xs:schema xmlns:xs="x" targetNamespace="y">'), [R1]),
    ("22 a quote behind the declaration", xml(declared='<?xml version="1.0"?>"'), [R1]),
    ("23 no newline behind the declaration", xml(declared='<?xml version="1.0" encoding="UTF-8"?>'), [R1]),
    ("24 windows-1252", xml(declared='<?xml version="1.0" encoding="windows-1252"?>', org="B\u00fccher \u201cA\u201d").encode(
        "cp1252"), [("B\u00fccher \u201cA\u201d", "r1", [PLAIN])]),
    ("25 bytes that are not UTF-8", xml(org="O\u2019Reporter B\u00fccher").encode("cp1252"),
     [("O\ufffdReporter B\ufffdcher", "r1", [PLAIN])]),
    ("26 BEL", xml(org="Rep\x07orter"), [("Rep orter", "r1", [PLAIN])]),
    ("27 <a@b>", xml(email="<reports@reporter.example>"), [R1]),
    ("28 unused", mail(TEXT, "Content-Type: text/xml\n\nunused\n"), "no report"),
    ("29 zero bytes", b"", "no report"),
    ("30 no auth_results", xml(rows=row().split("<auth_results>")[0] + "</record>"),
     [("Reporter", "r1", [changed(auth_dkim=[], auth_spf=[])])]),
    ("30 empty auth_results", xml(rows=row(auth="")), [("Reporter", "r1", [changed(auth_dkim=[], auth_spf=[])])]),
    ("31 source_ip empty", xml(rows=row(ip="") + row()), [R1]),
    ("32 no row, no address", xml(rows="<record></record><record><row><count>1</count></row></record>" + row()), [R1]),
    ("33 no record", xml(rows=""), [("Reporter", "r1", [])]),
    ("34 identities", xml(rows=row(identifiers="identities")), [R1]),
    ("35 two policies", xml(pol=policy() + policy("other.example")), [R1]),
    ("36 several spf", xml(rows=row(auth="<spf><domain>a.example</domain><result>fail</result></spf>"
                                    "<spf><domain>b.example</domain><result>pass</result></spf>")),
     [("Reporter", "r1", [changed(auth_dkim=[], auth_spf=[{"domain": "a.example", "scope": None, "result": "fail"},
                                                          {"domain": "b.example", "scope": None, "result": "pass"}])])]),
    ("37 words of old", xml(rows=row(auth="<dkim><domain>example.org</domain><result>unknown</result></dkim>"
                                     "<spf><domain>a.example</domain><result>hardfail</result></spf>")),
     [("Reporter", "r1", [changed(auth_dkim=[{"domain": "example.org", "selector": None, "result": "unknown"}],
                                  auth_spf=[{"domain": "a.example", "scope": None, "result": "hardfail"}])])]),
    ("38 Pass, PASS", xml(rows=row(dkim="Pass", spf="FAIL", disposition="None")), [R1]),
    ("39 evaluated spf none, softfail", xml(rows=row(spf="softfail") + row(spf="none", count=3)),
     [("Reporter", "r1", [PLAIN, changed(count=3)])]),
    ("40 reason as text, empty type", xml(rows=row(reasons="<reason>mailing_list</reason>") + row(
        reasons="<reason><type></type><comment>because</comment></reason>", count=3)),
     [("Reporter", "r1", [changed(reasons=[{"type": "mailing_list", "comment": None}]),
                          changed(count=3, reasons=[{"type": None, "comment": "because"}])])]),
    ("41 sp empty, nil", xml(pol=policy(sp="")), [R1]),
    ("42 a period of weeks", xml(end=BEGIN + 30 * 86400), [R1]),
    ("42 a period of no time", xml(end=BEGIN), [R1]),
    ("43 times with a fraction and space", xml(begin=f" {BEGIN}.0\n ", end=f"\t{END}.25 "), [R1]),
    ("43 times in milliseconds, and as dates", xml(begin=f"{BEGIN}123", end="2023-11-15T23:59:59Z"), [R1]),
    ("43 dates with a blank and no zone", xml(begin="2023-11-15 00:00:00", end="2023-11-15 23:59:59"), [R1]),
    ("43 dates with an offset", xml(begin="2023-11-15T01:00:00+01:00", end="2023-11-15 23:59:59Z"), [R1]),
    ("44 UTF-16 that says UTF-8", X.encode("utf-16"), [R1]),
    ("44 byte order mark", b"\xef\xbb\xbf" + X.encode(), [R1]),
    ("44 UTF-16", xml(declared='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"), [R1]),
    ("45 version 0.1", xml(head="<version>0.1</version>" + metadata()), [R1]),
    ("46 lang", X.replace("<comment>", '<comment lang="en">').replace("<org_name>", '<org_name lang="en">'), [R1]),
    ("47 a namespace", xml(root='feedback xmlns="http://dmarc.org/dmarc-xml/0.1"'), [R1]),
    ("47 prefixes", X.replace("<", "<d:").replace("<d:/", "</d:").replace("<d:?", "<?"), [R1]),
    ("48 addresses in the place of domains", xml(rows=row(header_from="Someone@Example.org"), pol=policy("x@example.org")),
     [R1]),
    ("49 an end in the future", xml(end=4102444800), [R1]),
    ("50 not our domain", xml(pol=policy("foreign.example"), rows=row(header_from="foreign.example")),
     [("Reporter", "r1", [changed(header_from="foreign.example")])]),
    ("51 more rows than there are mails in the world", gz(xml(rows="".join(
        row(ip=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", auth="") for i in range(60000)) + "<x></x>" * 10500)), "too many"),
    ("51 200,001 rows", gz(xml(rows="".join(
        f"<record><row><source_ip>10.0.{i >> 8 & 255}.{i & 255}</source_ip></row></record>" for i in range(200001)))),
     "200000 rows"),
    ("51 rows that count more messages than there are", xml(rows=row(count=999999999999) * 2), "more messages"),
    ("52 an id with another period", [X, xml(begin=BEGIN + 86400, end=END + 86400)], [R1, R1]),
    ("52 an id from two reporters", [X, xml(org="Second")], [R1, ("Second", "r1", [PLAIN])]),
    ("52 the same report twice", [mail(TEXT, attachment(gz(X))), X, gz(X)], [R1]),
    # what the facts do not have
    ("a bare & and <", xml(org="A & B < C &copy; &#7;D"), [("A & B < C &copy; D", "r1", [PLAIN])]),
    ("a < that begins no tag, with words behind it", xml(org="A <b c & D</x </1 <!e <? <p f"),
     [("A <b c & D</x </1 <!e <? <p f", "r1", [PLAIN])]),
    ("text before the report", xml(declared='Report & more < here: <b>bold</b> <xs:schema a="b"><?xml version="1.0"?>\n;'), [R1]),
    ("gzip in several members", gz(X[:400]) + gz(X[400:]) + b"\r\n", [R1]),
    ("CDATA, in a report that has to be mended", xml(org="<![CDATA[A<B & C]D]]>&").replace("<pct>", "<pct x>"),
     [("A<B & C]D&", "r1", [PLAIN])]),
    ("cut in the midst", X[:X.index("</record>") + 9] + "<record><row><source_ip>192.0.2", [R1]),
    ("a cut gzip", gz(xml(rows=row() * 400))[:-400], "damaged"),
    ("cut before a row", X[:X.index("<record>")], "no element"),
    ("no id", xml(rid=""), "report_id"),
    ("a DOCTYPE", xml(declared='<!DOCTYPE feedback [<!ENTITY a "aaaa">]>'), "DOCTYPE"),
    ("an encrypted zip", zipped(("a.xml", X)).replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
     "encrypted"),
    ("a bomb", gz(b"<feedback>" + b" " * (60 << 20)), "compressed more"),
    ("only an id", "<feedback><report_metadata><report_id>r9</report_id></report_metadata></feedback>", [(None, "r9", [])]),
    ("ARF", ARF.format(encoding="", feedback=FEEDBACK).encode(), "failure"),
    ("ARF with blanks in its empty lines", ARF.format(encoding="", feedback=FEEDBACK.replace(".77", ".81").strip()).replace(
        "\n\n", "\r\n \r\n").encode(), "failure"),
    ("ARF in base64", ARF.format(encoding="Content-Transfer-Encoding: base64\n", feedback=base64.encodebytes(
        FEEDBACK.replace(".77", ".78").encode()).decode()).encode(), "failure"),
    ("ARF whose fields are in a part of plain text", ARF.format(encoding="", feedback=FEEDBACK.replace(".77", ".80")).replace(
        "message/feedback-report", "text/plain; name=report").encode(), "failure"),
    ("the fields of ARF in a message that is attached", mail(TEXT, "Content-Type: message/rfc822\n\nFrom: a@b.example\n"
                                                            "Content-Type: text/plain\n\n" + FEEDBACK), "no report"),
    ("a gateway's text", b"From: gate@reporter.example\n\nA message claiming to be from you has failed the published DMARC\n"
     b"policy for your domain.\n\nSender Domain: example.org\nSender IP Address: 192.0.2.79\n", "failure"),
    ("a complaint", ARF.format(encoding="", feedback="Feedback-Type: abuse\n\n").encode(), "another kind"),
]
