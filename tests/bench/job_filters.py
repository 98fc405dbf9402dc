"""job_filters.py - jobs of a milter beside SPF, DKIM and DMARC: greylisting, DNS lists, ARC; the peer is rspamd 3.4.

Each is played twice: "whole", with SPF, DKIM and DMARC, as mail comes in; and "alone", without these three, the least that
both take for the job itself. rspamd's milter proxy scans itself, with the modules for the job and no others, without data
for languages, and with errors alone in its log (peers.py). It finds the words of each text (ICU), and has no switch against
it: words_decay, max_word_len and a list of three top-level domains changed nothing. Its greylisting depends on a score:
here each message has it. It keeps no DNS answers: it asks the resolver, whose CPU is not counted, about each message.
The Redis of greylisting writes to no disk, and its CPU and memory count for whoever asks it. (openarc is not in
Debian 12.)

Clients are new in each round, each of a network of its own: the corpus "verify" with other addresses. SPF fails for them,
DKIM and DMARC pass."""

import contextlib
import subprocess
import time

import dkim
import peers
from corpus import KEY, SELECTOR
from jobs import SETTLE, Play, Rounds, assay, peer
from peers import RspamdJob
from rounds import Round
from special import redis_server

MESSAGES = 200
DELAY = 1  # second: the least that assay takes
OFF = 'spf = { mode = "off"; }; dkim = { mode = "off"; }; dmarc = { mode = "off"; }; reports = { record = false; };\n'
WHOLE = ("spf", "dmarc", "milter_headers")
PASSED = ("dkim=pass", "dmarc=pass")


def play(bench, f, corpus, *options, words=None):
    """words: that the header has to have in the place of what f expects."""
    kept, f.expected = f.expected, f.expected if words is None else words
    r = Round(bench, f, corpus, 8, MESSAGES, *options, settle=SETTLE)
    f.expected = kept
    return Play(r.cpu_us, r.rate, r.p50, r.p99, r.memory)


def new_clients(bench, turn):
    """The name of a corpus of clients that were never seen."""
    name = f"clients{turn}"
    folder = bench.corpora / name
    folder.mkdir(exist_ok=True)
    for n, path in enumerate(sorted((bench.corpora / "verify").iterdir())[:MESSAGES]):
        first, _, text = path.read_bytes().partition(b"\n")
        (folder / path.name).write_bytes(b" ".join([b"20.%d.%d.9" % (turn, n), *first.split(b" ")[1:]]) + b"\n" + text)
    return name


@contextlib.contextmanager
def both(bench, job, ours, theirs, expected=((), ()), beside=((), ())):
    """assay and rspamd; ours and theirs: configurations."""
    with assay(bench, f"job-{job}", ours, expected[0], beside[0]) as a, \
            peer(bench, f"job-{job}-rspamd", lambda folder, at: peers.rspamd(folder, "rspamd", at, lean=True, job=theirs),
                 expected[1], beside[1]) as r:
        for f in (a, r):  # caches and threads are warm before anything counts
            Round(bench, f, "verify", 8, MESSAGES, share=1.0)
        yield {"assay": a, "rspamd": r}


# --- Greylisting ---

GREYLIST = """redis {{ servers = "127.0.0.1:{port}"; }}
greylist {{ expire = 1d; timeout = {delay}s; greylist_min_score = -1000; }}
"""
ALWAYS = "reject = 1000; greylist = -900;"


def greylisting(bench):
    for label, off, modules, config, words in (("whole", "", WHOLE, peers.RSPAMD_VERIFY, PASSED), ("alone", OFF, (), "", ())):
        yield from greylist_rounds(bench, label, off, RspamdJob((*modules, "greylist"), config + GREYLIST), words)


def greylist_rounds(bench, label, off, job, words):
    with redis_server() as (port, server), redis_server() as (their_port, their_server):
        ours = (f'{off}greylist = {{ mode = "enforce"; delay = "{DELAY}s"; }};\nstate = [ "redis://127.0.0.1:{port}/0" ];')
        theirs = job._replace(config=job.config.format(port=their_port, delay=DELAY), actions=f"actions {{ {ALWAYS} }}")
        with both(bench, f"grey-{label}", ours, theirs, (words, words), ((server,), (their_server,))) as filters:
            rounds = Rounds(bench, *filters)
            for turn in rounds.turns:
                corpus = new_clients(bench, turn)
                for n in (port, their_port):
                    subprocess.run(["redis-cli", "-p", str(n), "flushall"], check=True, stdout=subprocess.DEVNULL)
                for part in ("first", "retry", "known"):
                    for name in rounds.order(turn):
                        first = part == "first"
                        rounds.add(f"greylisting, {label}: {part}", name, play(bench, filters[name], corpus, *(["-g"] if first else []),
                                                                           words=() if first else None))
                    if part == "first":
                        time.sleep(DELAY + 1)
    yield from rounds.found()


# --- DNS lists ---

LISTS = """dnsbl = { lists = ( { zone = "bl1.example"; kind = "client"; weight = 3; },
    { zone = "bl2.example"; kind = "client"; weight = 3; }, { zone = "allow.example"; kind = "allow"; weight = -3; } ); };
"""
RBL = "rbl {{ rbls {{ {lists} }} }}\n".format(lists=" ".join(
    f'{name} {{ symbol = "{name.upper()}"; rbl = "{name}.example"; checks = ["from"]; unknown = true; {more} }}'
    for name, more in (("bl1", ""), ("bl2", ""), ("allow", "is_whitelist = true;"))))
SHOWN = '["authentication-results", "x-spamd-result"]'  # where its lists can be seen


def lists(bench):
    """Three lists, of which one has each client."""
    for label, off, modules, config, words in (("whole", "", WHOLE, peers.RSPAMD_VERIFY, PASSED),
                                               ("alone", OFF, ("milter_headers",), "", ())):
        job = RspamdJob((*modules, "rbl"), config + RBL, SHOWN, "actions { reject = 1000; }")
        expected = ((*words, "dnsbl=3"), (*words, "BL1("))
        with both(bench, f"lists-{label}", off + LISTS, job, expected) as filters:
            rounds = Rounds(bench, *filters)
            for turn in rounds.turns:
                corpus = new_clients(bench, turn)
                for part in ("new clients", "known clients"):
                    for name in rounds.order(turn):
                        rounds.add(f"DNS lists, {label}: {part}", name, play(bench, filters[name], corpus))
        yield from rounds.found()


# --- ARC ---

SEALER = "sender0.example"
SEAL = f'arc = {{ mode = "seal"; sealing-domain = "{SEALER}"; }};'
ARC = """arc {{ sign_inbound = {seal}; selector = "{selector}"; path = "{key}"; use_esld = false; try_fallback = true; }}
"""


def sealed(bench):
    """The name of a corpus that has one ARC set in each message, made by its sender's domain."""
    folder = bench.corpora / "arc"
    if not folder.exists():
        folder.mkdir()
        for path in sorted((bench.corpora / "verify").iterdir())[:MESSAGES]:
            first, _, text = path.read_bytes().partition(b"\n")
            domain = first.split(b"@")[1].partition(b">")[0]
            text = b"Authentication-Results: mx.%s; spf=pass smtp.mailfrom=%s\r\n" % (domain, domain) + text
            fields = dkim.arc_sign(text, SELECTOR.encode(), domain, KEY.read_bytes(), b"mx." + domain)
            (folder / path.name).write_bytes(first + b"\n" + b"".join(fields) + text)
    return folder.name


def arc(bench):
    """A message with one set, read, and read and sealed."""
    corpus = sealed(bench)
    for part, ours, words in (("verify", "", ()), ("verify, seal", SEAL, ("ARC-Seal: i=2;",))):
        config = ARC.format(seal="true" if words else "false", selector=SELECTOR, key=bench.filters.key)
        job = RspamdJob((*WHOLE, "arc"), peers.RSPAMD_VERIFY + config)
        expected = (*PASSED, "arc=pass", *words)
        with both(bench, "arc-seal" if words else "arc", ours, job, (expected, expected)) as filters:
            rounds = Rounds(bench, *filters)
            for turn in rounds.turns:
                for name in rounds.order(turn):
                    rounds.add(f"ARC, whole: {part}", name, play(bench, filters[name], corpus))
        yield from rounds.found()
