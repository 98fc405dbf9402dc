"""mail - mail for a daemon with all stages on: that of wire/traffic.py, and what these stages are for."""

import dkim

import traffic
from milter_client import delivered, plain_header

CLIENT = "192.0.2.10"
LISTED = "203.0.113.66"
REST = 62  # seconds for which a list that gave no answers is left alone, and somewhat more
TWO = ("<b@mx.test>", "<c@mx.test>")  # with a second recipient Postfix tells the queue id before DATA
DELAY = 1  # seconds of greylisting

# What a setting needs of the machine is in braces.
CONFIG = (
    traffic.CONFIG.replace("{", "{{").replace("}", "}}")
    + """
state = "{state}";
greylist = {{ mode = "enforce"; delay = "%ds"; }};
dnsbl = {{ lists = ( {{ zone = "bl.test"; weight = 10; }} ); }};
client = {{ iprev = "check"; on-own-helo = "reject"; }};
sender = {{ mode = "enforce"; on-unknown-domain = "reject"; on-null-mx = "reject"; on-no-address = "reject"; }};
arc = {{ mode = "seal"; sealing-domain = "example.test"; trusted-sealers = [ "sealer.test" ]; }};
srs = {{ listen = "inet:{srs[1]}@{srs[0]}"; domain = "srs.example.org"; secrets = "{secrets}"; on-no-bounce = "reject"; }};
policy-service = {{ listen = "inet:{policy[1]}@{policy[0]}"; }};
control = "unix:{directory}/control";
auth-header = true;
spf = {{ check-helo = true; }};
key-check-interval = "1s"; key-retirement = "{retirement}s";
reports = {{ send = true; from = "reports@example.test"; mailer = "{mailer}"; domains = [ "example.org" ]; country-file = "/nonexistent";
            keep-rows = "36500d"; keep-failures = "36500d"; }};
""" % DELAY
)

HOST = {"A": ["203.0.113.25"]}
ZONE = {
    "10.2.0.192.in-addr.arpa": {"PTR": ["client.test"]},
    "2.0.0.127.bl.test": {"A": ["127.0.0.2"]},
    "66.113.0.203.bl.test": {"A": ["127.0.0.2"]},
    "example.test": {**HOST, **traffic.CLIENT},
    "fresh.test": {**HOST, **traffic.CLIENT},
    "strict.test": {**HOST, **traffic.NOBODY},
    "signed.test": {**HOST, **traffic.NOBODY},
    "static.test": {**HOST, **traffic.CLIENT},
    "plain.test": HOST,
    "nomail.test": {"MX": [(0, "")]},
}


class Gated(traffic.Message):
    """One that the gate refuses for what it asks DNS: without an answer nobody is refused."""

    def tolerate(self, reply):
        return None if reply.accepted else super().tolerate(reply)


class Sealed(traffic.Message):
    """One that a trusted sealer vouches for, whatever is known of its own domains."""

    def tolerate(self, reply):
        return None if reply.accepted and "arc=pass" in traffic.results_of(reply) else super().tolerate(reply)


class Mail(traffic.Traffic):
    def __init__(self, directory, seed=1):
        super().__init__(directory, seed)
        self.zone.update(ZONE)
        for name in ("rsa", "ed25519"):
            record = self.zone[f"{name}._domainkey.signed.test"]
            self.zone[f"{name}._domainkey.static.test"] = self.zone[f"{name}._domainkey.sealer.test"] = record
        self.header, self.body = self.through_a_sealer()
        self.bounces = []  # SRS addresses that were made
        more = {self.sealed: 3, self.sealed_broken: 2, self.nowhere: 2, self.no_mail: 1, self.bounce: 2}
        self.makers += more
        self.weights += more.values()

    def any(self, authenticated=False):
        message = super().any(authenticated)
        message.to = message.to if message.kind == "bounce" else TWO
        return message

    def through_a_sealer(self):
        """A message that fails DMARC, and of which a sealer that is trusted says that it passed."""
        results = [("Authentication-Results", " mx.sealer.test; dmarc=pass header.from=strict.test")]
        header, body = results + plain_header("a@strict.test"), b"Through a list\r\n" * 30
        text = "".join(f"{n}:{v}\r\n" for n, v in header).encode() + b"\r\n" + body
        lines = dkim.arc_sign(text, b"rsa", b"sealer.test", self.keys.rsa.read_bytes(), b"mx.sealer.test")
        fields = (line.decode().rstrip("\r\n").replace("\r\n", "\n").partition(":") for line in lines)
        return [(name, value) for name, _, value in fields] + header, body

    def sealed(self):
        return Sealed("sealed", "<a@strict.test>", self.header, self.body, words="spf=fail arc=pass dmarc=fail")

    def sealed_broken(self):
        return traffic.Message("sealed-broken", "<a@strict.test>", self.header, self.body + b"changed\r\n", accepted=False)

    def nowhere(self):
        domain = self.fresh("nowhere.test")
        return Gated("no-domain", f"<a@{domain}>", plain_header(f"a@{domain}"), b"x\r\n", accepted=False)

    def no_mail(self):
        return Gated("null-mx", "<a@nomail.test>", plain_header("a@nomail.test"), b"x\r\n", accepted=False)

    def bounce(self):
        """To an address that the socketmap made."""
        message = traffic.Message("bounce", "<>", plain_header("a@client.test"), b"x\r\n", words="spf=pass iprev=pass dmarc=none")
        message.to = (f"<{self.random.choice(self.bounces)}>", "<c@mx.test>") if self.bounces else TWO
        return message

    def mine(self):
        """Of a domain whose keys rotate, or whose keys are files."""
        domain = self.random.choice(("example.test", "static.test"))
        kind = "ours" if domain == "example.test" else "ours-static"
        return traffic.Message(kind, f"<a@{domain}>", plain_header(f"a@{domain}"), b"Ours\r\n" * 50, signatures=2, ours=True)

    def listed(self):
        """From a client that is on a list."""
        message = Gated("listed", "<a@plain.test>", plain_header("a@plain.test"), b"x\r\n", accepted=False)
        message.to = TWO
        return message

    def stranger(self):
        """From a network that never came before."""
        message = traffic.Message("stranger", "<a@plain.test>", plain_header("a@plain.test"), b"x\r\n", words="dmarc=none")
        message.to = TWO
        return message


def network(number):
    return f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}"


def sealed(reply):
    """How many ARC sets the daemon added."""
    return sum(1 for e in reply.edits if e[2] == "ARC-Seal")


def verify_seal(message, reply, style, zone):
    """Whether dkimpy accepts the chain that the message leaves with."""
    fields = delivered(message.header, reply.edits, style)
    text = "".join(f"{n}: {v.lstrip()}\n" for n, v in fields).replace("\n", "\r\n").encode("utf-8", "surrogateescape")

    def record(name, timeout=5):
        return (zone.get(name.decode().rstrip("."), {}).get("TXT") or [""])[0].encode()

    return dkim.arc_verify(text + b"\r\n" + message.body, dnsfunc=record)[0] == b"pass"
