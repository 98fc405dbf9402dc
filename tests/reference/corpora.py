"""corpora - the cases that both our libraries and the field's are asked about.

A Case has what reference_tool takes (tool.c), and a name for people. `wants` are the results that are right, where
somebody has said so: of the SPF suites their authors, of the DMARC cases the case files; None elsewhere."""

import base64
import collections
import importlib.machinery
import importlib.util
import pathlib
import random
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CONFORMANCE = HERE.parent / "conformance"
sys.path[:0] = [str(HERE), str(CONFORMANCE)]

import dkim_messages as dm  # noqa: E402
import spf_cases  # noqa: E402

FIXED_SEED = 7208
NOW = 1795219200  # when all messages come: 20 November 2026
SUITES = ("rfc7208-tests", "rfc4408-tests", "pyspf-tests", "blitirispf-tests")

Case = collections.namedtuple("Case", "verb corpus name zone data wants")


def load(path):
    """A script as a module."""
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


def fields(*texts):
    return b"".join(t if isinstance(t, bytes) else t.encode("utf-8") for t in (x for t in texts for x in (t, b"\0")))


# ---- SPF ----

def spf_suites():
    suites = load(CONFORMANCE / "spf_suites")
    for suite in SUITES:
        for zone, cases in suites.read_suite(pathlib.Path(suites.PLACE, suite + ".yml")):
            for case in cases:
                _, client, *hexes = case.line.split(" ")
                texts = [b"" if h == "-" else bytes.fromhex(h) for h in hexes]
                yield Case("spf", suite, f"{case.section}: {case.name}", zone, fields(client, *texts), case.results)


def spf_made(seed, count):
    for number in range(count // 8):
        zone, checks = spf_cases.world(f"{seed}.{number}")
        for i, (client, helo, local, domain) in enumerate(checks):
            data = fields(client, helo, local, domain, "mx.example.net")
            yield Case("spf", "made", f"{seed}.{number}.{i} {client} {helo} {local}@{domain}", zone, data, None)


# ---- DKIM ----

# Keys that cannot be had, beside those of dkim_messages.
KEY_TROUBLE = {"key-fails": "SERVFAIL", "key-late": "TIMEOUT", "key-gone": None, "key-two": "TXT"}
dm.SIGNATURE_FEATURES.update({selector: dm.key(selector) for selector in KEY_TROUBLE})


def dkim_zone():
    lines = [f'{name}. TXT "{text}"' for name, text in dm.zone(dm.RSA_PUBLIC).items()]
    lines += [f"{selector}._domainkey.{dm.DOMAIN}. {how}" for selector, how in KEY_TROUBLE.items() if how not in (None, "TXT")]
    lines += [f'key-two._domainkey.{dm.DOMAIN}. TXT "v=DKIM1; p={key}"' for key in (dm.RSA_PUBLIC, dm.OTHER_PUBLIC)]
    return "\n".join(lines) + "\n"


def dkim_plans():
    """Each feature alone, first, and what has to come in pairs."""
    kinds = (dm.MESSAGE_FEATURES, dm.SIGNATURE_FEATURES, dm.CHANGES)
    pairs = dm.PAIRS + [(feature,) for kind in kinds for feature in kind]
    for pair in pairs * 3:
        yield [[f for f in pair if f in kind] for kind in kinds]


def dkim_message(seed, plan):
    rng = dm.generator(seed)
    of_message, of_signature, of_change = plan or (None, None, None)
    message = dm.odd_message(rng, of_message)
    several = 1 if plan else rng.choice([1] * 6 + [2, 3])
    signatures = [dm.odd_signature(rng, message, NOW, of_signature) for _ in range(several)]
    dm.change(rng, message, of_change)
    features = sorted(message.features | dm.seen_features(message))
    return b"".join(b"DKIM-Signature:" + s + b"\r\n" for s in signatures) + message.bytes(), features


def dkim_made(seed, count):
    zone = dkim_zone()
    plans = list(dkim_plans()) if seed == FIXED_SEED else []
    for number in range(count):
        message, features = dkim_message(f"{seed}.{number}", plans[number] if number < len(plans) else None)
        name = f"{seed}.{number} " + " ".join(features)
        yield Case("dkim", "made", name, zone, fields(str(NOW)) + message, None)


# ---- limits ----

# A mx with ten exchanges that exist without an address; three such terms make us look twice at each exchange, for
# either family, and libspf2 once.
BARE_EXCHANGES = "\n".join(f'bare.org. MX {i} x{i}.bare.org.\nx{i}.bare.org. TXT "x"' for i in range(10))
MANY_QUERIES = f'limit.org. TXT "v=spf1 mx:bare.org mx:bare.org mx:bare.org ~all"\n{BARE_EXCHANGES}\n'
SPF_SHARE = "60"  # of the queries of a message, by default


def long_key_message():
    """Signed by a key above dkim.max-key-bits, and the zone with that key."""
    path = HERE.parent / "keys" / "rsa-long.pem"
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], stdout=subprocess.PIPE, check=True)
    rng = dm.generator("long key")
    message = dm.odd_message(rng, [])
    signature = dm.Signature(rng, message, NOW)
    dm.key("long")(signature)
    signature.pem = path.read_bytes()
    value = signature.make()
    record = f"v=DKIM1; p={base64.b64encode(public.stdout).decode()}"
    return b"DKIM-Signature:" + value + b"\r\n" + message.bytes(), f'long._domainkey.{dm.DOMAIN}. TXT "{record}"\n'


def limits():
    """What neither suites nor generators reach: limits that an operator sets."""
    data = fields("192.0.2.1", "mail.example.com", "joe", "limit.org", "mx.example.net", SPF_SHARE)
    yield Case("spf", "limits", "many queries", MANY_QUERIES, data, None)
    message, zone = long_key_message()
    yield Case("dkim", "limits", "long key", zone, fields(str(NOW)) + message, None)


# ---- DMARC ----

def dmarc_case(corpus, name, lines, author, identifiers, wants):
    ids = [f"{kind} {auth} {domain}" for kind, auth, domain in identifiers]
    return Case("dmarc", corpus, name, "\n".join(lines) + "\n", fields(author, *ids), wants)


def dmarc_words(want):
    """The result and the policy of a `want` line."""
    policy = re.search(r"policy=(\w+)", want)
    return want.split()[0], policy[1] if policy else None


def public_names(text):
    """Names below example and test as names below top-level domains that a public suffix list knows; to the tree walk
    one is as good as the other."""
    for word, name in (("example", "org"), ("test", "net")):
        text = re.sub(rf"(?<=[.\s]){word}(?![-\w]|\.\w)", name, text, flags=re.I)
    return text


def dmarc_file(path):
    """The cases of one file (dmarc_case.h) that leave organizational domains to the tree walk."""
    common, case = [], None
    for line in public_names(path.read_text()).splitlines() + ["case end"]:
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "case":
            if case and "suffixes" not in case:
                name = f"{path.stem}: {case['case']}"
                yield dmarc_case("cases", name, case["zone"], case["from"], case["ids"], dmarc_words(case["want"]))
            case = {"case": rest, "zone": list(common), "ids": []}
        elif word == "zone":
            (case["zone"] if case else common).append(rest)
        elif word in ("spf", "dkim"):
            case["ids"].append((word, *rest.split()))
        elif word in ("from", "want", "suffixes"):
            case[word] = rest


def dmarc_files():
    for path in sorted((CONFORMANCE / "dmarc_cases").glob("*.case")):
        yield from dmarc_file(path)


def plain_record(rng):
    """What RFC 7489 and RFC 9989 read alike."""
    policies = ("none", "quarantine", "reject")
    tags = ["v=DMARC1", "p=" + rng.choice(policies)]
    more = [("sp", policies, 0.3), ("adkim", "rs", 0.3), ("aspf", "rs", 0.3), ("fo", ("0", "1", "d:s"), 0.1),
            ("rua", ("mailto:a@example.com", "mailto:a@b.example,mailto:c@d.example!10m"), 0.4), ("ri", ("86400",), 0.1),
            ("x", ("unknown",), 0.05)]
    tags += [f"{name}={rng.choice(values)}" for name, values, share in more if rng.random() < share]
    return rng.choice(("; ", ";", " ; ")).join(tags) + rng.choice(("", ";"))


def plain_name(rng, organization):
    return rng.choice(("", "", "www.", "mail.", "a.b.")) + organization


def plain_zone(rng, organization, author):
    """An organization with a record of its own, or with none at all: tree walk and list agree on what it is."""
    if rng.random() < 0.05:
        return [f"_dmarc.{author}. SERVFAIL"]
    names = [organization, author] if rng.random() < 0.3 else [organization]
    return [f'_dmarc.{name}. TXT "{plain_record(rng)}"' for name in dict.fromkeys(names) if rng.random() < 0.95]


def dmarc_plain(seed, count):
    """One author, and identifiers near and far."""
    organizations = ("example.com", "example.org", "example.co.uk", "example.net")
    for number in range(count):
        rng = random.Random(f"dmarc {seed}.{number}")
        organization = rng.choice(organizations)
        author = plain_name(rng, organization)
        lines = [f"{author}. A 192.0.2.1", *plain_zone(rng, organization, author)]
        if not any(line.startswith(f"_dmarc.{organization}.") for line in lines):
            lines = [line for line in lines if "TXT" not in line]
        kinds = ["spf"] * rng.choice((0, 1, 1, 1)) + ["dkim"] * rng.choice((0, 1, 1, 2))
        auths = ("pass", "pass", "fail") if rng.random() < 0.9 else ("pass", "fail", "unknown")
        near = (author, organization, plain_name(rng, organization), plain_name(rng, rng.choice(organizations)))
        identifiers = [(kind, rng.choice(auths), rng.choice(near)) for kind in kinds]
        words = f"{seed}.{number} {author}: " + ", ".join(" ".join(i) for i in identifiers)
        yield dmarc_case("plain", words, lines, author, identifiers, None)


# ---- all together ----

def fixed():
    return [*spf_suites(), *spf_made(FIXED_SEED, 2400), *dkim_made(FIXED_SEED, 1500), *limits(),
            *dmarc_files(), *dmarc_plain(FIXED_SEED, 1500)]


def fresh(seed, hundreds):
    return [*spf_made(seed, 200 * hundreds), *dkim_made(seed, 100 * hundreds), *dmarc_plain(seed, 100 * hundreds)]
