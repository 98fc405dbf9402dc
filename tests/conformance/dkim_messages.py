"""dkim_messages - odd messages with odd signatures, for dkim_interop.py.

A message is built from a seed. Whatever is odd about it has a name, its feature; dkim_disagreements speaks of
these. The signatures are made here, after RFC 6376 and by no one's library, so that they can be odd too."""

import base64
import hashlib
import random
import re

import nacl.encoding
import nacl.signing
from dkim.crypto import RSASSA_PKCS1_v1_5_sign, parse_pem_private_key

DOMAIN = "example.org"

# RFC 8463 A.1, A.2
RSA_PEM = """-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
"""
RSA_PUBLIC = ("MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1"
              "6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2"
              "EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB")
RSA_BARE = base64.b64encode(base64.b64decode(RSA_PUBLIC)[22:]).decode()
OTHER_PUBLIC = ("MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOC"
                "KG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGj"
                "aNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB")
ED25519_SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
ED25519_PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

# Odd key records for the RSA key: selector (which is the feature) and text.
KEY_RECORDS = {
    "key-bare": f"v=DKIM1; k=rsa; p={RSA_BARE}",
    "key-without-v": f"k=rsa; p={RSA_PUBLIC}",
    "key-p-alone": f"p={RSA_PUBLIC}",
    "key-spaces": f" v = DKIM1 ; k = rsa ; p = {RSA_PUBLIC[:70]} {RSA_PUBLIC[70:]} ; ",
    "key-unknown-tag": f"v=DKIM1; k=rsa; foo=bar; x_1=; p={RSA_PUBLIC}",
    "key-notes": f"v=DKIM1; n=call us, please: +1 555; p={RSA_PUBLIC};",
    "key-h-sha256": f"v=DKIM1; h=sha256; p={RSA_PUBLIC}",
    "key-h-both": f"v=DKIM1; h=sha1 : sha256; p={RSA_PUBLIC}",
    "key-h-sha1": f"v=DKIM1; h=sha1; p={RSA_PUBLIC}",
    "key-s-email": f"v=DKIM1; s=email; p={RSA_PUBLIC}",
    "key-s-star": f"v=DKIM1; s=*; p={RSA_PUBLIC}",
    "key-s-list": f"v=DKIM1; s=other:email; p={RSA_PUBLIC}",
    "key-s-other": f"v=DKIM1; s=other; p={RSA_PUBLIC}",
    "key-testing": f"v=DKIM1; t=y; p={RSA_PUBLIC}",
    "key-strict": f"v=DKIM1; t=s; p={RSA_PUBLIC}",
    "key-g-empty": f"v=DKIM1; g=; p={RSA_PUBLIC}",
    "key-g-other": f"v=DKIM1; g=nobody; p={RSA_PUBLIC}",
    "key-revoked": "v=DKIM1; p=",
    "key-without-p": "v=DKIM1; k=rsa",
    "key-v2": f"v=DKIM2; p={RSA_PUBLIC}",
    "key-v-lower": f"v=dkim1; p={RSA_PUBLIC}",
    "key-v-last": f"p={RSA_PUBLIC}; v=DKIM1",
    "key-k-unknown": f"v=DKIM1; k=frob; p={RSA_PUBLIC}",
    "key-k-upper": f"v=DKIM1; k=RSA; p={RSA_PUBLIC}",
    "key-twice-k": f"v=DKIM1; k=rsa; k=rsa; p={RSA_PUBLIC}",
    "key-empty-tag": f"v=DKIM1;; p={RSA_PUBLIC}",
    "key-other": f"v=DKIM1; p={OTHER_PUBLIC}",
    "key-rubbish": "v=spf1 -all",
    "key-p-broken": f"v=DKIM1; p={RSA_PUBLIC[:100]}",
    "key-p-no-base64": f"v=DKIM1; p=!{RSA_PUBLIC[1:]}",
}


def zone(big_public):
    """name -> text, for all implementations."""
    records = {f"{selector}._domainkey.{DOMAIN}": text for selector, text in KEY_RECORDS.items()}
    records[f"rsa._domainkey.{DOMAIN}"] = f"v=DKIM1; k=rsa; p={RSA_PUBLIC}"
    records[f"big._domainkey.{DOMAIN}"] = f"v=DKIM1; k=rsa; p={big_public}"
    records[f"ed._domainkey.{DOMAIN}"] = f"v=DKIM1; k=ed25519; p={ED25519_PUBLIC}"
    records["rsa._domainkey.org"] = f"v=DKIM1; k=rsa; p={RSA_PUBLIC}"
    records["rsa._domainkey.xn--bcher-kva.example"] = f"v=DKIM1; k=rsa; p={RSA_PUBLIC}"
    return records


# ---- canonicalization, plainly ----

def canon_field(kind, name, value):
    if kind == "simple":
        return name + b":" + value + b"\r\n"
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.lower() + b":" + value + b"\r\n"


def canon_body(kind, body):
    if kind == "relaxed":
        body = b"\r\n".join(re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n" if body or kind == "simple" else b""


# ---- messages ----

class Message:
    """Header fields as [name, value], a body, and the features of both."""

    def __init__(self, rng):
        self.rng = rng
        self.features = set()
        self.fields = [
            [b"From", b" Joe <joe@example.org>"],
            [b"To", b" Suzie <suzie@example.net>"],
            [b"Subject", b" Is dinner ready?"],
            [b"Date", b" Fri, 20 Nov 2026 12:00:00 +0000"],
            [b"Message-ID", b" <%d@example.org>" % rng.randrange(10**9)],
        ]
        self.body = b"".join(self.line() + b"\r\n" for _ in range(rng.randrange(1, 12)))

    def line(self):
        words = [b"word", b"a", b"", b"longer-word", b"x=y;", b"."]
        return b" ".join(self.rng.choice(words) for _ in range(self.rng.randrange(12)))

    def add(self, name, value):
        self.fields.insert(self.rng.randrange(len(self.fields) + 1), [name, value])

    def bytes(self):
        return b"".join(n + b":" + v + b"\r\n" for n, v in self.fields) + b"\r\n" + self.body


def some_field(m):
    """Any field but From and Date, which some implementations want to understand."""
    return m.rng.choice([f for f in m.fields if f[0].lower() not in (b"from", b"date")])


def fold_field(m):
    f = some_field(m)
    f[1] = re.sub(rb"(?<!\n) ", m.rng.choice([b"\r\n ", b" \r\n\t", b"\r\n   \t"]), f[1])


def fold_empty_line(m):
    f = some_field(m)
    f[1] += b"\r\n  \r\n x"


def end_blank(m):
    some_field(m)[1] += m.rng.choice([b" ", b"\t ", b"\r\n ", b" \r\n\t"])


def odd_case(m):
    f = m.rng.choice(m.fields)
    f[0] = bytes(c ^ 0x20 if chr(c).isalpha() and m.rng.random() < 0.5 else c for c in f[0])


def odd_body(m, *pieces):
    at = m.rng.randrange(len(m.body) + 1)
    m.body = m.body[:at] + m.rng.choice(pieces) + m.body[at:]


def replace_body(m, *bodies):
    m.body = m.rng.choice(bodies)


MESSAGE_FEATURES = {
    "folded-field": fold_field,
    "folded-empty-line": fold_empty_line,
    "field-ends-blank": end_blank,
    "field-no-space": lambda m: some_field(m).__setitem__(1, b"x"),
    "field-empty": lambda m: m.add(b"X-Empty", m.rng.choice([b"", b" "])),
    "field-8bit": lambda m: m.add(b"Subject", " J\u00f6rg \u2713".encode()),
    "field-latin1": lambda m: m.add(b"Comments", b" J\xf6rg\xff"),
    "field-long": lambda m: m.add(b"References", b" <x@y>" * m.rng.randrange(200, 2000)),
    "field-runs": lambda m: m.add(b"X-Runs", b" \t a  b \t\tc  "),
    "field-repeated": lambda m: [m.add(b"To", b" %d@example.net" % i) for i in range(3)],
    "field-odd-case": odd_case,
    "received": lambda m: [m.add(b"Received", b" from x by y; %d" % i) for i in range(3)],
    "body-empty": lambda m: replace_body(m, b""),
    "body-blank": lambda m: replace_body(m, b"\r\n", b"\r\n\r\n\r\n"),
    "body-white": lambda m: replace_body(m, b" \r\n\t\r\n", b" ", b"\r\n \r\n"),
    "body-no-end": lambda m: replace_body(m, m.body + b"end", b"x", b"x \t"),
    "body-long-no-end": lambda m: replace_body(m, m.body + b"x " * 3000 + b"x", b"x" * 2000),
    "body-ends-blank": lambda m: replace_body(m, m.body + b"\r\n" * m.rng.randrange(1, 9)),
    "body-runs": lambda m: odd_body(m, b"  ", b" \t", b"\t\t", b"  \r\n", b"\t\r\n"),
    "body-8bit": lambda m: odd_body(m, b"\xff\x80", "\u00fc\u2713".encode()),
    "body-long-line": lambda m: odd_body(m, b"x" * 5000, b"x " * 3000),
    "body-controls": lambda m: odd_body(m, b"\x01\x0b\x0c\x7f", b" \x0b \r\n"),
    "body-nul": lambda m: odd_body(m, b"\0", b" \0 \r\n"),
    "body-cr": lambda m: odd_body(m, b"\rx", b" \r ", b"\r\r\n", b"a\r\rb"),
    "body-lf": lambda m: odd_body(m, b"\nx", b" \n ", b"\n\n", b"x\n"),
    "body-dots": lambda m: odd_body(m, b"\r\n.\r\n", b"\r\n..\r\n"),
}


# ---- signatures ----

class Signature:
    """Tags in order; "bh" and "b" are filled in by make(). Everything may be changed before."""

    def __init__(self, rng, message, now):
        self.rng, self.message, self.now = rng, message, now
        self.features = set()
        self.pem = RSA_PEM.encode()
        self.ed25519 = rng.random() < 0.2
        self.canon = [rng.choice(["simple", "relaxed"]), rng.choice(["simple", "relaxed"])]
        names = [n.decode() for n, _ in message.fields if n != b"Comments" and rng.random() < 0.8]
        if not any(n.lower() == "from" for n in names):
            names.append("From")
        rng.shuffle(names)
        self.names = names
        self.limit = None       # of octets hashed
        self.longer = None      # l= is so much longer than the body
        self.separator = "; "
        self.trailer = rng.choice(["", "", ";"])
        self.fold_b = rng.choice([0, 0, 60, 10])
        self.tags = {
            "v": "1", "a": "ed25519-sha256" if self.ed25519 else "rsa-sha256", "c": "/".join(self.canon),
            "d": DOMAIN, "s": "ed" if self.ed25519 else "rsa", "h": None, "bh": None, "b": None,
        }
        if rng.random() < 0.5:
            self.tags["t"] = str(now - rng.randrange(1000))
        if rng.random() < 0.3:
            self.tags["x"] = str(now + 1000 + rng.randrange(1000))

    def shuffle(self):
        order = list(self.tags)
        self.rng.shuffle(order)
        self.tags = {name: self.tags[name] for name in order}

    def render(self, b):
        parts = []
        for name, value in self.tags.items():
            if value is None:
                value = b if name == "b" else ""
            parts.append(value if name.startswith("raw") else f"{name}={value}")
        return (" " + self.separator.join(parts) + self.trailer).encode("utf-8", "surrogateescape")

    def selected(self):
        left = list(self.message.fields)
        for name in self.names:
            for field in reversed(left):
                if field[0].decode().lower() == name.strip().lower():
                    left.remove(field)
                    yield field
                    break

    def make(self):
        """The field's value."""
        hc, bc = self.canon
        body = canon_body(bc, self.message.body)
        if self.longer is not None:
            self.limit = max(len(body) + self.longer, 0)
            self.tags["l"] = str(self.limit)
        if self.limit is not None:
            body = body[:self.limit]
        if self.tags.get("h", "") is None:
            self.tags["h"] = ":".join(self.names)
        if self.tags.get("bh", "") is None:
            self.tags["bh"] = base64.b64encode(hashlib.sha256(body).digest()).decode()
        data = b"".join(canon_field(hc, n, v) for n, v in self.selected())
        data += canon_field(hc, b"DKIM-Signature", self.render(""))[:-2]
        b = base64.b64encode(self.sign(data)).decode()
        if self.fold_b:
            b = "\r\n ".join(b[i:i + self.fold_b] for i in range(0, len(b), self.fold_b))
        return self.render(b)

    def sign(self, data):
        digest = hashlib.sha256(data)
        if self.ed25519:
            key = nacl.signing.SigningKey(ED25519_SECRET, encoder=nacl.encoding.Base64Encoder)
            return key.sign(digest.digest()).signature
        return RSASSA_PKCS1_v1_5_sign(digest, parse_pem_private_key(self.pem))


def tag(name, *values):
    """A feature: this tag with one of these values."""
    def change(s):
        s.tags[name] = s.rng.choice(values)
    return change


def without(name):
    return lambda s: s.tags.pop(name)


def moved(name, *offsets):
    """A feature: this tag so many seconds from now."""
    def change(s):
        s.tags[name] = str(s.now + s.rng.choice(offsets))
    return change


def length(difference):
    """l= that differs so much from the length of the canonical body."""
    return lambda s: setattr(s, "longer", difference)


def canon_single(s):
    s.canon[1] = "simple"
    s.tags["c"] = s.canon[0]


def canon_default(s):
    s.canon = ["simple", "simple"]
    del s.tags["c"]


def names(*more):
    def change(s):
        s.names = s.names + s.rng.choice(more)
    return change


def h_as(change_text):
    def change(s):
        s.tags["h"] = change_text(s, ":".join(s.names))
    return change


def key(selector):
    def change(s):
        s.ed25519 = False
        s.tags["a"], s.tags["s"] = "rsa-sha256", selector
    return change


def spaced(s):
    s.separator = s.rng.choice([" ; ", ";\r\n\t", ";", "\r\n ;\r\n "])
    s.tags = {name + s.rng.choice(["", " ", "\r\n "]): value for name, value in s.tags.items() if value} | {
        name: None for name, value in s.tags.items() if value is None}


def b_spaced(s):
    s.fold_b = s.rng.choice([1, 3, 7])


def no_from(s):
    s.names = [n for n in s.names if n.lower() != "from"]
    s.names = s.names or ["To"]


def idn(s):
    s.ed25519 = False
    s.tags |= {"a": "rsa-sha256", "d": "b\u00fccher.example", "s": "rsa"}
    s.tags.pop("i", None)


def strict_subdomain(s):
    key("key-strict")(s)
    s.tags["i"] = "joe@mail." + DOMAIN


SIGNATURE_FEATURES = {
    "shuffled": Signature.shuffle,
    "spaced": spaced,
    "b-spaced": b_spaced,
    "unknown-tag": tag("x_y", "", "z", "a b", "=="),
    "z": tag("z", "From:joe@example.org|To:x"),
    "q": tag("q", "dns/txt"),
    "i-domain": tag("i", "@" + DOMAIN),
    "i-address": tag("i", "joe@" + DOMAIN, "joe+x@" + DOMAIN),
    "i-subdomain": tag("i", "@mail." + DOMAIN, "joe@a.b." + DOMAIN),
    "c-single": canon_single,
    "c-default": canon_default,
    "h-absent": names(["X-None"], ["X-None", "x-none", "Sender"]),
    "h-oversigned": names(["From"], ["from", "Subject", "to", "TO"]),
    "h-received": names(["Received"], ["received", "Received"]),
    "h-spaced": h_as(lambda s, h: h.replace(":", s.rng.choice([" : ", "\r\n :\r\n ", ": "]))),
    "h-upper": h_as(lambda s, h: h.upper()),
    "d-upper": tag("d", DOMAIN.upper(), DOMAIN.title()),
    "s-upper": lambda s: s.tags.__setitem__("s", s.tags["s"].upper()),
    "l-exact": length(0),
    # From here on the RFC says no, or is not understood by all.
    "l-short": length(-1),
    "l-long": length(1),
    "l-zero": lambda s: (setattr(s, "limit", 0), s.tags.__setitem__("l", "0")),
    "l-empty": tag("l", ""),
    "l-odd": tag("l", "-1", "1x", "0x1", "+1"),
    "twice": lambda s: s.tags.__setitem__("raw", f"d={DOMAIN}"),
    "no-v": without("v"), "no-a": without("a"), "no-d": without("d"), "no-s": without("s"),
    "no-h": without("h"), "no-bh": without("bh"), "no-b": without("b"),
    "v-2": tag("v", "2"), "v-0.5": tag("v", "0.5"), "v-odd": tag("v", "1.0", "01"), "v-empty": tag("v", ""),
    "a-unknown": tag("a", "rsa-sha512", "dsa-sha256", "rsa", ""),
    "a-upper": lambda s: s.tags.__setitem__("a", s.tags["a"].upper()),
    "a-other-key": lambda s: s.tags.__setitem__("a", "rsa-sha256" if s.ed25519 else "ed25519-sha256"),
    "c-unknown": tag("c", "frob", "relaxed/frob", "/relaxed", "relaxed/relaxed/relaxed"),
    "c-half": lambda s: s.tags.__setitem__("c", s.canon[0] + "/"),
    "c-upper": lambda s: s.tags.__setitem__("c", "/".join(s.canon).upper()),
    "c-spaced": lambda s: s.tags.__setitem__("c", " / ".join(s.canon)),
    "d-top": lambda s: (key("rsa")(s), s.tags.__setitem__("d", "org")),
    "d-dot": tag("d", DOMAIN + "."),
    "d-spaced": tag("d", "exam ple.org"),
    "d-idn": idn,
    "h-empty-name": h_as(lambda s, h: h.replace(":", "::", 1) if ":" in h else h + "::to"),
    "h-ends-colon": h_as(lambda s, h: h + ":"),
    "h-empty": tag("h", ""),
    "h-inner-space": h_as(lambda s, h: h + ":X No"),
    "h-no-from": no_from,
    "h-own": names(["DKIM-Signature"]),
    "i-other": tag("i", "joe@example.net", "@org", "@badexample.org"),
    "i-no-at": tag("i", "joe", DOMAIN),
    "i-quoted-local": tag("i", "=6Aoe@" + DOMAIN),
    "i-quoted-domain": tag("i", "joe@=65xample.org"),
    "i-strict": strict_subdomain,
    "q-other": tag("q", "dns", "http/x", ""),
    "q-list": tag("q", "http/x:dns/txt", "dns/txt:http/x"),
    "t-future": lambda s: (moved("t", 86400, 400000)(s), s.tags.pop("x", None)),
    "t-not-number": tag("t", "now", "", "-5", "1 2"),
    "x-past": moved("x", -86400, -400000),
    "x-before-t": lambda s: (moved("t", -100)(s), moved("x", -110)(s)),
    "x-equals-t": lambda s: (moved("t", -100)(s), moved("x", -100)(s)),
    "x-not-number": tag("x", "never", ""),
    "b-broken": tag("b", "!!!!", "AAAA", "A"),
    "bh-broken": tag("bh", "!!!!", "AAAA", "A"), "bh-empty": tag("bh", ""),
    "empty-tag": lambda s: setattr(s, "separator", ";;"),
    "tag-digit": tag("raw", "1x=y"),
    "tag-hyphen": tag("raw", "x-y=z"),
    "tag-no-name": tag("raw", "=y"),
    "tag-no-equals": tag("raw", "xy"),
    "tag-control": tag("x_y", "a\x01b", "a\x7fb"),
    "tag-8bit": tag("x_y", "\u00fc"),
    "tag-latin1": tag("x_y", "\udcff"),
}
SIGNATURE_FEATURES |= {selector: key(selector) for selector in KEY_RECORDS}


# What shows only in company.
PAIRS = [("l-exact", "body-added"), ("l-empty", "body-blank"), ("l-empty", "body-white"), ("l-odd", "body-blank"),
         ("i-quoted-domain", "key-strict"), ("l-exact", "spaced")]


# ---- what may happen to a message on its way ----

def refold(m):
    for f in m.fields:
        if m.rng.random() < 0.5:
            f[1] = b" ".join(f[1].split()).replace(b" ", b"\r\n\t", 1) if f[1].split() else f[1]


def change_case(m):
    for f in m.fields:
        f[0] = f[0].upper()


def rewrite(m):
    f = m.rng.choice(m.fields)
    f[1] += b"x"


CHANGES = {
    "refolded": refold,
    "recased": change_case,
    "field-changed": rewrite,
    "field-removed": lambda m: m.fields.remove(some_field(m)),
    "field-on-top": lambda m: m.fields.insert(0, [m.rng.choice([b"To", b"Subject", b"From"]), b" x@example.net"]),
    "field-below": lambda m: m.fields.append([m.rng.choice([b"To", b"Subject", b"X-New"]), b" x@example.net"]),
    "received-on-top": lambda m: m.fields.insert(0, [b"Received", b" from a by b; now"]),
    "lines-trimmed": lambda m: setattr(m, "body", re.sub(rb"[ \t]+\r\n", b"\r\n", m.body)),
    "lines-padded": lambda m: setattr(m, "body", m.body.replace(b"\r\n", b" \r\n", 1)),
    "end-trimmed": lambda m: setattr(m, "body", m.body.rstrip(b"\r\n") + b"\r\n"),
    "end-added": lambda m: setattr(m, "body", m.body + b"\r\n"),
    "body-changed": lambda m: setattr(m, "body", m.body.replace(b"word", b"ward", 1) if b"word" in m.body else b"y"),
    "body-added": lambda m: setattr(m, "body", m.body + b"-- \r\nlist footer\r\n"),
}


def parts(feature):
    """What of a signature a feature changes; features that share a part are not combined."""
    if feature.startswith("key-") or feature in ("i-strict", "d-top", "d-idn", "a-other-key", "no-s", "s-upper"):
        return {"key", "a", "d"} | ({"i"} if feature == "i-strict" else set())
    if feature in ("t-future", "x-before-t", "x-equals-t"):
        return {"t", "x"}
    if feature in ("twice", "tag-digit", "tag-hyphen", "tag-no-name", "tag-no-equals"):
        return {"raw"}
    if feature.startswith(("tag-", "unknown-")):
        return {"x_y"}
    return {feature.removeprefix("no-").split("-")[0]}


def combined(rng, features, n):
    """Up to n features that do not stand in each other's way."""
    chosen, taken = [], set()
    for feature in rng.sample(sorted(features), n):
        if not taken & parts(feature):
            chosen.append(feature)
            taken |= parts(feature)
    return sorted(chosen, key="spaced".__eq__)      # it writes the tags, so it goes last


def odd_message(rng, features=None):
    m = Message(rng)
    if features is None:
        features = rng.sample(sorted(MESSAGE_FEATURES), rng.choice([0, 1, 1, 2, 3]))
    for feature in features:
        MESSAGE_FEATURES[feature](m)
        m.features.add(feature)
    return m


def odd_signature(rng, m, now, features=None):
    """Signs by hand; the features go to the message."""
    s = Signature(rng, m, now)
    if features is None:
        features = combined(rng, SIGNATURE_FEATURES, rng.choice([0, 1, 1, 2]))
    elif features:
        s.ed25519 = False
        s.tags |= {"a": "rsa-sha256", "s": "rsa"}
        s.tags.pop("x", None)
    for feature in features:
        s.features.add(feature)
        SIGNATURE_FEATURES[feature](s)
    value = s.make()
    m.features |= s.features
    if s.ed25519:
        m.features.add("ed25519")
    return value


def change(rng, m, features=None):
    """Something may happen on the way, now and then."""
    if features is None:
        features = [rng.choice(sorted(CHANGES))] if rng.random() < 0.35 else []
    for feature in features:
        CHANGES[feature](m)
        m.features.add(feature)


def seen_features(m):
    """What the message shows in the end, whoever brought it about."""
    single = (b"from", b"to", b"subject", b"date", b"message-id", b"references")
    names = [name.lower() for name, _ in m.fields]
    seen = {
        "seen-cr": re.search(rb"\r(?!\n)", m.body),
        "seen-lf": re.search(rb"(?<!\r)\n", m.body),
        "seen-no-crlf": m.body and not m.body.endswith(b"\r\n"),
        "seen-blank-end": m.body.endswith((b" ", b"\t")),
        "seen-white-body": m.body and not m.body.strip(b" \t\r\n"),
        "seen-empty-lines": m.body and not m.body.strip(b"\r\n"),
        "seen-two-from": names.count(b"from") > 1,
        "seen-two-single": any(names.count(name) > 1 for name in single),
        "seen-8bit-field": any(max(value, default=0) > 127 for _, value in m.fields),
    }
    return {feature for feature, is_seen in seen.items() if is_seen}


def generator(seed):
    return random.Random(seed)
