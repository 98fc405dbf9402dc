"""filters.py - the filters under measurement, each in processes of its own: the floors of floor.c, assay, the peers.

A filter may be a chain of milters: a message passes one after the other, and costs the sum. A filter that does not
start, or judges otherwise than it should, ends the program with its log."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import peers
from harness import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
KEY = TOP / "tests" / "keys" / "rsa.pem"
DOMAINS = [f"sender{i}.example" for i in range(40)]
PATIENCE = 120  # seconds for a start; rspamd compiles its lists at the first
ENGINES = {  # of assay, by what stands behind its name
    "libspf2": 'spf = { engine = "libspf2"; };',
    "libopendkim": 'dkim = { engine = "libopendkim"; };',
    "libraries": 'spf = { engine = "libspf2"; }; dkim = { engine = "libopendkim"; };',
    "libmilter": 'milter-library = "libmilter";',
    "libmilter-tcp": 'milter-library = "libmilter";',
    "libmilter-sign": 'milter-library = "libmilter";',
    "sampling": "reference = { sample = 0.01; };",
}
VERIFIED = ("spf=pass", "dkim=pass", "dmarc=pass")  # what has to be in the header behind a filter
SIGNED = ("DKIM-Signature: v=1;",)


class Part:
    """One milter of a chain: a process with its children."""

    def __init__(self, words, address, log):
        self.address = address
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._wait()

    def _wait(self):
        family_of, at = (socket.AF_UNIX, self.address) if "/" in self.address else (socket.AF_INET, ("127.0.0.1", int(self.address)))
        end = time.monotonic() + PATIENCE
        while True:
            with socket.socket(family_of) as s:
                if s.connect_ex(at) == 0:
                    return
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{self.process.args} does not run:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Filter:
    """What a message is played to. parts: for each milter a function that takes the path of its socket (or a port)
    and returns its command. expected: words that have to be in the header afterwards. beside: processes that it needs,
    whose CPU and memory count as its own."""

    def __init__(self, directory, name, parts, expected, tcp=False, beside=()):
        self.name, self.expected, self.beside = name, expected, beside
        self.parts = []
        self.log = directory / f"{name}.log"
        for i, part in enumerate(parts):
            address = str(free_port("127.0.0.1")) if tcp else str(directory / f"{name}.{i}.sock")
            self.parts.append(Part(part(address), address, self.log))
        self.address = ",".join(part.address for part in self.parts)

    def pids(self):
        return family({process.pid for process in (*(part.process for part in self.parts), *self.beside)})

    def cpu(self):
        """Seconds of all its processes so far, and of those that have ended."""
        return sum(time.clock_gettime((~pid << 3) | 2) + of_ended(pid) for pid in self.pids())  # clock_getcpuclockid(3)

    def memory_mb(self):
        return sum(resident(pid) for pid in self.pids()) / 1024

    def process(self):
        return self.parts[0].process

    def stop(self):
        for part in self.parts:
            part.stop()


def of_ended(pid):
    """Seconds of the processes that this one has started and waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def resident(pid, what="VmRSS"):
    """Kilobytes now, or with VmHWM the most so far; 0: it has ended."""
    found = re.search(rf"{what}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) if found else 0


def family(pids):
    """Processes and all that come from them."""
    found, parents = set(pids), {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            pass  # it has just ended
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def listen(address):
    return f"unix:{address}" if "/" in address else f"inet:{address}@127.0.0.1"


def private_copy(directory):
    """assay takes no key that others can read."""
    copy = directory / "rsa.pem"
    if not copy.exists():
        copy.touch(0o600)
        copy.write_bytes(KEY.read_bytes())
    return copy


def assay_command(directory, program, servers, name, options):
    """options: lines of the configuration; where they have no dns group the resolver is `servers`."""
    if "dns =" not in options:
        options += f'\ndns = {{ servers = [ "{servers}" ]; }};'

    def command(address):
        key = private_copy(directory)
        signing = ",\n".join(f'{{ domain = "{d}"; keys = ( {{ selector = "s2026"; file = "{key}"; }} ); }}' for d in DOMAINS)
        config = directory / f"{name}.conf"
        config.write_text(
            f'listen = "{listen(address)}";\nauthserv-id = "mx.test";\nstate-dir = "{directory}";\n'
            "limits = { connections = 2000; };\n"
            f'{options}\nsigning = (\n{signing} );\n'
        )
        return [str(program), "milter", "-c", str(config), "--log", "stderr"]

    return command


class Filters:
    """All filters by name, each started when it is first asked for. "NAME-slow" asks the resolver that delays."""

    def __init__(self, directory, build, world, against):
        self.directory, self.world = directory, world
        self.floor = str(build / "tests" / "bench" / "bench_floor")
        self.key = private_copy(directory)
        self.programs = {"assay": build / "assay", "against": against}
        self.running = {}

    def __getitem__(self, name):
        if name not in self.running:
            self.running[name] = self.start(name)
        return self.running[name]

    def start(self, name, options=""):
        kind, slow = name.removesuffix("-slow"), name.endswith("-slow")
        if kind.startswith("floor") or kind == "null":
            work = kind.removeprefix("floor-").removesuffix("-tcp")
            floor = lambda at: [self.floor, work, listen(at), str(self.key)]  # noqa: E731
            return Filter(self.directory, name, [floor], (), tcp=kind.endswith("tcp"))
        program = self.programs.get(kind.partition("-")[0])
        if program:
            options += ENGINES.get(kind.partition("-")[2], "")
            command = assay_command(self.directory, program, f"{peers.resolver(slow)}@53", name, options)
            return Filter(self.directory, name, [command], SIGNED if "sign" in kind else VERIFIED, tcp=kind.endswith("tcp"))
        return self._peer(name, kind, slow)

    def _peer(self, name, kind, slow):
        folder, words = self.directory, self.world.slow_words if slow else list
        milters = {
            "pyspf": lambda at: words(peers.pyspf(folder, name, at)),
            "opendkim": lambda at: words(peers.opendkim(folder, name, at, slow)),
            "opendmarc": lambda at: words(peers.opendmarc(folder, name, at, "pyspf" not in kind)),
            "rspamd": lambda at: words(peers.rspamd(folder, name, at, slow)),
            "rspamd-lean": lambda at: peers.rspamd(folder, name, at, lean=True),
            "opendkim-sign": lambda at: peers.opendkim_sign(folder, name, at, self.key, DOMAINS),
            "rspamd-sign": lambda at: peers.rspamd(folder, name, at, key=self.key),
        }
        return Filter(folder, name, [milters[part] for part in kind.split("+")], SIGNED if "sign" in kind else VERIFIED)

    def stop(self, name=None):
        for one in [name] if name else list(self.running):
            if one in self.running:
                self.running.pop(one).stop()
