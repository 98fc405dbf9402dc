"""job_servers.py - jobs whose doors are no milter: greylisting for Postfix's check_policy_service, and SRS.

postgrey    Its lists of exceptions are empty (those of Debian are many regular expressions for each request), and it
            logs no decisions (--quiet). With --auto-whitelist-clients=1, in the place of 5, a client is known after its
            first mail: that is dearer at the retry (646 us and 369) and cheaper for all later mail (75 us and 208) than
            no such list, and most mail is later mail.
postsrsd    1.10, which Debian has: one process for each connection, two ports of tcp_table(5). It has no switch for its
            log: a line for each address. (2.x, which has a socketmap, is not in Debian 12.)

assay has its state in SQLite, and no log lines either. For greylisting it is asked for this check alone; it evaluates
SPF for it, of a domain that has none: such a domain is looked up once, and then cached."""

import base64
import contextlib
import hmac
import time

from harness import free_port
from jobs import Asked, Rounds, assay, peer, requests_file, wait_for

REQUESTS = 1000
ADDRESSES = 10000
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
DELAY = 1  # second: the least that assay takes
SECRET = "a secret of the benchmark\n"


def policy_request(n, turn):
    """A triplet of its own; networks that no list of assay's exempts."""
    net = n + REQUESTS * turn
    return (f"request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nhelo_name=h{n}.example\nqueue_id=\n"
            f"sender=a{n}@nospf{n % 50}.example\nrecipient=b{n % 300}@recv.example\nrecipient_count=0\n"
            f"client_address={20 + (net >> 16)}.{net >> 8 & 255}.{net & 255}.9\nclient_name=unknown\n"
            f"reverse_client_name=unknown\ninstance={turn}.{n}.{time.monotonic_ns()}\nsasl_method=\n"
            "sasl_username=\nsasl_sender=\nsize=4711\n\n")


@contextlib.contextmanager
def assay_policy(bench):
    path = bench.filters.directory / "job-policy" / "door"
    options = (f'policy-service = {{ listen = "unix:{path}"; checks = [ "greylist" ]; }};\n'
               f'greylist = {{ mode = "enforce"; delay = "{DELAY}s"; }};')
    with assay(bench, "job-policy", options) as f:
        wait_for(f, path)
        yield Asked(bench, f, "policy", path)


@contextlib.contextmanager
def postgrey(bench):
    def command(folder, at):
        return ["postgrey", f"--unix={at}", f"--dbdir={folder}", f"--delay={DELAY}", "--user=root", "--group=root",
                "--quiet", "--auto-whitelist-clients=1", "--whitelist-clients=/dev/null", "--whitelist-recipients=/dev/null"]

    with peer(bench, "job-postgrey", command) as f:
        yield Asked(bench, f, "policy", f.address)


def policy(bench):
    with assay_policy(bench) as ours, postgrey(bench) as theirs:
        servers = {"assay": (ours, "Greylisted"), "postgrey": (theirs, "DEFER_IF_PERMIT")}
        rounds = Rounds(bench, *servers)
        for turn in rounds.turns:
            for part in ("first", "retry", "known"):
                path = requests_file(bench.corpora / "policy", [policy_request(n, turn) for n in range(REQUESTS)])
                for name in rounds.order(turn):
                    server, first = servers[name]
                    passed = "PREPEND" if part == "retry" and name == "postgrey" else "DUNNO"
                    rounds.add(f"greylisting, policy: {part}", name, server.play(path, first if part == "first" else passed))
                if part == "first":
                    time.sleep(DELAY + 1)
    return rounds.found()


# --- SRS ---


@contextlib.contextmanager
def assay_srs(bench):
    folder = bench.filters.directory / "job-srs"
    path, secrets = folder / "door", bench.corpora / "srs-secret"
    secrets.touch(0o600)
    secrets.write_text(SECRET)
    options = (f'srs = {{ listen = "unix:{path}"; domain = "srs.example"; secrets = "{secrets}"; hash-length = 4; '
               'local-domains = [ "recv.example" ]; };')
    with assay(bench, "job-srs", options) as f:
        wait_for(f, path)
        yield {part: Asked(bench, f, "netstring", path) for part in ("forward", "reverse")}


@contextlib.contextmanager
def postsrsd(bench):
    reverse = free_port("127.0.0.1")

    def command(_, at):
        return ["postsrsd", "-4", "-dsrs.example", f"-s{bench.corpora / 'srs-secret'}", f"-f{at}", f"-r{reverse}", "-Xrecv.example"]

    with peer(bench, "job-postsrsd", command, tcp=True) as f:
        yield {"forward": Asked(bench, f, "line", f.address), "reverse": Asked(bench, f, "line", reverse)}


def srs_address(sender):
    """What both make of it: a hash over the day (two digits of base 32), the host and the user, in small letters."""
    user, _, host = sender.partition("@")
    day = int(time.time() // 86400) % 1024
    stamp = BASE32[day >> 5] + BASE32[day & 31]
    digest = hmac.new(SECRET.strip().encode(), f"{stamp}{host}{user}".lower().encode(), "sha1").digest()
    return f"SRS0={base64.b64encode(digest).decode()[:4]}={stamp}={host}={user}@srs.example"


def netstring(text):
    return f"{len(text)}:{text},"


def srs(bench):
    with assay_srs(bench) as ours, postsrsd(bench) as theirs:
        servers = {"assay": ours, "postsrsd": theirs}
        rounds = Rounds(bench, *servers)
        for turn in rounds.turns:
            senders = [f"user{turn}.{n}@sender{n % 500}.example" for n in range(ADDRESSES)]
            for part, keys, words in (("forward", senders, "SRS0="), ("reverse", [*map(srs_address, senders)], "@sender")):
                for name in rounds.order(turn):
                    texts = [netstring(f"{part} {key}") if name == "assay" else f"get {key}\n" for key in keys]
                    path = requests_file(bench.corpora / "srs", texts)
                    rounds.add(f"SRS: {part}", name, servers[name][part].play(path, words))
    return rounds.found()
