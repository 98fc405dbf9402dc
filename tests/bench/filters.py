"""filters.py - the filters under measurement, each in processes of its own: the floors of floor.c, and assay.

A filter that does not start, or judges otherwise than it should, ends the program with its log."""

import pathlib
import re
import signal
import subprocess
import sys
import time

from harness import free_port

TOP = pathlib.Path(__file__).resolve().parents[2]
KEY = TOP / "tests" / "keys" / "rsa.pem"
FORGETFUL = 'max-ttl = "0s"; negative-ttl = "0s"; failure-ttl = "0s";'  # every message asks anew


class Filter:
    """A milter in a process of its own. command(listen) makes its words."""

    def __init__(self, directory, name, command, tcp=False):
        self.address = str(free_port()) if tcp else str(directory / f"{name}.sock")
        listen = f"inet:{self.address}@127.0.0.1" if tcp else f"unix:{self.address}"
        self.log = directory / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command(listen), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.clock = (~self.process.pid << 3) | 2  # the CPU clock of another process: clock_getcpuclockid(3)

    def cpu(self):
        return time.clock_gettime(self.clock)

    def memory_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def private_copy(directory):
    """assay takes no key that others can read."""
    copy = directory / "rsa.pem"
    copy.touch(0o600)
    copy.write_bytes(KEY.read_bytes())
    return copy


def assay_command(directory, program, dns, name, key, cache=""):
    def command(listen):
        signing = ",\n".join(
            f'{{ domain = "sender{i}.test"; keys = ( {{ selector = "s2026"; file = "{key}"; }} ); }}' for i in range(40)
        )
        config = directory / f"{name}.conf"
        config.write_text(
            f'listen = "{listen}";\nauthserv-id = "mx.test";\nstate-dir = "{directory}";\n'
            "limits = { connections = 2000; };\n"
            f'dns = {{ servers = [ "{dns.servers}" ]; {cache} }};\nsigning = (\n{signing} );\n'
        )
        return [str(program), "milter", "-c", str(config), "--log", "stderr"]

    return command


def start_filters(filters, directory, build, dns, slow, against):
    floor = str(build / "tests" / "bench" / "bench_floor")
    key = str(private_copy(directory))
    commands = {
        "null": lambda listen: [floor, "null", listen],
        "floor-verify": lambda listen: [floor, "verify", listen, key],
        "floor-sign": lambda listen: [floor, "sign", listen, key],
        "assay": assay_command(directory, build / "assay", dns, "assay", key),
        "assay-tcp": assay_command(directory, build / "assay", dns, "assay-tcp", key),
        "assay-cold": assay_command(directory, build / "assay", slow, "assay-cold", key, FORGETFUL),
    }
    if against:
        commands["against"] = assay_command(directory, against, dns, "against", key)
    for name, command in commands.items():
        filters[name] = Filter(directory, name, command, tcp=name == "assay-tcp")
    time.sleep(0.5)
    for name, f in filters.items():
        if f.process.poll() is not None:
            sys.exit(f"{name} does not run:\n{f.log.read_text()}")


def check_logs(logs):
    """A benchmark of a filter that fails is none: every message passed or was signed."""
    lines = [line for log in logs for line in log.read_text().splitlines() if " origin=" in line]
    well = re.compile(r" spf=pass dkim=pass.* dmarc=pass| signed=sender")
    bad = [line for line in lines if not well.search(line)]
    if bad or not lines:
        sys.exit(f"{len(bad)} of {len(lines)} messages have other results than they should:\n" + "\n".join(bad[:3]))
