#!/usr/bin/python3
"""test_web.py ASSAY ASSAY_WEB FILL - assay-web over a store of made-up reports: numbers of pages and of /api are those of
`assay report ... --json`, under filters too; what is refused; readers without rights to write; and many at once."""

import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import pagestore
import pagetext
import webserver

ASSAY, WEB, FILL = sys.argv[1:4]
FAILED = []
CROWD = 128  # connections that are kept: assay-web(8)
VIEWS = ("overview", "sources", "failures", "readiness", "countries", "reporters", "reports", "imports", "failure-reports",
         "tls-reports", "ours")


def check(what, good, *more):
    if not good:
        FAILED.append(what)
        print("NOT SO:", what, *(str(m)[:1500] for m in more), sep="\n    ")


def day(number):
    return datetime.datetime.fromtimestamp(number * 86400, datetime.timezone.utc).strftime("%Y-%m-%d")


# --- Numbers ---

# parameters of the page, words of the command
FILTERS = [
    ({}, ["--since", "29d"]),
    ({"days": 7}, ["--since", "6d"]),
    ({"domain": "example.org"}, ["--since", "29d", "--domain", "example.org"]),
    ({"reporter": "google.example"}, ["--since", "29d", "--reporter", "google.example"]),
    ({"reporter": pagestore.ORG}, ["--since", "29d", "--reporter", pagestore.ORG]),
    ({"source": "esp.example"}, ["--since", "29d", "--source", "esp.example"]),
    ({"source": "nobody.example"}, ["--since", "29d", "--source", "nobody.example"]),
    ({"result": "fail", "domain": "example.net"}, ["--since", "29d", "--result", "fail", "--domain", "example.net"]),
    ({"result": "dkim", "days": 14, "reporter": "outlook.example"},
     ["--since", "13d", "--result", "dkim", "--reporter", "outlook.example"]),
    ({"result": "reject"}, ["--since", "29d", "--result", "reject"]),
    ({"from": day(pagestore.TODAY - 20), "to": day(pagestore.TODAY - 10)},
     ["--since", day(pagestore.TODAY - 20) + "T00:00:00Z", "--until", day(pagestore.TODAY - 10) + "T00:00:00Z"]),
]


def check_page_numbers(web, query, sources):
    status, _, text = web.ask("/overview" + query)
    page = pagetext.Page(text)
    check(f"{query} is sound", status == 200 and not page.problems, status, page.problems)
    for name, field in (("Messages reported", "messages"), ("Failed", "fail")):
        want = sum(s[field] for s in sources)
        check(f"{query} {name}", pagetext.number(page.figures[name]) == want, page.figures, want)
    drawn = sum(pagetext.number(row[k]) for row in page.rows("Day") for k in
                ("DKIM and SPF", "DKIM only", "SPF only", "neither"))
    check(f"{query} chart", drawn == sum(s["messages"] for s in sources), drawn)
    page = pagetext.Page(web.ask("/sources" + query)[2])
    shown = {row["Source"]: pagetext.number(row["Messages"]) for row in page.rows("Source")}
    check(f"{query} sources", shown == {s["source"]: s["messages"] for s in sources}, shown, sources)
    page = pagetext.Page(web.ask("/failures" + query)[2])
    shown = {row["Source"]: pagetext.number(row["Failed"]) for row in page.rows("Source")}
    check(f"{query} failures", shown == {s["source"]: s["fail"] for s in sources if s["fail"]}, shown)


def check_presence(web, store):
    """Days without a report, counted from the list of them; today's reports come tomorrow."""
    page = pagetext.Page(web.ask("/reporters?days=20")[2])
    shown = {row["Reporter"]: pagetext.number(row["Missing days"]) for row in page.rows("Reporter")}
    seen = {}
    for one in json.loads(store.run("list", "--json")):
        seen.setdefault(one["org_name"], set()).add(one["begin"] // 86400)
    days = range(pagestore.TODAY - 19, pagestore.TODAY)
    want = {}
    for name, on in seen.items():
        first = min(d for d in on if d >= days[0])
        want[name] = sum(d not in on for d in days if d >= first)
    check("missing days", shown == want and any(want.values()), shown, want)
    printed = json.loads(store.run("reporters", "--since", str(days[0] * 86400), "--json"))
    for what, rows in (("the command's", printed), ("the program's", web.json("/api/reporters?days=20"))):
        found = {row["reporter"]: row["missing_days"] for row in rows}
        check(f"{what} missing days", found == want, found, want)


def check_numbers(web, store):
    for parameters, words in FILTERS:
        query = "?" + urllib.parse.urlencode(parameters)
        for view in ("sources", "failures", "reporters"):
            want = json.loads(store.run(view, *words, "--json"))
            check(f"/api/{view}{query}", web.json(f"/api/{view}{query}") == want, want[:1])
        sources = json.loads(store.run("sources", *words, "--json"))
        check_page_numbers(web, query, sources)
        overview = web.json("/api/overview" + query)[0]
        check(f"{query} overview", overview["messages"] == sum(s["messages"] for s in sources))
        if "days" not in parameters and "from" not in parameters:  # countries are of seven days
            week = ["--since", "6d"] + words[2:]
            sent = json.loads(store.run("sources", *week, "--json"))
            check(f"{query} countries", sum(c["fail"] for c in web.json("/api/countries" + query)) ==
                  sum(s["fail"] for s in sent), web.json("/api/countries" + query))
        check(f"{query} days", sum(d["messages"] for d in overview["days"]) == overview["messages"])
        check(f"{query} domains", sum(d["messages"] for d in overview["domains"]) == overview["messages"])
    check_presence(web, store)
    check("readiness", web.json("/api/readiness") == json.loads(store.run("readiness", "--json")))
    check("source", {k: v for k, v in web.json("/api/source?source=esp.example")[0].items() if k != "days"} ==
          json.loads(store.run("sources", "--since", "29d", "--json", "esp.example"))[0])
    check("alarms", web.json("/api/overview")[0]["alarms"] == json.loads(
        subprocess.run([ASSAY, "report", "alarms", "-c", store.conf, "--json"], capture_output=True, check=False).stdout))


# --- Reports ---

def check_reports(web, store):
    listed = json.loads(store.run("list", "--json"))
    found = web.json("/api/reports?days=90")
    check("all reports", [{k: v for k, v in r.items() if k != "id"} for r in found] == listed, len(found), len(listed))
    page = pagetext.Page(web.ask("/reports?days=90")[2])
    first = page.rows("Report")
    check("200 a page", len(first) == 200, len(first))
    older = [link for link in page.links if "start=" in link]
    second = pagetext.Page(web.ask(older[0])[2]).rows("Report")
    check("and the others", [r["Report"] for r in first + second][:len(listed)] == [r["report_id"] for r in listed][:400])
    links = [link for link in page.links if link.startswith("/report?")]
    status, _, text = web.ask(links[0])
    one = pagetext.Page(text)
    want = json.loads(store.run("show", "--json", listed[0]["report_id"]))[0]
    shown = [(r["Address"], pagetext.number(r["Messages"]), r["DKIM"], r["SPF"]) for r in one.rows("Address")]
    check("rows of a report", status == 200 and not one.problems and
          shown == [(r["source_ip"], r["count"], r["dkim"], r["spf"]) for r in want["rows"]], shown, want)
    raw = store.run("show", "--raw", listed[0]["report_id"])
    check("its XML", raw in one.text)
    failing = pagetext.Page(web.ask(links[0] + "&result=fail")[2]).rows("Address")
    check("its failing rows", len(failing) == sum(r["dkim"] == r["spf"] == "fail" for r in want["rows"]))
    api = web.json("/api" + links[0])[0]
    check("and as JSON", {k: v for k, v in api.items() if k != "id"} == want, api, want)
    check("that is all of it", "There are more" not in one.text and "It is longer" not in one.text)
    check("no such report", web.ask("/report?id=99999999")[0] == 404)
    check("no such source", web.ask("/source?source=nobody.example")[0] == 404)
    page = pagetext.Page(web.ask("/imports")[2])
    check("what was refused", pagestore.SUBJECT in page.text and len(page.rows("Received")) == 1, page.text[-500:])


def check_periods(web, store):
    """A report whose period is not said, or lies far ahead, counts for its arrival, and is listed for that day."""
    now = int(time.time())
    ids = lambda query: {r["report_id"] for r in web.json(f"/api/reports?domain=elsewhere.example&{query}")}
    for rid, begin, end in (("unsaid", "", ""), ("far-ahead", now + 9000 * pagestore.DAY, now + 9001 * pagestore.DAY)):
        text = pagestore.report("small.example", 0, "elsewhere.example", 0, pagestore.row("elsewhere.example", pagestore.SENDERS[0], 1))
        text = text.replace("</p></policy", "</p><discovery_method>psl</discovery_method></policy")
        text = text.replace("</feedback>", "<record></record><record></record></feedback>")
        text = re.sub("<report_id>.*?<end>.*?</end>", f"<report_id>{rid}</report_id><date_range><begin>{begin}</begin><end>{end}</end>", text)
        (store.folder / rid).write_text(text)
        store.run("receive", "--dns", str(store.folder / "zone"), str(store.folder / rid))
    check("a period that is not believed: listed", ids("days=1") == {"unsaid", "far-ahead"}, ids("days=1"))
    page = web.ask("/reports?domain=elsewhere.example&days=1")[2]
    check("and on the page", "unsaid" in page and "far-ahead" in page)
    facts = pagetext.Page(web.ask(re.search(r'href="(/report\?[^"]*unsaid[^"]*)"', page).group(1).replace("&amp;", "&"))[2]).text
    check("the page says what was left out, and how the record was found",
          "2 rows without an address" in facts and "discovery_method=psl" in facts, facts[-2500:])
    check("for no other day", not ids(f"from={day(pagestore.TODAY - 9)}&to={day(pagestore.TODAY - 1)}"))


def receive_long(web, store, number, n):
    """A report of so many rows about a domain that is not ours; its path, and its page."""
    sender = pagestore.SENDERS[0]
    rows = "".join(pagestore.row("elsewhere.example", ("192.0.2." + str(k % 256), *sender[1:]), k + 1) for k in range(n))
    path = store.folder / f"long{number}.xml"
    path.write_text(pagestore.report("long.example", pagestore.TODAY - 1, "elsewhere.example", number, rows))
    store.run("receive", "--dns", str(store.folder / "zone"), str(path))
    listed = [r for r in web.json("/api/reports") if r["domain"] == "elsewhere.example" and r["report_id"].endswith(f".{number}")]
    return path, f"/report?report={listed[0]['report_id']}&id={listed[0]['id']}"


def check_long_report(web, store):
    """Of one that is too long for a page the beginning is shown, and it is said."""
    path, link = receive_long(web, store, 1, 2001)
    page = pagetext.Page(web.ask(link)[2])
    check("2000 rows, and that there are more", len(page.rows("Address")) == 2000 and "There are more" in page.text)
    check("and nothing else", "The first rows are shown" in page.text and "All rows are shown" not in page.text)
    check("of the failing ones", "Not all rows are shown" in pagetext.Page(web.ask(link + "&result=fail")[2]).text)
    shown = page.text[page.text.index("<?xml"):]
    check("256 KB of XML, and that it is longer", "It is longer" in shown and path.read_text()[:200000] in shown and
          len(shown) < 270000, len(shown))
    page = pagetext.Page(web.ask(receive_long(web, store, 2, 2000)[1])[2])
    check("2000 rows, and that these are all", len(page.rows("Address")) == 2000 and "All rows are shown" in page.text and
          "There are more" not in page.text)


# --- What is no aggregate report ---

def network(address):
    return ".".join(address.split(".")[:3]) + ".0/24" if "." in address else "2001:db8:9::/48"


def sums_of_singles(days, domain=None, source=None):
    """{source: {day: incidents}} as the made-up reports have them."""
    sums = {}
    for ago, address, about, incidents, *_ in pagestore.SINGLES:
        if ago < days and domain in (None, about) and source in (None, network(address)):
            of = sums.setdefault(network(address), {})
            of[pagestore.TODAY - ago] = of.get(pagestore.TODAY - ago, 0) + incidents
    return sums


def check_singles(web, store):
    listed = json.loads(store.run("failures", "--single", "--since", "89d", "--json"))
    found = web.json("/api/failure-reports?days=90")[0]["reports"]
    stripped = [{k: v for k, v in r.items() if k not in ("id", "source")} for r in found]
    check("all of them", len(found) == len(pagestore.SINGLES) and sorted(stripped, key=str) == sorted(listed, key=str), stripped, listed)
    check("the newest first", [r["arrival"] for r in found] == sorted((r["arrival"] for r in found), reverse=True))
    for words in ({}, {"days": 90}, {"days": 7, "domain": "example.org"}, {"source": "203.0.114.0/24"}, {"source": "nobody.example"}):
        query = "?" + urllib.parse.urlencode(words)
        want = sums_of_singles(words.get("days", 30), words.get("domain"), words.get("source"))
        answer = web.json("/api/failure-reports" + query)[0]
        sums = {s["source"]: {d["day"] // 86400: d["incidents"] for d in s["days"]} for s in answer["sources"]}
        check(f"{query} sums", sums == want, sums, want)
        check(f"{query} all of a source", all(s["incidents"] == sum(want[s["source"]].values()) and
                                              s["last_day"] // 86400 == max(want[s["source"]]) for s in answer["sources"]))
        check(f"{query} most first", [s["incidents"] for s in answer["sources"]] ==
              sorted((s["incidents"] for s in answer["sources"]), reverse=True))
        page = pagetext.Page(web.ask("/failure-reports" + query)[2])
        shown = {r["Source"]: pagetext.number(r["Messages"]) for r in page.rows("Source")}
        check(f"{query} by source", shown == {s: sum(d.values()) for s, d in want.items()}, shown, want)
        drawn = sum(pagetext.number(r["messages that failed"]) for r in page.rows("Day"))
        check(f"{query} by day", drawn == sum(sum(d.values()) for d in want.values()), drawn)
        lines = len(page.rows("Arrived"))
        check(f"{query} one by one", lines == len(answer["reports"]) == sum(
            ago < words.get("days", 30) and network(address) in want and words.get("domain") in (None, about)
            for ago, address, about, *_ in pagestore.SINGLES), lines)
    for one in found:
        status, _, text = web.ask(f"/failure-report?id={one['id']}")
        page = pagetext.Page(text)
        check(f"{one['subject']} is read", status == 200 and not page.problems and
              all(str(one[k]) in page.text for k in ("subject", "source_ip", "reporter", "delivery_result", "auth_failure", "dkim_selector",
                                                     "envelope_from", "header_from", "source")), page.problems, page.text[-900:])
        check("and as JSON", web.json(f"/api/failure-report?id={one['id']}") == [one])
    check("no such failure report", web.ask("/failure-report?id=12345678")[0] == 404)
    check("links lead there", sum("/failure-report?" in link for link in pagetext.Page(
        web.ask("/failure-reports?days=90")[2]).links) == len(pagestore.SINGLES))


def check_tls(web, store):
    listed = json.loads(store.run("list", "--tls", "--json"))
    check("TLS reports", sorted(web.json("/api/tls-reports?days=90"), key=str) == sorted(listed, key=str) and
          len(listed) == len(pagestore.TLS), listed)
    for words in ({}, {"days": 90}, {"domain": "example.net"}, {"reporter": "google.example"}, {"reporter": pagestore.ORG}):
        query = "?" + urllib.parse.urlencode(words)
        want, days, reports = {}, {}, 0
        for ago, reporter, _, policies in pagestore.TLS:
            policies = [p for p in policies if words.get("domain") in (None, p[0])]
            if ago >= words.get("days", 30) or words.get("reporter") not in (None, reporter) or not policies:
                continue
            reports += 1
            for domain, kind, good, failed in policies:
                key = domain, {"sts": "MTA-STS", "tlsa": "DANE", "no-policy-found": "no policy"}.get(kind, kind)
                want[key] = tuple(map(sum, zip(want.get(key, (0, 0, 0)), (1, good, failed))))
                days[ago] = tuple(map(sum, zip(days.get(ago, (0, 0)), (good, failed))))
        page = pagetext.Page(web.ask("/tls-reports" + query)[2])
        shown = {(r["Domain"], r["Policy"]): tuple(pagetext.number(r[k]) for k in ("Reports", "Encrypted", "Failed"))
                 for r in page.rows("Domain")}
        check(f"TLS {query} by policy", not page.problems and shown == want, page.problems, shown, want)
        drawn = [(pagetext.number(r["encrypted"]), pagetext.number(r["failed"])) for r in page.rows("Day")]
        check(f"TLS {query} by day", {len(drawn) - 1 - i: d for i, d in enumerate(drawn) if d != (0, 0)} == days, drawn, days)
        check(f"TLS {query} figures", [pagetext.number(page.figures[k]) for k in ("Sessions reported", "Failed")] ==
              [sum(g + f for g, f in days.values()), sum(f for _, f in days.values())], page.figures)
        check(f"TLS {query} list", len(page.rows("Report")) == len(web.json("/api/tls-reports" + query)) == reports)


# --- Our side ---

def fill_rows(store):
    """Rows by the store's own writer, then other verdicts, tallies and a report that was sent."""
    path, today = store.state / "rows.db", pagestore.TODAY
    subprocess.run([FILL, path, str(today - 1), "row", "bank.example", "mailto:d@bank.example", "192.0.2.1", "5"], check=True)
    db = sqlite3.connect(path)
    for verdict, messages in ((2, 70), (3, 11), (0, 13)):
        db.execute("INSERT INTO row SELECT day - ?, policy, source, sender, results, ?, ? FROM row WHERE messages = 5",
                   (verdict, verdict, messages))
    db.executemany("INSERT INTO tally VALUES(?, ?, ?)", [
        (today - 1, "none/accept", 100), (today - 1, "none/tag", 20), (today - 1, "at-rcpt/reject", 7),
        (today - 1, "none/tempfail", 1000), (today - 1, "unchecked/quarantine", 2), (today - 50, "none/accept", 9999)])
    db.execute("INSERT INTO report VALUES(1, ?, 1, 1, 'id1', 'bank.example', 'r@x.example', 2, 0, 0, 1, 5)", (today - 1,))
    for number, state, note in ((1, 3, ""), (2, 4, "<b>it is full</b>")):
        db.execute("INSERT INTO mail VALUES(?, 1, ?, 'mailto:d@bank.example', 'd@bank.example', 0, ?, 1, 0, 0, ?)",
                   (number, number, state, note))
    db.commit()
    db.close()
    return today


def check_ours(web, store):
    today = fill_rows(store)
    days = {d["day"] // 86400: (d["accepted"], d["quarantined"], d["rejected"]) for d in web.json("/api/ours")}
    check("thirty days", len(days) == 30)
    check("yesterday", days[today - 1] == (138, 2, 7), days[today - 1])
    check("rows by disposition", (days[today - 3], days[today - 4]) == ((0, 70, 0), (0, 0, 11)), days)
    page = pagetext.Page(web.ask("/ours")[2])
    check("the page", not page.problems and [pagetext.number(page.figures[k]) for k in (
        "Accepted", "Quarantined", "Rejected", "All")] == [138, 72, 18, 228], page.problems, page.figures)
    sent = [(r["On"], r["To"], r["State"], r["Note"]) for r in page.rows("Day") if "To" in r]
    sent = sent or [(r.get("On"), r.get("To"), r.get("State"), r.get("Note")) for t in page.tables if t[0][-1] == "Note"
                    for r in [dict(zip(t[0], line)) for line in t[1:]]]
    check("what was sent", sorted(sent) == [("bank.example", "d@bank.example", "done", ""),
                                            ("bank.example", "d@bank.example", "failed", "<b>it is full</b>")], sent)
    text = pagetext.Page(web.ask("/overview")[2]).text
    check("and on the overview", "1 report in 1 mail handed over, 1 given up" in text, text[-1500:])


# --- HTTP ---

def check_http(web):
    for view in VIEWS:
        status, headers, text = web.ask("/" + view)
        check(f"/{view}", status == 200 and not pagetext.Page(text).problems)
        check(f"/{view}: policy", headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-"))
        check(f"/{view}: headers", headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store" and
              "Set-Cookie" not in headers, headers)
        for link in pagetext.Page(text).links[:60]:
            if link.startswith("/"):
                check(f"/{view}: {link}", web.ask(link)[0] == 200)
    check("/", web.ask("/")[0] == 200)
    check("HEAD", web.ask("/", "HEAD")[::2] == (200, ""))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, headers, _ = web.ask("/", method, body="x" * 100)
        check(method, status == 405 and headers["Allow"] == "GET, HEAD", status)
    for path, want in (("/nothing", 404), ("/../etc/passwd", 404), ("/overview/x", 404), ("/api/nothing", 404),
                       ("/sources?days=x", 400), ("/sources?domain=a..b", 400), ("/api/sources?result=maybe", 400),
                       ("/sources?from=2026-02-30", 400), ("/metrics", 503), ("/favicon.ico", 404)):
        check(path, web.ask(path)[0] == want, web.ask(path))
    check("JSON says why", "result" in json.loads(web.ask("/api/sources?result=maybe")[2])["error"])
    hostile = web.ask("/sources?domain=" + urllib.parse.quote("<script>alert(1)</script>"))
    check("a hostile address", "<script>" not in hostile[2])


def check_names(web):
    for name, want in (("localhost", 200), ("localhost:1234", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("[::1]", 200),
                       ("pages.example.org", 200), ("Pages.Example.Org:443", 200), ("evil.example", 421), ("", 421),
                       ("localhost.evil.example", 421), ("127.0.0.1.evil.example:80", 421), ("[::1].evil.example", 421)):
        check(f"Host: {name}", web.ask("/", headers={"Host": name})[0] == want)


def raw(web, data, patience=20):
    with socket.create_connection(("127.0.0.1", web.port), timeout=patience) as s:
        s.sendall(data)
        out = b""
        try:
            while chunk := s.recv(65536):
                out += chunk
        except (TimeoutError, ConnectionError):
            pass
        return out


def check_slow_ones(web):
    """Whoever holds connections and says a little now and then shuts nobody out, nor does who reads no answer."""
    stop = threading.Event()
    slow = []

    def keep_talking():
        while not stop.wait(0.5):
            for s in list(slow):
                try:
                    s.sendall(b"x")
                except OSError:
                    slow.remove(s)

    talker = threading.Thread(target=keep_talking)
    talker.start()
    try:
        for n in range(400):
            s = socket.create_connection(("127.0.0.1", web.port), timeout=30)
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-" if n % 3 else b"GET /")
            slow.append(s)
            if n % 20 == 19:
                check(f"an answer beside {n + 1} slow connections", web.ask("/overview")[0] == 200)
        check("many of them are still there", len(slow) >= 100, len(slow))
    finally:
        stop.set()
        talker.join()
    deaf = []
    for n in range(200):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", web.port))
        s.sendall(b"GET /api/reports?days=90 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        deaf.append(s)
        if n % 40 == 39:
            check(f"an answer beside {n + 1} that do not read", web.ask("/overview")[0] == 200)
    for s in slow + deaf:
        s.close()


class LetGo:
    """Peers who send no request, at a server of their own, and wait for its patience to end. They begin first and are
    asked last: it takes half a minute."""

    PATIENCE = 120
    KINDS = {"who says nothing": b"GET / HTTP/1.1\r\nHost: loc", "who talks nonsense": b"\x00\xff\r\n\r\n" * 50}

    def __init__(self, store):
        self.web = webserver.Web(WEB, store.conf)
        self.pool = concurrent.futures.ThreadPoolExecutor(len(self.KINDS))
        self.told = {what: self.pool.submit(self.tell, data) for what, data in self.KINDS.items()}

    def tell(self, data):
        begin = time.monotonic()
        return raw(self.web, data, self.PATIENCE), time.monotonic() - begin

    def check(self):
        for what, told in self.told.items():
            answer, took = told.result()
            check(f"{what} is let go", b" 200 " not in answer[:20] and took < self.PATIENCE - 10, answer[:100], took)
        self.pool.shutdown()
        check("and the server ends well", self.web.end() == (0, ""))


def is_open(s):
    """Nothing was said, and the other side has not closed."""
    s.settimeout(0)
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def check_crowd(store):
    """128 connections are kept, also by one worker alone while the other waits for the daemon."""
    web = webserver.Web(WEB, store.conf)
    with socket.socket(socket.AF_UNIX) as daemon, contextlib.ExitStack() as stack:
        daemon.bind(str(store.folder / "control.sock"))
        daemon.listen()
        asking = stack.enter_context(socket.create_connection(("127.0.0.1", web.port)))
        asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        question = stack.enter_context(daemon.accept()[0])
        check("it asks the daemon", question.recv(100) == b"metrics\n")
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", web.port))) for _ in range(CROWD)]
        question.sendall(b"assay_up 1\n")  # the worker's ten seconds of patience begin anew
        check("an answer beside 128", web.ask("/robots.txt")[0] == 404)
        check("while the other worker waits", is_open(question))
        held[0].settimeout(60)
        check("in the place of the one that waited longest", held[0].recv(1) == b"")
        check("and of no other", [n for n, s in enumerate(held[1:], 1) if not is_open(s)] == [])
        question.close()
        asking.settimeout(60)
        check("which has its answer in the end", b" 200 " in asking.recv(100)[:20])
    (store.folder / "control.sock").unlink()
    web.end()


def check_bounds(web):
    get = b"GET /%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b\r\n"
    check("a long address", b" 404 " in raw(web, get % (b"x" * 5000, b""))[:20])
    check("a longer one", b" 200 " not in raw(web, get % (b"x" * 100000, b""))[:20])
    check("long fields", b" 200 " not in raw(web, get % (b"", b"X: " + b"y" * 100000 + b"\r\n"))[:20])
    many = b"/?" + b"a=b&" * 3000  # more parameters than libmicrohttpd has room for: it says nothing, and tells no end
    with socket.create_connection(("127.0.0.1", web.port)) as s:
        s.sendall(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % many)
    check("no Host", b" 200 " not in raw(web, b"GET / HTTP/1.0\r\n\r\n")[:20])
    idle = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(100)]
    for s in idle:
        s.close()
    time.sleep(0.5)
    check("a crowd that came and went", web.ask("/")[0] == 200)
    check_slow_ones(web)


# --- Beside others ---

def check_many_at_once(web, store):
    """Reports come while pages are read."""
    more = store.folder / "more"
    pagestore.make_reports(more, 5, seed=8)
    stop = threading.Event()
    status = []

    def keep_reading(n):
        while not stop.is_set():
            status.append(web.ask("/" + VIEWS[n % len(VIEWS)])[0])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        try:
            for n in range(8):
                pool.submit(keep_reading, n)
            store.run("receive", "--dns", str(store.folder / "zone"), str(more))
            time.sleep(1)
        finally:
            stop.set()
    check("all were answered", status and set(status) == {200}, set(status), len(status))


def check_without_rights(store):
    """Another user of the group reads, while the store lies there, and while somebody has it open."""
    if os.geteuid() != 0:
        return
    for path in (store.folder, store.folder.parent):
        path.chmod(0o755)
    os.chown(store.state, 65534, 12345)
    store.state.chmod(0o750)
    for path in store.state.iterdir():
        os.chown(path, 65534, 12345)
        path.chmod(0o640)
    web = webserver.Web(WEB, store.conf, user=(23456, 12345))
    before = web.json("/api/overview?days=90")[0]["messages"]
    check("it reads", before > 1000, before)
    db = sqlite3.connect(store.state / "received.db")
    for path in store.state.iterdir():
        os.chown(path, 65534, 12345)
    check("beside a reader", web.json("/api/overview?days=90")[0]["messages"] == before)
    db.execute("UPDATE label SET title = 'x'")
    db.execute("INSERT INTO label VALUES('esp.example', 'approved', 'Our sender', 1)")
    db.commit()
    check("beside a writer", web.json("/api/source?source=esp.example&days=90")[0]["title"] == "Our sender")
    db.close()
    check("after a writer", web.json("/api/source?source=esp.example&days=90")[0]["title"] == "Our sender")
    check("nothing is left beside it", {p.stat().st_uid for p in store.state.iterdir()} <= {65534, 0})
    status, said = web.end()
    check("its end", status == 0 and said == "", status, said)


def check_empty(folder):
    (folder / "none").mkdir()
    conf = folder / "none.conf"
    conf.write_text(f'state-dir = "{folder}/none";\n')
    web = webserver.Web(WEB, conf)
    for view in VIEWS:
        status, _, text = web.ask("/" + view)
        check(f"without a store /{view}", status == 200 and not pagetext.Page(text).problems, status)
        check(f"without a store /api/{view}", web.ask("/api/" + view)[0] == 200)
    (folder / "none" / "received.db").write_text("this is no database, whatever its name says" * 100)
    check("a store that is none", web.ask("/")[0] == 503)
    web.end()


def check_calls(store):
    for words, want in ((["--listen", "inet:8898@0.0.0.0"], 64), (["--listen", "inet6:8898@[::]"], 64), (["--listen", "x"], 64),
                        (["--listen", "inet:8898@192.0.2.1"], 64), (["--listen", "unix:/tmp/x"], 64), (["--version"], 0),
                        (["-c", "/nowhere/assay.conf"], 78), (["--help"], 0), (["word"], 64)):
        done = subprocess.run([WEB, "-c", store.conf, *words], capture_output=True, check=False, timeout=30)
        check(f"{words}", done.returncode == want, done)


def main():
    with tempfile.TemporaryDirectory(prefix="assay-web-") as name:
        folder = pathlib.Path(name)
        store = pagestore.Store(ASSAY, folder / "store")
        let_go = LetGo(store)
        web = webserver.Web(WEB, store.conf, "--name", "pages.example.org")
        check_numbers(web, store)
        check_reports(web, store)
        check_periods(web, store)
        check_long_report(web, store)
        check_singles(web, store)
        check_tls(web, store)
        check_ours(web, store)
        check_http(web)
        check_names(web)
        check_bounds(web)
        check_crowd(store)
        check_many_at_once(web, store)
        status, said = web.end()
        check("its end", status == 0 and said == "", status, said)
        check_empty(folder)
        check_calls(store)
        let_go.check()
        check_without_rights(store)
    print(f"{len(FAILED)} failures")
    sys.exit(1 if FAILED else 0)


main()
