#!/usr/bin/python3
"""arc_interop TOOL - lib/arc beside dkimpy and Mail::DKIM.

A message passes three hops, each of which seals it: every order of the three implementations; and a list on the way, which
changes Subject and body behind the first hop, or the second, or is not there, in turn. All three have to say pass, after each hop.
Then what passed is damaged in every shape of DAMAGES, and they are asked again: where a peer says something else than we
do, DISAGREEMENTS has to say why, by section; one that explains nothing fails, too."""

import base64
import collections
import itertools
import logging
import pathlib
import subprocess
import sys
import tempfile
import time

import dkim

HERE = pathlib.Path(__file__).parent
KEYS = HERE.parent / "keys"
SEALERS = ("assay", "dkimpy", "mail-dkim")
FIELDS = (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")

# (damage, peer): what decides
DISAGREEMENTS = {
    ("upside down", "dkimpy"):
        "RFC 8617 5.1.1: seals cover the sets in the order of their instances, wherever the fields stand; 4.1.2 and "
        "RFC 6376 5.4.2: no field that is signed stands twice here",
}


class Pipe:
    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, message, *words):
        self.process.stdin.write(" ".join([*words, str(len(message))]).encode() + b"\n" + message)
        self.process.stdin.flush()
        return self.process.stdout.readline().decode("utf-8", "replace").strip()

    def verify(self, message):
        return self.ask(message, "arc-verify")

    def seal(self, message, domain, cv):
        answer = self.ask(message, "arc-seal", "rsa.pem", domain, "s", cv).split(" ", 1)
        if answer[0] != "sealed":
            raise RuntimeError(f"{self.process.args[0]}: {answer}")
        return self.process.stdout.read(int(answer[1]))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Dkimpy:
    def __init__(self, records, pem):
        self.records, self.pem = records, pem
        logging.disable(logging.CRITICAL)

    def answer(self, name, timeout=5):
        return self.records.get(name.decode().rstrip(".").lower(), "").encode() or None

    def verify(self, message):
        try:
            cv, _, reason = dkim.arc_verify(message, dnsfunc=self.answer)
        except Exception as e:
            return f"died 0 {e}"
        return f"{cv.decode() if cv else 'fail'} 0 {reason}"

    def seal(self, message, domain, cv):
        return b"".join(dkim.arc_sign(message, b"s", domain.encode(), self.pem, domain.encode()))

    def close(self):
        pass


def header_of(message):
    """The fields, each with its folds, and the body."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = []
    for line in head.split(b"\r\n"):
        if line[:1] in b" \t" and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    return fields, body


def build(fields, body):
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def with_results(message, domain, cv):
    """Each hop writes down what it found, in a field of its own on top; that of the hop before is gone."""
    fields, body = header_of(message)
    fields = [f for f in fields if not f.lower().startswith(b"authentication-results:")]
    own = f"Authentication-Results: {domain}; dmarc=pass header.from=author.example; arc={cv}"
    return build([own.encode(), *fields], body)


def through_list(message):
    fields, body = header_of(message)
    fields = [b"Subject: [list]" + f[8:] if f.startswith(b"Subject:") else f for f in fields]
    return build(fields, body + b"-- \r\na list, with a footer\r\n")


def is_field(field, kind, instance):
    name, _, value = field.partition(b":")
    return name == kind and b"i=%d;" % instance in value.replace(b" ", b"")


def without(kind, instance):
    return lambda fields: [f for f in fields if not is_field(f, kind, instance)]


def doubled(kind, instance):
    return lambda fields: [f for f in fields if is_field(f, kind, instance)] + fields


def replaced(kind, instance, old, new):
    def change(fields):
        return [f.replace(old, new, 1) if is_field(f, kind, instance) else f for f in fields]
    return change


SEAL, MESSAGE, RESULTS = FIELDS
DAMAGES = {
    **{f"no {kind.decode()} of {i}": without(kind, i) for kind in FIELDS for i in (1, 2, 3)},
    **{f"two {kind.decode()} of {i}": doubled(kind, i) for kind in FIELDS for i in (1, 3)},
    "upside down": lambda fields: fields[::-1],
    "cv=fail in the newest": replaced(SEAL, 3, b"cv=pass", b"cv=fail"),
    "cv=none in the second": replaced(SEAL, 2, b"cv=pass", b"cv=none"),
    "cv=pass in the first": replaced(SEAL, 1, b"cv=none", b"cv=pass"),
    "h= in a seal": replaced(SEAL, 3, b"cv=pass", b"h=from; cv=pass"),
    "results of 1 changed": replaced(RESULTS, 1, b"dmarc=pass", b"dmarc=fail"),
    "results of 3 changed": replaced(RESULTS, 3, b"dmarc=pass", b"dmarc=fail"),
    "white space in results of 2": replaced(RESULTS, 2, b"dmarc=pass", b"  dmarc=pass  "),
    "unknown key": replaced(SEAL, 2, b"s=s;", b"s=absent;"),
    "revoked key": replaced(SEAL, 3, b"s=s;", b"s=gone;"),
    "older message signature broken": replaced(MESSAGE, 1, b"bh=", b"bh=AAAA"),
    "From changed": lambda fields: [f.replace(b"ann@", b"eve@") if f.startswith(b"From:") else f for f in fields],
    "To added": lambda fields: [b"X-New: field", *fields],
    "no set": lambda fields: [f for f in fields if not f.startswith(FIELDS)],
}

ORIGINAL = (b"Received: from a by b; Fri, 20 Nov 2026 12:00:00 +0000\r\n"
            b"From: Ann <ann@author.example>\r\nTo: bob@list.example\r\nSubject: what is on the table\r\n"
            b"Date: Fri, 20 Nov 2026 11:59:57 +0000\r\nMessage-ID: <1@author.example>\r\n"
            b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello  there \r\n\r\nand more\r\n\r\n")


def play(peers, order, changed_behind, failures):
    """The message behind the third hop."""
    message, told = ORIGINAL, 0
    for hop, sealer in enumerate(order):
        if hop == changed_behind:
            message = through_list(message)
        domain, cv = f"hop{hop + 1}.example", "pass" if hop else "none"
        message = with_results(message, domain, cv)
        message = peers[sealer].seal(message, domain, cv) + message
        for name, peer in peers.items():
            said = peer.verify(message)
            told += 1
            if not said.startswith("pass"):
                failures.append(f"{'-'.join(order[:hop + 1])}, changed behind {changed_behind}: {name} says {said}")
    return message, told


def compare(peers, message, what, used, failures):
    """What the peers say of a damaged chain, where it is not what we say."""
    ours = peers["assay"].verify(message)
    for name in SEALERS[1:]:
        theirs = peers[name].verify(message)
        if (ours.split()[0] == "pass") == (theirs.split()[0] == "pass"):
            continue
        key = (what, name)
        if key in DISAGREEMENTS:
            used.add(key)
        else:
            failures.append(f"{what}: assay says {ours}; {name}: {theirs}")


def main():
    tool = sys.argv[1]
    failures, used, told = [], set(), 0
    with tempfile.TemporaryDirectory() as d:
        directory = pathlib.Path(d)
        pem = (KEYS / "rsa.pem").read_bytes()
        (directory / "rsa.pem").write_bytes(pem)
        public = subprocess.run(["openssl", "pkey", "-in", KEYS / "rsa.pem", "-pubout", "-outform", "DER"],
                                capture_output=True, check=True).stdout
        record = "v=DKIM1; p=" + base64.b64encode(public).decode()
        records = {f"s._domainkey.hop{i}.example": record for i in (1, 2, 3)}
        records |= {f"gone._domainkey.hop{i}.example": "v=DKIM1; p=" for i in (1, 2, 3)}
        (directory / "zone").write_text("".join(f'{n}. TXT "{t}"\n' for n, t in records.items()))
        (directory / "records").write_text("".join(f"{n}\t{t}\n" for n, t in records.items()))
        peers = {
            "assay": Pipe(tool, directory / "zone", int(time.time()), directory),
            "dkimpy": Dkimpy(records, pem),
            "mail-dkim": Pipe("perl", HERE / "dkim_peer.pl", directory / "records", directory),
        }
        for order, changed_behind in zip(itertools.product(SEALERS, repeat=3), itertools.cycle((1, 2, None, 2, 1))):
            message, n = play(peers, order, changed_behind, failures)
            told += n
        for order in (("assay",) * 3, SEALERS):
            message, _ = play(peers, order, 1, failures)
            fields, body = header_of(message)
            for what, damage in DAMAGES.items():
                compare(peers, build(damage(fields), body), what, used, failures)
            compare(peers, build(fields, body + b"more\r\n"), "body changed", used, failures)
        for peer in peers.values():
            peer.close()
    failures += [f"explains nothing: {key}" for key in DISAGREEMENTS.keys() - used]
    for count, line in sorted(((n, f) for f, n in collections.Counter(failures).items()), reverse=True):
        print(line, f"({count} times)" if count > 1 else "")
    print(f"{told} verifications of whole chains, {2 * (len(DAMAGES) + 1)} damaged ones, {len(DISAGREEMENTS)} disagreements")
    sys.exit(1 if failures else 0)


main()
