#!/usr/bin/python3
"""corpus - mixed mail for the benchmark, and the DNS of its senders; the same for the same seed.

    corpus.py DIRECTORY [MESSAGES]

writes, in the form that load.c reads (first line: client helo sender recipient user):

    verify/      mail from strangers: passes SPF, DKIM and DMARC
    sign/        the same messages unsigned, of an authenticated user
    4k/ 50k/ 1M/ signed messages of one size each
    zone.json    the DNS of the senders, as tests/wire/dns_server.py takes it
    zone.txt     the same as a master file of the root

Sizes are spread as in a mailbox: half of the messages below 12 KB, a mean of 30 KB. Half of the bodies are base64,
half prose. Two messages of five have a second signature. SPF needs one to four look-ups."""

import base64
import json
import pathlib
import random
import subprocess
import sys

import dkim

HERE = pathlib.Path(__file__).resolve().parent
KEY = HERE.parent / "keys" / "rsa.pem"
SELECTOR = "s2026"
DOMAINS = 40
MEAN, MEDIAN = 30000, 12000
WORDS = """the of and to in that was his with for as had you not be her on at by which have or from this him but all she
they were my are me one their so an said them we who would been will no when there if more out up into do any your what
has man could other than our some very time upon about may its only now like little then can should made did us such
great before must two these see know over much down after first good men own never most old shall day where those came
letter morning window journey question together nothing another certain through""".split()
SIGNED = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]


def public_key():
    der = subprocess.run(["openssl", "pkey", "-in", KEY, "-pubout", "-outform", "DER"], check=True, capture_output=True)
    return base64.b64encode(der.stdout).decode()


def domain(i):
    return f"sender{i}.test"


def client(i):
    return f"198.51.100.{i + 1}"


def zone():
    """Domains authorize their client by an include, by a second level of includes, by mx, or directly."""
    key = public_key()
    networks = " ".join(f"ip4:203.0.113.{16 * n}/28" for n in range(12))
    found = {"test": {}, "pool.test": {"TXT": [f"v=spf1 {networks} include:more.pool.test ~all"]}}
    found["more.pool.test"] = {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/25 ~all"]}
    for i in range(DOMAINS):
        name = domain(i)
        ways = ["include:pool.test", "include:news.test include:pool.test", "mx a", f"ip4:{client(i)}"]
        found[name] = {
            "TXT": [f"v=spf1 {ways[i % len(ways)]} -all"],
            "MX": [(10, f"mx.{name}")],
            "A": ["203.0.113.250"],
        }
        found[f"mx.{name}"] = {"A": [client(i)]}
        found[f"_dmarc.{name}"] = {"TXT": [f"v=DMARC1; p=reject; rua=mailto:dmarc@{name}"]}
        for selector in (SELECTOR, "second"):
            found[f"{selector}._domainkey.{name}"] = {"TXT": [f"v=DKIM1; k=rsa; p={key}"]}
    found["news.test"] = {"TXT": ["v=spf1 ip4:203.0.113.0/25 ~all"]}
    return found


def master_file(names):
    lines = ["$TTL 3600", ". SOA ns.test. root.test. 1 3600 600 86400 3600", ". NS ns.test.", "ns.test. A 127.0.0.1"]
    for name, records in names.items():
        for kind, values in records.items():
            for v in values:
                if kind == "TXT":
                    v = " ".join(f'"{v[at:at + 255]}"' for at in range(0, len(v), 255))
                elif kind == "MX":
                    v = f"{v[0]} {v[1]}."
                lines.append(f"{name}. {kind} {v}")
    return "\n".join(lines) + "\n"


def prose(rng, size):
    lines, n = [], 0
    while n < size:
        line = " ".join(rng.choices(WORDS, k=rng.randint(8, 13)))
        if rng.random() < 0.1:
            line = ""
        elif rng.random() < 0.1:
            line += "  " + rng.choice(WORDS)
        lines.append(line)
        n += len(line) + 2
    return ("\r\n".join(lines) + "\r\n").encode()[:size - 2] + b"\r\n"


def encoded(rng, size):
    text = base64.b64encode(rng.randbytes(size * 3 // 4)).decode()
    return "".join(text[at:at + 76] + "\r\n" for at in range(0, len(text), 76)).encode()


def message(rng, i, size, text):
    name = domain(i % DOMAINS)
    kind = ("text/plain; charset=UTF-8", "8bit") if text else ("application/pdf; name=x.pdf", "base64")
    header = [
        f"Received: from {name} (mx.{name} [{client(i % DOMAINS)}])",
        f"\tby mx.{name} with ESMTPS id {rng.getrandbits(48):012x}",
        "\tfor <reader@example.org>; Fri, 20 Nov 2026 12:00:00 +0000",
        f"Received: from desk.{name} (desk.{name} [10.0.0.{rng.randint(1, 254)}])",
        f"\tby mx.{name} with ESMTPSA id {rng.getrandbits(48):012x}; Fri, 20 Nov 2026 11:59:58 +0000",
        f"From: {rng.choice(WORDS).title()} {rng.choice(WORDS).title()} <{rng.choice(WORDS)}@{name}>",
        "To: A. Reader <reader@example.org>",
        f"Subject: {' '.join(rng.choices(WORDS, k=6))}",
        "Date: Fri, 20 Nov 2026 11:59:57 +0000",
        f"Message-ID: <{rng.getrandbits(64):016x}@{name}>",
        "MIME-Version: 1.0",
        f"Content-Type: {kind[0]}",
        f"Content-Transfer-Encoding: {kind[1]}",
        "User-Agent: Desk 1.0",
        "X-Priority: 3",
        f"X-Tracking: {rng.getrandbits(120):030x}",
        f"List-Unsubscribe: <https://{name}/unsubscribe/{rng.getrandbits(96):024x}>,",
        f" <mailto:unsubscribe@{name}>",
    ]
    body = prose(rng, size) if text else encoded(rng, size)
    return "\r\n".join(header).encode() + b"\r\n\r\n" + body


def signed(plain, i, signatures):
    name, key = domain(i % DOMAINS).encode(), KEY.read_bytes()
    simple = i % 10 == 9
    for selector in [SELECTOR.encode(), b"second"][:signatures]:
        ways = (b"relaxed", b"simple" if simple else b"relaxed")
        plain = dkim.sign(plain, selector, name, key, canonicalize=ways, include_headers=SIGNED) + plain
    return plain


def write(path, i, text, user="-"):
    path.parent.mkdir(parents=True, exist_ok=True)
    name, address = domain(i % DOMAINS), client(i % DOMAINS)
    if user != "-":
        address = "203.0.113.99"
    line = f"{address} mx.{name} <sender{i}@{name}> <reader@example.org> {user}\n"
    path.write_bytes(line.encode() + text)


def sizes(rng, count):
    """Log-normal, cut at 300 KB, and scaled to the mean."""
    found = [min(300000, int(rng.lognormvariate(0, 1.35) * MEDIAN)) for _ in range(count)]
    scale = MEAN * count / sum(found)
    return [max(600, int(n * scale)) for n in found]


def main():
    out, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    rng = random.Random(7)
    names = zone()
    out.mkdir(parents=True, exist_ok=True)
    (out / "zone.json").write_text(json.dumps(names))
    (out / "zone.txt").write_text(master_file(names))
    for i, size in enumerate(sizes(rng, count)):
        plain = message(rng, i, size, i % 2 == 0)
        write(out / "sign" / f"{i:05}", i, plain, "alice")
        write(out / "verify" / f"{i:05}", i, signed(plain, i, 2 if i % 5 < 2 else 1))
    for label, size, n in (("4k", 4096, 40), ("50k", 51200, 20), ("1M", 1 << 20, 4)):
        for i in range(n):
            plain = message(rng, i, size, i % 2 == 0)
            write(out / label / f"{i:05}", i, signed(plain, i, 1))


main()
