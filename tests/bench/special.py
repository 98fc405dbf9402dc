"""special.py - what the table of costs does not show: floods, reloads, silent name servers, memory, the tail.

Each function plays one thing - to those of its filters that were asked for - and yields lines (what, figures). A filter here is new (but for the tail's), and stopped afterwards. As in
rounds.py a play that does not end as it should ends the program."""

import concurrent.futures
import contextlib
import signal
import socket
import statistics
import subprocess
import sys
import time

from alone import ALONE
from harness import free_port
from rounds import Round
from stores import STORES
from trials import PEERS

GATE_OFF = 'arc = { mode = "off"; }; reports = { record = false; };'
GATE_ON = """client = { iprev = "check"; }; sender = { mode = "enforce"; }; greylist = { mode = "shadow"; };
dnsbl = { lists = ( { zone = "bl1.example"; kind = "client"; weight = 3; }, { zone = "bl2.example"; kind = "client"; weight = 3; },
                    { zone = "allow.example"; kind = "allow"; weight = -3; } ); };
"""
CLIENTS = 16000
SENDERS = (100, 1000, 10000, 100000)
SILENT_CONNECTIONS = 400  # with a deadline of two seconds: 200 new silent names in a second
SILENT_OPTIONS = 'dns = { servers = [ "127.0.0.2@53" ]; deadline = "2s"; };'
REFUSING = 'spf = { on-fail = "reject"; reject-at = "mail"; };'
SIZES = ((0, 8192, "below 8 KB"), (8192, 65536, "8 to 64 KB"), (65536, 1 << 30, "above 64 KB"))


@contextlib.contextmanager
def started(bench, name, options=""):
    bench.filters.stop(name)
    f = bench.filters.start(name, options)
    try:
        yield f
    finally:
        f.stop()


@contextlib.contextmanager
def beside(words):
    """A load generator that plays while something else is measured."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def result(process, f):
    """messages, seconds, p50, p99, well of a load generator that has to end well."""
    out = process.communicate()[0]
    if process.returncode:
        sys.exit(f"{f.name}: the load generator failed: see {f.log}")
    return [float(word) for word in out.split()]


def times(played):
    return f"p50 {played.p50:.1f} ms, p99 {played.p99:.1f} ms"


def flood(bench, _):
    """Mail from ever new domains, each refused at MAIL."""
    with started(bench, "assay-refusing", REFUSING) as f:
        f.expected = ()
        Round(bench, f, "flood", 8, 200, "-r", "-u", "0")
        before = f.memory_mb()
        count = int(40000 * bench.share)
        r = Round(bench, f, "flood", 8, count, "-r", "-u", "1000")
        yield "refused at MAIL", (f"{r.cpu_us:.0f} us, {r.rate:.0f} msg/s, {r.queries:.1f} queries of each; memory "
                                  f"{before:.0f} to {r.memory:.0f} MB after {count}")


def reload(bench, _):
    """SIGHUP after SIGHUP under load: is a message lost, and who waits?"""
    with started(bench, "assay-reloading") as f:
        Round(bench, f, "verify", 8, 400)
        calm = Round(bench, f, "verify", 8, 4000)
        count, hups = int(20000 * bench.share), 0
        with beside(bench.words(f, "verify", 8, count)) as load:
            while load.poll() is None:
                f.process().send_signal(signal.SIGHUP)
                hups += 1
                time.sleep(0.2)
            _, _, p50, p99, well = result(load, f)
        yield "reload under load", (f"{hups} reloads, {count - well:.0f} of {count} messages lost; p50 {p50:.1f} ms, "
                                    f"p99 {p99:.1f} ms; without reloads {times(calm)}")


def silent(bench, names):
    """Good mail beside mail from domains whose name servers never answer."""
    for name in (n for n in ("assay", "opendkim+opendmarc", "rspamd") if n in names):
        bench.world.set_delay(0)
        with started(bench, f"{name}-slow", SILENT_OPTIONS) as f:
            Round(bench, f, "verify", 8, 400)
            calm = Round(bench, f, "verify", 8, 2000)
            expected, f.expected = f.expected, ()
            words = bench.words(f, "silent", SILENT_CONNECTIONS, 10**6, "-u", "0")
            f.expected = expected
            with beside(words):
                time.sleep(3)
                good = Round(bench, f, "verify", 8, 2000)
            yield "silent domains", f"{name}: good mail {times(good)}; alone {times(calm)}"


def tail(bench, names):
    """The times of a mixed load by size of the message."""
    for name in ("floor-verify", *(n for n in ("assay", *PEERS) if n in names)):
        f, path = bench.filters[name], bench.corpora / "times"
        Round(bench, f, "verify", 8, 4000 if name == "assay" else 2000, "-t", str(path))
        lines = [line.split() for line in path.read_text().splitlines()]
        found = []
        for low, high, label in SIZES:
            ms = sorted(float(took) for size, took in lines if low <= int(size) < high)
            found.append(f"{label} {statistics.median(ms):.1f} / {ms[len(ms) * 99 // 100]:.1f} ms")
        yield "p50 / p99 by size", f"{name}: {', '.join(found)}"


def full_caches(bench, _):
    """Resident memory with a thousand connections when the cache has long been full."""
    with started(bench, "assay") as f:
        for turn in range(3):
            Round(bench, f, f"cold{turn}", 8, 200)
        f.expected = ()
        count = int(100000 * bench.share)
        Round(bench, f, "flood", 1000, count, "-u", "0", share=0.2)  # the resolver does not answer all in time
        yield "full caches", f"{f.memory_mb():.0f} MB with 1000 connections and after {count} senders"


def senders(bench, _):
    """Queries of a message when the k-th sender of so many sends 1/k times as often as the first, behind as many messages
    again; and resident memory then."""
    with started(bench, "assay") as f:
        f.expected = ()
        cpu = bench.world.resolver_cpu()
        new = Round(bench, f, "flood", 8, 2000, "-u", "10000000").queries
        cost = (bench.world.resolver_cpu() - cpu) / (2000 * new) * 1e6
        yield "resolver", f"{cost:.0f} us of unbound's CPU for each query that it has to pass on"
    for count in SENDERS:
        with started(bench, "assay") as f:
            f.expected = ()
            messages = int(30000 * bench.share)
            play = [Round(bench, f, "flood", 8, messages, "-u", str(turn * messages), "-z", str(count)) for turn in range(2)][1]
            yield "senders", (f"{count}: {play.queries:.3f} queries for a message, {new:.1f} if all were new: "
                              f"{100 - 100 * play.queries / new:.1f} % cached; {play.memory:.0f} MB")


def gate(bench, _):
    """All that design asks to be on, beside the same with all of it off, in the same rounds. Greylisting in shadow: it
    asks and records, and refuses no message of the corpus."""
    with started(bench, "assay-off", GATE_OFF) as off, started(bench, "assay-gate", GATE_ON) as on:
        rounds = []
        for f in (off, on):
            Round(bench, f, "verify", 8, 400)
        for _ in range(bench.rounds):
            rounds.append([Round(bench, f, "verify", 8, int(2000 * bench.share)) for f in (off, on)])
        cost = [statistics.median(pair[i].cpu_us for pair in rounds) for i in (0, 1)]
        p50 = [statistics.median(pair[i].p50 for pair in rounds) for i in (0, 1)]
        ratio = statistics.median(pair[1].cpu_us / pair[0].cpu_us for pair in rounds)
        yield "gate", (f"{cost[1]:.0f} us with three lists, iprev, sender, greylisting, ARC and rows, {cost[0]:.0f} without: "
                       f"{ratio:.2f} times; p50 {p50[1]:.2f} and {p50[0]:.2f} ms")


def policy_requests(number, first):
    """Each from another network, and of a sender without SPF."""
    for n in range(first, first + number):
        yield (f"request=smtpd_access_policy\nprotocol_state=RCPT\ninstance={n}\nsender=a@flood{n % 50}.example\n"
               f"recipient=b@recv.example\nhelo_name=h.example\nclient_address=100.{n >> 8}.{n & 255}.1\n\n").encode()


def ask_all(port, requests):
    """Pipelined, a hundred at a time; the answers."""
    answers, kept = [], b""
    with socket.create_connection(("127.0.0.1", port)) as s:
        for at in range(0, len(requests), 100):
            s.sendall(b"".join(requests[at : at + 100]))
            while len(answers) < min(at + 100, len(requests)):
                kept += s.recv(1 << 16)
                *whole, kept = kept.split(b"\n\n")
                answers += whole
    return answers


def new_clients(bench, _):
    """16,000 clients of networks that were never seen, over eight connections of the policy service."""
    port = free_port("127.0.0.1")
    options = GATE_ON.replace("shadow", "enforce") + f'policy-service = {{ listen = "inet:{port}@127.0.0.1"; }};'
    with started(bench, "assay-new", options) as f:
        shares = [list(policy_requests(CLIENTS // 8, turn * CLIENTS // 8)) for turn in range(8)]
        cpu, began = f.cpu(), time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = sum(pool.map(lambda share: ask_all(port, share), shares), [])
        took, spent = time.monotonic() - began, (f.cpu() - cpu) / CLIENTS * 1e6
        greylisted = sum(b"451 4.7.1 Greylisted" in answer for answer in answers)
        yield "new clients", (f"{greylisted} of {CLIENTS} greylisted, {CLIENTS / took:.0f} a second, {spent:.0f} us each; "
                              f"{f.memory_mb():.0f} MB")


@contextlib.contextmanager
def redis_server():
    port = free_port("127.0.0.1")
    process = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
                               stdout=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield port, process
    finally:
        process.kill()
        process.wait()


def cpu_of(process):
    return time.clock_gettime((~process.pid << 3) | 2)  # clock_getcpuclockid(3)


def redis(bench, _):
    """Greylisting in a Redis on loopback: what it adds to a message; and when the server is stopped in the middle."""
    asks = 'greylist = { mode = "shadow"; };\n'
    with redis_server() as (port, server), started(bench, "assay-off", GATE_OFF) as off, \
            started(bench, "assay-redis", f'{GATE_OFF}\n{asks}state = [ "redis://127.0.0.1:{port}/0" ];') as on:
        for f in (off, on):
            Round(bench, f, "verify", 8, 400)
        cpu, messages = cpu_of(server), int(1000 * bench.share)
        pairs = [[Round(bench, f, "verify", 8, messages).p50 for f in (off, on)] for _ in range(bench.rounds)]
        added = statistics.median(y - x for x, y in pairs)
        cost = (cpu_of(server) - cpu) / (bench.rounds * messages) * 1e6
        server.send_signal(signal.SIGSTOP)
        first, later = (Round(bench, on, "verify", 8, 100) for _ in range(2))
        server.send_signal(signal.SIGCONT)
        yield "Redis", (f"adds {added:.2f} ms at p50, and takes {cost:.0f} us of CPU for a message; stopped: {times(first)} of the first hundred messages, {times(later)} "
                        "of the next")


SPECIALS = {"gate": gate, "Redis": redis, "new clients": new_clients, "flood": flood, "reload": reload, "silent": silent, "tail": tail, "caches": full_caches, "senders": senders, **ALONE, **STORES}
