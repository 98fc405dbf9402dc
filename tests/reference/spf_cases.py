"""spf_cases - SPF checks made from a seed: a small world of domains whose records lead to each other.

Most records are right; some names are absent, silent or broken, some records too long in look-ups."""

import random

DOMAINS = [f"d{i}.example.com" for i in range(7)]
HOSTS = ["mail.example.com", "a.b.example.org", "deep.mail.example.com"]
ABSENT = ["nowhere.example.com", "void.example.org", "gone.example.net"]
CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.5", "2001:db8::1", "2001:db8:1::25"]
QUALIFIERS = ["", "", "", "+", "-", "~", "?"]
MACROS = ["%{d}", "%{o}", "%{i}.x.example.org", "%{ir}.%{v}.rev.example.org", "%{l}.u.example.org", "%{d2}", "%{h}",
          "%{l1r-}.u.example.org", "%{l2}.u.example.org", "%{lr-}.u.example.org", "%{p}", "%{s}.example.org", "%{D}", "%{d1r}.example.com", "%{dr}.example.org",
          "%{l}%-x.example.org", "%{d3r.}.example.org"]


def name(rng):
    return rng.choice(DOMAINS * 2 + HOSTS + ABSENT)


def spec(rng):
    return rng.choice(MACROS) if rng.random() < 0.3 else name(rng)


def cidr(rng, v4=(32, 24, 16) * 9 + (0,), v6=(128, 64, 32) * 9 + (0,)):
    text = rng.choice(["", "", "", f"/{rng.choice(v4)}"])
    return text + rng.choice(["", "", "", "", f"//{rng.choice(v6)}"])


def network(rng):
    address = rng.choice(CLIENTS + ["203.0.113.9", "10.1.2.3", "2001:db8:ffff::1"])
    if ":" in address:
        return f"ip6:{address}" + rng.choice(["", "/64", "/32", "/128"] * 9 + ["/0"])
    return f"ip4:{address}" + rng.choice(["", "/24", "/32", "/8"] * 9 + ["/0"])


def term(rng):
    kind = rng.choice(["net"] * 5 + ["a", "a", "mx", "mx", "include", "include", "exists", "ptr"])
    if kind == "net":
        text = network(rng)
    elif kind in ("a", "mx"):
        text = kind + rng.choice(["", ":" + spec(rng)]) + cidr(rng)
    elif kind == "ptr":
        text = "ptr" + rng.choice(["", ":" + spec(rng)])
    else:
        text = f"{kind}:{spec(rng)}"
    text = rng.choice(QUALIFIERS) + text
    return text.upper() if rng.random() < 0.04 and "%" not in text else text


def record(rng):
    terms = [term(rng) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 6, 12]))]
    last = rng.random()
    if last < 0.65:
        terms.append(rng.choice(["-all", "~all", "?all", "all", "-ALL", "+all"]))
    elif last < 0.85:
        terms.append("redirect=" + spec(rng))
    if rng.random() < 0.1:
        terms.insert(rng.randrange(len(terms) + 1), rng.choice(["exp=why.example.org", "x-y=z", "default=pass", "op=%{d}"]))
    if rng.random() < 0.03:
        terms.append(rng.choice(["ip4:192.0.2.1", "mx", "a:" + name(rng)]))
    if rng.random() < 0.03:
        terms.append(rng.choice(["ip4:1.2.3", "foo", "include:", "a:/24", "mx//129", "%{d}", "all:x", "exp=", "redirect="]))
    return rng.choice(["v=spf1 "] * 20 + ["V=SPF1 ", "v=spf1  "]) + rng.choice([" "] * 20 + ["  "]).join(terms)


def quoted(rng, text):
    """A record in one string, or in two."""
    at = rng.randrange(len(text)) if rng.random() < 0.1 else 0
    return " ".join(f'"{part}"' for part in (text[:at], text[at:]) if part)


def addresses(rng, owner):
    for _ in range(rng.choice([0, 1, 1, 2])):
        yield f"{owner}. A {rng.choice(CLIENTS[:3] + ['203.0.113.7'])}"
    for _ in range(rng.choice([0, 0, 1])):
        yield f"{owner}. AAAA {rng.choice(CLIENTS[3:] + ['2001:db8:ffff::7'])}"


def exchanges(rng, owner):
    many = 12 if rng.random() < 0.04 else rng.choice([0, 0, 1, 2, 3])
    for i in range(many):
        target = rng.choice(HOSTS + ABSENT + [owner]) if many < 12 else f"mx{i}.example.org"
        yield f"{owner}. MX {rng.randrange(30)} {target}."
    if rng.random() < 0.02:
        yield f"{owner}. MX 0 ."


def domain(rng, owner):
    if rng.random() < 0.04:
        yield f"{owner}. {rng.choice(['SERVFAIL', 'TIMEOUT'])}"
        return
    yield from addresses(rng, owner)
    yield from exchanges(rng, owner)
    for _ in range(rng.choice([1] * 14 + [0, 0, 2])):
        yield f"{owner}. TXT {quoted(rng, record(rng))}"
    if rng.random() < 0.15:
        yield f'{owner}. TXT "some other text"'


def reverse(rng):
    for address, owner in (("192.0.2.1", "1.2.0.192.in-addr.arpa"), ("192.0.2.77", "77.2.0.192.in-addr.arpa")):
        many = 13 if rng.random() < 0.05 else rng.choice([0, 1, 1, 2])
        for i in range(many):
            target = rng.choice(HOSTS + DOMAINS + ABSENT) if many < 13 else f"h{i}.example.org"
            yield f"{owner}. PTR {target}."
            if rng.random() < 0.5:
                yield f"{target}. A {address}"


def zone(rng):
    lines = [line for owner in DOMAINS for line in domain(rng, owner)]
    lines += [line for owner in HOSTS for line in addresses(rng, owner)]
    lines += [f"mx{i}.example.org. A {rng.choice(CLIENTS[:3] + ['203.0.113.7'])}" for i in range(12)]
    lines += list(reverse(rng))
    lines += [*(f"{local}.u.example.org. A 127.0.0.2" for local in ("joe", "strong", "bad.strong", "strong-bad")),
              'why.example.org. TXT "%{i} may not send for %{d}"', "gone.example.net. SERVFAIL"]
    failing = {line.split()[0] for line in lines if line.split()[1] in ("SERVFAIL", "TIMEOUT")}
    seen = [line for line in lines if line.split()[0] not in failing or line.split()[1] in ("SERVFAIL", "TIMEOUT")]
    return "\n".join(dict.fromkeys(seen)) + "\n"


def case(rng):
    """Client, HELO, local part, domain."""
    local = rng.choice(["joe", "strong-bad", "joe", "", "x" * 60])
    helo = rng.choice(["mail.example.com", "mail.example.com", "single", "[192.0.2.1]", DOMAINS[0]])
    return rng.choice(CLIENTS), helo, local, rng.choice(DOMAINS * 3 + HOSTS[:1] + ABSENT)


def world(seed, cases=8):
    """A zone text, and some checks in it."""
    rng = random.Random(seed)
    return zone(rng), [case(rng) for _ in range(cases)]
