#!/usr/bin/python3
"""dkim_interop TOOL DISAGREEMENTS [FRESH [SEED]] - lib/dkim beside dkimpy, Mail::DKIM and opendkim-testmsg.

Odd messages, signed by hand and by each implementation, are verified by all; 1500 with a fixed seed and FRESH (200)
with a fresh one, which is printed. Only pass and no pass are compared: the words for the latter are ours.

DISAGREEMENTS lists what we decided where others differ, a line each:

    feature  peer  our-result  pass|fail  section  words

The feature is one of dkim_messages, the section is what decides. A difference that no line explains fails, and so
does a line that explains nothing in the fixed messages. What any of them signs and nothing changes has to pass, as if
its signer verified it; such a message has the feature signed-by-assay, or signed-by-dkimpy and so on.

DKIM_INTEROP_KEEP=DIRECTORY in the environment keeps the messages over which we differ.

opendkim-testmsg needs its own resolv.conf and port 53: without root (or unshare) it stays out, which is said."""

import base64
import collections
import concurrent.futures
import itertools
import logging
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import dkim

import dkim_messages as dm

FIXED_SEED, FIXED, FRESH = 6376, 1500, 200
ALONE_TIMES = 4          # each feature is first met so often without any other
SIGNERS = ("assay", "dkimpy", "mail-dkim")
HERE = pathlib.Path(__file__).parent
# What was started in there ends with this program, however that ends.
UNSHARE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")

Case = collections.namedtuple("Case", "seed message features")
Entry = collections.namedtuple("Entry", "feature peer ours theirs section words")


class Pipe:
    """A peer that takes commands on its standard input."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, words, message):
        self.process.stdin.write(" ".join([*words, str(len(message))]).encode() + b"\n" + message)
        self.process.stdin.flush()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended with status {self.process.wait()}")
        return line.decode("utf-8", "replace").rstrip("\n")

    def verify(self, message):
        """Results from the top, each as [word, bits, testing, reason]."""
        self.ask(["verify"], message)
        results = []
        while (line := self.line()) != "end":
            results.append(line.split(" ", 3))
        return results

    def sign(self, message, *words):
        """The signature field, or None."""
        self.ask(["sign", *words], message)
        answer = self.line().split(" ", 1)
        return self.process.stdout.read(int(answer[1])) if answer[0] == "signature" else None

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Dkimpy:
    def __init__(self, records):
        self.records = records
        logging.disable(logging.CRITICAL)

    def answer(self, name, timeout=5):
        """As dkim.dnsplug asks: IDNA, and the first record."""
        name = name.decode("utf-8").rstrip(".").encode("idna").decode()
        return self.records.get(name.lower(), "").encode() or None

    def verify(self, message):
        try:
            return bool(dkim.DKIM(message).verify(dnsfunc=self.answer))
        except Exception:       # whatever it stumbles over is no pass
            return False

    @staticmethod
    def sign(message, keys, selector, canon):
        pem = keys[selector]
        algorithm = b"ed25519-sha256" if selector == "ed" else b"rsa-sha256"
        try:
            return dkim.DKIM(message).sign(selector.encode(), dm.DOMAIN.encode(), pem, algorithm,
                                           canonicalize=tuple(c.encode() for c in canon.split("/")))
        except Exception:
            return None


class Opendkim:
    """opendkim-testmsg has nothing to give the keys but DNS."""

    def __init__(self, directory, records):
        self.directory = directory
        zone = "$ORIGIN .\n$TTL 60\n@ IN SOA ns.example. root.example. 1 60 60 60 60\n@ IN NS ns.example.\n"
        for name, text in records.items():
            strings = " ".join('"' + text[i:i + 200] + '"' for i in range(0, len(text), 200))
            zone += f"{name}. IN TXT {strings}\n"
        (directory / "zone").write_text(zone)
        (directory / "nsd.conf").write_text(
            f'server:\n  ip-address: 127.0.0.1@53\n  username: ""\n  chroot: ""\n  database: ""\n'
            f'  zonesdir: "{directory}"\n  pidfile: ""\n  xfrdfile: ""\n  zonelistfile: "{directory}/zl"\n'
            f'  server-count: 1\n  hide-version: yes\nremote-control:\n  control-enable: no\n'
            f'zone:\n  name: "."\n  zonefile: "zone"\n')
        (directory / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:5\n")
        self.server = subprocess.Popen(["nsd", "-d", "-c", str(directory / "nsd.conf")],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["mount", "--bind", str(directory / "resolv.conf"), "/etc/resolv.conf"], check=True)
        self.wait()

    @staticmethod
    def wait():
        """Until the server answers a query for the SOA of the root."""
        query = b"\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            for _ in range(100):
                try:
                    s.sendto(query, ("127.0.0.1", 53))
                    s.recv(512)
                    return
                except OSError:
                    time.sleep(0.1)
        sys.exit("nsd does not answer")

    def verify(self, message):
        done = subprocess.run(["opendkim-testmsg", "-t", str(self.directory)], input=message,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def close(self):
        self.server.terminate()
        self.server.wait()


def enter_namespace():
    """Starts again in namespaces of its own, where resolv.conf and port 53 are ours; False if that cannot be."""
    if os.environ.get("DKIM_INTEROP_INSIDE") == "yes":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return True
    if os.geteuid() != 0 or subprocess.run([*UNSHARE, "true"], check=False).returncode != 0:
        return False
    os.environ["DKIM_INTEROP_INSIDE"] = "yes"
    os.execvp("unshare", [*UNSHARE, sys.executable, *sys.argv])
    return False


def write_keys(directory):
    """The private keys as files, and the same for dkimpy; the big one is made here."""
    pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + base64.b64decode(dm.ED25519_SECRET)
    ed25519 = f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(pkcs8).decode()}\n-----END PRIVATE KEY-----\n"
    big = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=big, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=True).stdout
    for name, text in (("rsa", dm.RSA_PEM.encode()), ("ed", ed25519.encode()), ("big", big)):
        (directory / name).write_bytes(text)
    keys = {"rsa": dm.RSA_PEM.encode(), "ed": dm.ED25519_SECRET.encode(), "big": big}
    return keys, base64.b64encode(public).decode()


def sign_by(signer, rng, m, tool, perl, keys):
    """The signature field that an implementation puts on the message; None if it would not sign this one."""
    canon = rng.choice(["simple", "relaxed"]) + "/" + rng.choice(["simple", "relaxed"])
    selector = rng.choice(["rsa", "big"] if signer == "mail-dkim" else ["rsa", "big", "ed"])
    if signer == "assay":
        identity = rng.choice(["-", "@example.org", "joe@example.org", "a+b@mail.example.org"])
        field = tool.sign(m.bytes(), selector, dm.DOMAIN, selector, canon, rng.choice(["0", "86400"]), identity)
    elif signer == "dkimpy":
        field = Dkimpy.sign(m.bytes(), keys, selector, canon)
    else:
        field = perl.sign(m.bytes(), selector, dm.DOMAIN, selector, canon)
    if field:
        m.features |= {"signed-by-" + signer} | ({"ed25519"} if selector == "ed" else set())
    return field


def sign_by_hand(rng, m, now, features=None):
    return b"DKIM-Signature:" + dm.odd_signature(rng, m, now, features) + b"\r\n"


def make_case(seed, plan, now, *signers):
    """A message with a signature on top, and perhaps something that happened on the way. A plan names who
    signs, and the features that it shall have."""
    rng = dm.generator(seed)
    if plan:
        signer, features = plan
        only = [[f for f in features if f in kind] for kind in KINDS]
    else:
        signer, only = rng.choices(["hand", *SIGNERS], [55, 25, 10, 10])[0], [None, None, None]
    m = dm.odd_message(rng, only[0])
    field = sign_by(signer, rng, m, *signers) if signer != "hand" else None
    if not field:
        field = sign_by_hand(rng, m, now, only[1])
    dm.change(rng, m, only[2])
    return Case(seed, field + m.bytes(), frozenset(m.features | dm.seen_features(m)))


KINDS = (dm.MESSAGE_FEATURES, dm.SIGNATURE_FEATURES, dm.CHANGES)


def plans():
    """Each feature alone, first, and what has to come in pairs."""
    return ([("hand", pair) for pair in dm.PAIRS + [(f,) for kind in KINDS for f in kind]] * ALONE_TIMES +
            [(signer, (f,)) for signer in SIGNERS for kind in (KINDS[0], KINDS[2]) for f in kind])


def read_entries(path):
    entries = []
    for line in pathlib.Path(path).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            words = line.split(None, 5)
            if len(words) < 6:
                sys.exit(f"{path}: too few columns: {line}")
            entries.append(Entry(*words))
    return entries


class Comparison:
    """What the peers say beside what we say."""

    def __init__(self, entries):
        self.entries, self.used = entries, set()
        self.counts, self.wrong = collections.Counter(), []

    def add(self, case, fixed, ours, reason, peer, theirs, what=""):
        if (ours == "pass") == theirs:
            self.counts[f"{what}{peer} agrees"] += 1
            return
        found = [e for e in self.entries if e.feature in case.features and (e.peer, e.ours) == (peer, ours)
                 and (e.theirs == "pass") == theirs]
        self.counts[f"{what}{peer} differs" + (" as listed" if found else "")] += 1
        if fixed:
            self.used.update(found)
        if not found:
            verdict = "pass" if theirs else "fail"
            self.wrong.append((case, f"assay {ours} ({reason}), {what}{peer} {verdict}: "
                               + " ".join(sorted(case.features))))

    def report(self, peers, keep):
        """Prints all; true if everything is as it should be."""
        for case, words in self.wrong:
            print(f"{case.seed}: {words}")
            if keep:
                pathlib.Path(keep, f"{case.seed}.eml").write_bytes(case.message)
        unused = [e for e in self.entries if e not in self.used and e.peer in peers]
        for e in unused:
            print(f"explains nothing: {e.feature} {e.peer} {e.ours} {e.theirs}")
        for what, n in sorted(self.counts.items()):
            print(f"{n:6} {what}")
        return not self.wrong and not unused


def verify_all(cases, tool, peers):
    """The word and reason of ours, and pass or not of each peer, for each case."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.map(peers["opendkim"], [c.message for c in cases]) if "opendkim" in peers else []
        verdicts = {peer: [verify(c.message) for c in cases] for peer, verify in peers.items() if peer != "opendkim"}
        verdicts |= {"opendkim": list(slow)} if "opendkim" in peers else {}
    for i, case in enumerate(cases):
        (ours, _, _, reason), = tool.verify(case.message)
        yield case, ours, reason, {peer: theirs[i] for peer, theirs in verdicts.items()}


def compare(directory, entries, seeds, tool_path, inside):
    now = int(time.time())
    keys, big_public = write_keys(directory)
    records = dm.zone(big_public)
    (directory / "assay.zone").write_text("".join(f'{n}. TXT "{t}"\n' for n, t in records.items()))
    (directory / "perl.zone").write_text("".join(f"{n}\t{t}\n" for n, t in records.items()))
    opendkim = Opendkim(directory, records) if inside else None
    tool = Pipe(tool_path, directory / "assay.zone", now, directory)
    perl = Pipe(HERE / "dkim_peer.pl", directory / "perl.zone", directory)
    peers = {"dkimpy": Dkimpy(records).verify, "mail-dkim": lambda m: [r[0] for r in perl.verify(m)][:1] == ["pass"]}
    peers |= {"opendkim": opendkim.verify} if opendkim else {}
    cases = [make_case(seed, plan, now, tool, perl, keys) for seed, plan in itertools.zip_longest(seeds, plans())]
    comparison = Comparison(entries)
    for i, (case, ours, reason, verdicts) in enumerate(verify_all(cases, tool, peers)):
        comparison.counts["assay " + ours] += 1
        for peer, theirs in verdicts.items():
            comparison.add(case, i < FIXED, ours, reason, peer, theirs)
        for signer in SIGNERS:
            if "signed-by-" + signer in case.features and not case.features & dm.CHANGES.keys():
                comparison.add(case, i < FIXED, ours, reason, signer, True, "unchanged, signed by ")
    if opendkim:
        opendkim.close()
    if tool.close() or perl.close():
        sys.exit("a peer did not end well")
    return comparison.report(peers, os.environ.get("DKIM_INTEROP_KEEP"))


def main():
    tool_path, list_path, *rest = sys.argv[1:]
    inside = enter_namespace()
    n_fresh = int(rest[0]) if rest else FRESH
    fresh = int(rest[1]) if rest[1:] else time.time_ns() % 2**32
    print(f"{FIXED} messages of seed {FIXED_SEED}, {n_fresh} of fresh seed {fresh}", flush=True)
    if not inside:
        print("opendkim-testmsg is left out: it needs root and namespaces")
    seeds = [f"{FIXED_SEED}.{i}" for i in range(FIXED)] + [f"{fresh}.{i}" for i in range(n_fresh)]
    with tempfile.TemporaryDirectory() as directory:
        return 0 if compare(pathlib.Path(directory), read_entries(list_path), seeds, tool_path, inside) else 1


if __name__ == "__main__":
    sys.exit(main())
