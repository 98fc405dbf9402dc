#!/usr/bin/python3
"""corpus - mixed mail for the benchmark, and the DNS of its senders; the same for the same seed.

    corpus.py DIRECTORY [MESSAGES]

writes, in the form that load.c reads (first line: client helo sender recipient user):

    verify/      mail from strangers: passes SPF, DKIM and DMARC
    sign/        the same messages unsigned, of an authenticated user
    4k/ 50k/ 1M/ signed messages of one size each
    cold0/ ...   like verify, but each message is from a domain, with DNS names and keys, that no other message has
    flood/       one message whose sender has eight zeros in its domain, for load.c to number; its SPF record says fail
    silent/      the same, of a domain for which bench_delay gives no answer
    zone.txt     the DNS of all senders, a master file of example. (libunbound in opendkim holds test. to be empty)

Sizes are spread as in a mailbox: half of the messages below 12 KB, a mean of 30 KB. Half of the bodies are base64,
half prose. Two messages of five have a second signature. SPF needs one to four look-ups."""

import base64
import pathlib
import random
import subprocess
import sys

import dkim

HERE = pathlib.Path(__file__).resolve().parent
KEY = HERE.parent / "keys" / "rsa.pem"
SELECTOR = "s2026"
DOMAINS = 40  # senders of all mail that is not cold
COLD = 1000  # the first cold sender
COLD_ROUNDS = 3
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


class Sender:
    """The i-th sender's domain. Those from COLD on share no DNS name and no key record with another."""

    def __init__(self, i):
        self.i = i
        self.name = f"sender{i}.example"
        self.client = f"198.51.100.{i % 100 + 1}"
        self.others = f"{self.name}" if i >= COLD else "example"  # where the names that it includes are

    def zone(self, key):
        """It authorizes its client by an include, by a second level of includes, by mx, or directly."""
        pool, news = f"include:pool.{self.others}", f"include:news.{self.others}"
        ways = [pool, f"{news} {pool}", "mx a", f"ip4:{self.client}"]
        note = f"n=no. {self.i}; " if self.i >= COLD else ""
        found = {
            self.name: {
                "TXT": [f"v=spf1 {ways[self.i % len(ways)]} -all"],
                "MX": [(10, f"mx.{self.name}")],
                "A": ["203.0.113.250"],
            },
            f"mx.{self.name}": {"A": [self.client]},
            f"_dmarc.{self.name}": {"TXT": [f"v=DMARC1; p=reject; rua=mailto:dmarc@{self.name}"]},
        }
        for selector in (SELECTOR, "second"):
            found[f"{selector}._domainkey.{self.name}"] = {"TXT": [f"v=DKIM1; k=rsa; {note}p={key}"]}
        return found | included(self.others)


def included(where):
    """The networks that senders' records include."""
    networks = " ".join(f"ip4:203.0.113.{16 * n}/28" for n in range(12))
    return {
        f"pool.{where}": {"TXT": [f"v=spf1 {networks} include:more.pool.{where} ~all"]},
        f"more.pool.{where}": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/25 ~all"]},
        f"news.{where}": {"TXT": ["v=spf1 ip4:203.0.113.0/25 ~all"]},
    }


def zone(senders):
    key, found = public_key(), {"*.flood.example": {"TXT": ["v=spf1 ip4:192.0.2.77 -all"]}}
    for name in ("bl1", "bl2", "allow"):  # DNS lists that list their test point
        found[f"2.0.0.127.{name}.example"] = {"A": ["127.0.0.2"]}
    found["*.20.bl1.example"] = {"A": ["127.0.0.2"]}  # but the clients of job_filters.py
    for sender in senders:
        found |= sender.zone(key)
    return found


def master_file(names):
    lines = ["$TTL 3600", "example. SOA ns.example. root.example. 1 3600 600 86400 3600"]
    lines += ["example. NS ns.example.", "ns.example. A 127.0.0.1"]
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
    return ("\r\n".join(lines) + "\r\n").encode()[:size - 2].rstrip() + b"\r\n"  # no part of a line end, no empty lines


def encoded(rng, size):
    text = base64.b64encode(rng.randbytes(size * 3 // 4)).decode()
    return "".join(text[at:at + 76] + "\r\n" for at in range(0, len(text), 76)).encode()


def message(rng, sender, size, text):
    name = sender.name
    kind = ("text/plain; charset=UTF-8", "8bit") if text else ("application/pdf; name=x.pdf", "base64")
    header = [
        f"Received: from {name} (mx.{name} [{sender.client}])",
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


def signed(plain, sender, signatures):
    name, key = sender.name.encode(), KEY.read_bytes()
    ways = (b"relaxed", b"simple" if sender.i % 10 == 9 else b"relaxed")
    for selector in [SELECTOR.encode(), b"second"][:signatures]:
        plain = dkim.sign(plain, selector, name, key, canonicalize=ways, include_headers=SIGNED) + plain
    return plain


def write(path, sender, text, user="-"):
    path.parent.mkdir(parents=True, exist_ok=True)
    address = sender.client if user == "-" else "203.0.113.99"
    line = f"{address} mx.{sender.name} <sender{sender.i}@{sender.name}> <reader@example.org> {user}\n"
    path.write_bytes(line.encode() + text)


def sizes(rng, count):
    """Log-normal, cut at 300 KB, and scaled to the mean."""
    found = [min(300000, int(rng.lognormvariate(0, 1.35) * MEDIAN)) for _ in range(count)]
    scale = MEAN * count / sum(found)
    return [max(600, int(n * scale)) for n in found]


def write_mixed(out, rng, count):
    for i, size in enumerate(sizes(rng, count)):
        sender = Sender(i % DOMAINS)
        plain = message(rng, sender, size, i % 2 == 0)
        write(out / "sign" / f"{i:05}", sender, plain, "alice")
        write(out / "verify" / f"{i:05}", sender, signed(plain, sender, 2 if i % 5 < 2 else 1))


def write_sizes(out, rng):
    for label, size, n in (("4k", 4096, 40), ("50k", 51200, 20), ("1M", 1 << 20, 4)):
        for i in range(n):
            sender = Sender(i)
            write(out / label / f"{i:05}", sender, signed(message(rng, sender, size, i % 2 == 0), sender, 1))


def write_cold(out, rng, senders):
    each = len(senders) // COLD_ROUNDS
    for i, (sender, size) in enumerate(zip(senders, sizes(rng, len(senders)))):
        text = signed(message(rng, sender, size, i % 2 == 0), sender, 2 if i % 5 < 2 else 1)
        write(out / f"cold{i // each}" / f"{i % each:05}", sender, text)


def write_numbered(out, rng):
    """One message each, which load.c numbers."""
    for label in ("flood", "silent"):
        sender = Sender(0)
        sender.name = f"00000000.{label}.example"
        write(out / label / "00000", sender, message(rng, sender, 4096, True))


def main():
    out, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    rng = random.Random(7)
    cold = [Sender(COLD + i) for i in range(count * COLD_ROUNDS)]
    out.mkdir(parents=True, exist_ok=True)
    (out / "zone.txt").write_text(master_file(zone([*map(Sender, range(DOMAINS)), *cold])))
    write_mixed(out, rng, count)
    write_sizes(out, rng)
    write_cold(out, rng, cold)
    write_numbered(out, rng)


if __name__ == "__main__":
    main()
