"""traffic - mail of many kinds with what has to become of each: for the soak and the injected faults.

A Message knows what the daemon has to say of it when nothing is wrong (`judge`), and what it may say while
something is (`tolerate`): to try again, or the right answer, and nothing else."""

import base64
import random
import re
import subprocess
import time

import dkim
import nacl.signing

from milter_client import plain_header

CONFIG = """
dmarc = { on-reject = "reject"; };
"""
DMARC = {"TXT": ["v=DMARC1; p=reject"]}
NOBODY = {"TXT": ["v=spf1 -all"]}
CLIENT = {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}
TRICKLE = 0.02  # seconds between the pieces of a slow client


class Zone(dict):
    """A zone in which nNUMBER.NAME is what NAME is: every such name is asked for anew."""

    def get(self, name, default=None):
        return super().get(re.sub(r"\bn\d+\.", "", name), default)


class Message:
    """One message and its right end. accepted: False if it has to be refused with 550. words: what
    Authentication-Results has to hold. signatures: how many of ours are added. deletes: fields removed.
    end: how the client behaves: "whole", "slow", "abort" or "vanish"."""

    to = ("<b@mx.test>",)

    def __init__(self, kind, sender, header, body, accepted=True, words="", signatures=0, deletes=0, ours=False, end="whole"):
        self.kind, self.sender, self.header, self.body = kind, sender, header, body
        self.accepted, self.words, self.signatures, self.deletes = accepted, words.split(), signatures, deletes
        self.ours, self.end = ours, end

    def play(self, client, queue_id):
        """Through the connection; None if the client does not wait for an answer."""
        if self.end == "whole":
            return client.message(self.sender, self.to, header=self.header, body=self.body, queue_id=queue_id)
        reply = self.begin(client, queue_id)
        if not reply.accepted:
            if client.style.postfix:
                client.abort()
            return reply
        if self.end == "slow":
            return self.trickle(client)
        for name, value in self.header[: len(self.header) // 2 + 1]:
            client.header(name, value)
        if self.end == "abort":
            client.abort()
        else:
            client.vanish()
        return None

    def begin(self, client, queue_id):
        """Up to DATA: the first refusal, or the last answer."""
        reply = client.mail(self.sender, queue_id=queue_id)
        for path in self.to:
            reply = client.rcpt(path) if reply.accepted else reply
        return client.data() if reply.accepted else reply

    def trickle(self, client):
        for name, value in self.header:
            client.header(name, value)
            time.sleep(TRICKLE)
        client.end_of_header()
        for start in range(0, len(self.body), len(self.body) // 5 + 1):
            client.body(self.body[start : start + len(self.body) // 5 + 1])
            time.sleep(TRICKLE)
        reply = client.end_of_message()
        if client.style.postfix:
            client.abort()
        return reply

    def judge(self, reply):
        """What is wrong with the answer, or None."""
        if reply.accepted != self.accepted or (not self.accepted and reply.code != "550"):
            return f"{reply!r}: not what it should be"
        if not self.accepted:
            return None
        if self.ours:
            added = sum(1 for e in reply.edits if e[2] == "DKIM-Signature")
            return None if added == self.signatures else f"{added} signatures: {reply!r}"
        results = results_of(reply)
        missing = [word for word in self.words if not re.search(rf"\b{word}\b", results)]
        deleted = sum(1 for e in reply.edits if e[0] == "change" and not e[3])
        if missing or deleted != self.deletes:
            return f"missing {missing}, {deleted} fields deleted: {reply!r}"
        return None

    def tolerate(self, reply):
        """The same while the daemon has trouble that is not the message's fault."""
        if reply.kind == "t" or reply.code[:1] == "4":
            return None
        if reply.accepted != self.accepted or (not self.accepted and reply.code != "550"):
            return f"{reply!r}: neither right nor temporary"
        if self.ours:
            return self.judge(reply)
        if self.accepted and not re.search(r"\bdmarc=(pass|none)\b", results_of(reply)):
            return f"passed without a reason: {reply!r}"
        return None


def authenticate(client):
    """As the MTA tells of a session that has passed AUTH."""
    client.macros.update(auth_type="PLAIN", auth_authen="someone")


def results_of(reply):
    """The Authentication-Results that the daemon added."""
    return " ".join(e[3] for e in reply.edits if e[0] == "insert" and e[2] == "Authentication-Results")


class Keys:
    """A key of each type: as signers and record makers want them."""

    def __init__(self, directory):
        self.rsa = directory / "rsa.pem"
        self.ed25519 = directory / "ed25519.pem"
        for algorithm, path, more in (("RSA", self.rsa, ["-pkeyopt", "rsa_keygen_bits:2048"]), ("ED25519", self.ed25519, [])):
            subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", algorithm, *more, "-out", path], check=True)
            path.chmod(0o600)
        self.seed = nacl.signing.SigningKey(self._der(self.ed25519)[-32:])

    def signing(self, order=("rsa", "ed25519")):
        """The `signing` entry of example.test."""
        rows = ", ".join(f'{{ selector = "{name}"; file = "{getattr(self, name)}"; }}' for name in order)
        return f'signing = ( {{ domain = "example.test"; keys = ( {rows} ); }} );\n'

    def zone(self):
        rsa = base64.b64encode(self._der(self.rsa, "-pubout")).decode()
        ed25519 = base64.b64encode(bytes(self.seed.verify_key)).decode()
        records = {"rsa": f"v=DKIM1; k=rsa; p={rsa}", "ed25519": f"v=DKIM1; k=ed25519; p={ed25519}"}
        domains = ("example.test", "signed.test")
        return {f"{s}._domainkey.{d}": {"TXT": [text]} for d in domains for s, text in records.items()}

    def sign(self, domain, selector, header, body):
        """The header with a signature by dkimpy on top."""
        message = "".join(f"{n}:{v}\r\n" for n, v in header).encode() + b"\r\n" + body
        key = self.rsa.read_bytes() if selector == "rsa" else base64.b64encode(bytes(self.seed))
        algorithm = b"rsa-sha256" if selector == "rsa" else b"ed25519-sha256"
        line = dkim.sign(message, selector.encode(), domain.encode(), key, canonicalize=(b"relaxed", b"relaxed"), signature_algorithm=algorithm)
        name, _, value = line.decode().rstrip("\r\n").replace("\r\n", "\n").partition(":")
        return [(name, value)] + header

    @staticmethod
    def _der(path, *more):
        command = ["openssl", "pkey", "-in", path, "-outform", "DER", *more]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


class Traffic:
    """Makes messages. What costs much (signatures) is made once."""

    def __init__(self, directory, seed=1):
        self.keys = Keys(directory)
        self.random = random.Random(seed)
        self.number = 0
        self.zone = Zone(
            {
                "example.test": CLIENT, "_dmarc.example.test": DMARC,
                "fresh.test": CLIENT, "_dmarc.fresh.test": DMARC,
                "strict.test": NOBODY, "_dmarc.strict.test": DMARC,
                "signed.test": NOBODY, "_dmarc.signed.test": DMARC,
                "client.test": {"A": ["192.0.2.10"], "TXT": ["v=spf1 a -all"]},
                **self.keys.zone(),
            }
        )  # fmt: skip
        self.signed = {
            ("rsa", size): self._signed("rsa", size) for size in (200, 3000, 1000000)
        } | {("ed25519", 3000): self._signed("ed25519", 3000)}  # fmt: skip
        weights = {
            self.good: 6, self.verified: 6, self.verified_ed25519: 2, self.tampered: 4, self.forged: 4,
            self.forged_field: 3, self.hostile: 3, self.large: 1, self.cold: 5, self.cold_forged: 3,
            self.slow: 1, self.aborted: 1, self.vanished: 1,
        }  # fmt: skip
        self.makers, self.weights = list(weights), list(weights.values())

    def _signed(self, selector, size):
        body = b"".join(b"Line %06d of a body that was signed.\r\n" % i for i in range(size // 40 + 1))
        return self.keys.sign("signed.test", selector, plain_header("a@signed.test"), body), body

    def any(self, authenticated=False):
        """authenticated: of a connection that has passed AUTH; others are strangers."""
        return self.mine() if authenticated else self.random.choices(self.makers, self.weights)[0]()

    def good(self):
        return Message("good", "<a@example.test>", plain_header(), b"Hello\r\n" * 20, words="spf=pass dmarc=pass")

    def verified(self, size=3000, selector="rsa", end="whole", kind="verified"):
        header, body = self.signed[selector, size]
        return Message(kind, "<a@signed.test>", header, body, words="spf=fail dkim=pass dmarc=pass", end=end)

    def verified_ed25519(self):
        return self.verified(selector="ed25519", kind="verified-ed25519")

    def large(self):
        return self.verified(1000000, kind="large")

    def slow(self):
        return self.verified(end="slow", kind="slow")

    def tampered(self):
        header, body = self.signed["rsa", 3000]
        at = self.random.randrange(0, len(body) - 40)
        body = body[:at] + bytes([body[at] ^ 1 or 65]) + body[at + 1 :]
        return Message("tampered", "<a@signed.test>", header, body, accepted=False)

    def forged(self):
        return Message("forged", "<a@strict.test>", plain_header("a@strict.test"), b"Hello\r\n", accepted=False)

    def forged_field(self):
        own = ("Authentication-Results", " mx.test; spf=pass; dmarc=pass header.from=example.test")
        header = [own] + plain_header() + [own]
        return Message("forged-field", "<a@example.test>", header, b"x\r\n", words="spf=pass dmarc=pass", deletes=2)

    def hostile(self):
        """Fields of noise; the author's domain asks for rejection, and nothing speaks for it."""
        header = plain_header("a@strict.test")
        for _ in range(self.random.randrange(1, 30)):
            name = self.random.choice(["DKIM-Signature", "Authentication-Results", "Received-SPF", "X", "List-Id"])
            value = bytes(self.random.choice(b'ab=;:@.<>()"\\, \t\n\r\x80\xff0v1') for _ in range(self.random.randrange(300)))
            header.insert(self.random.randrange(len(header)), (name, b" " + value))
        return Message("hostile", "<a@strict.test>", header, b"\x00\xff\r\n", accepted=False)

    def mine(self):
        header = plain_header("a@example.test")
        return Message("ours", "<a@example.test>", header, b"Ours\r\n" * 50, signatures=2, ours=True)

    def fresh(self, domain):
        self.number += 1
        return f"n{self.number}.{domain}"

    def cold(self):
        """Of a domain that was never asked for before."""
        domain = self.fresh("fresh.test")
        return Message("cold", f"<a@{domain}>", plain_header(f"a@{domain}"), b"x\r\n", words="spf=pass dmarc=pass")

    def cold_forged(self):
        domain = self.fresh("strict.test")
        return Message("cold-forged", f"<a@{domain}>", plain_header(f"a@{domain}"), b"x\r\n", accepted=False)

    def aborted(self):
        return Message("aborted", "<a@example.test>", plain_header(), b"", end="abort")

    def vanished(self):
        return Message("vanished", "<a@example.test>", plain_header(), b"", end="vanish")


def verify_ours(message, reply, zone):
    """Whether dkimpy accepts each of the signatures that the daemon made."""
    added = [f"{e[2]}:{e[3]}".replace("\n", "\r\n") for e in reply.edits if e[2] == "DKIM-Signature"]
    rest = "".join(f"{n}:{v}\r\n" for n, v in message.header).encode() + b"\r\n" + message.body

    def record(name, timeout=5):
        return zone.get(name.decode().rstrip("."), {}).get("TXT", [""])[0].encode()

    return bool(added) and all(dkim.verify((field + "\r\n").encode() + rest, dnsfunc=record) for field in added)
