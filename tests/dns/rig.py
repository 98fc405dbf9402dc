"""Real DNS servers on loopback for the ring, and dnsq, the program that asks through lib/dns.

Everything runs in one temporary directory and ends with Rig.close(). Signed zones and their trust
anchor are made by ldns (package ldnsutils).
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import namedtuple

os.environ["PATH"] += ":/usr/sbin:/sbin"

Answer = namedtuple("Answer", "name type status security ttl cached ms records")


def free_port():
    """A port that is free for UDP and TCP on 127.0.0.1."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


class Client:
    """dnsq: questions in, answers out, in the order in which they come."""

    def __init__(self, program, *options):
        self.process = subprocess.Popen([program, *map(str, options)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.answers = []
        self.counters = {}
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.news:
                if line.startswith("="):
                    name, value = line[1:].split()
                    self.counters[name] = int(value)
                else:
                    head, *records = line.rstrip("\n").split("|")
                    name, rtype, status, security, ttl, cached, ms = head.split()
                    self.answers.append(Answer(name, rtype, status, security, int(ttl),
                                               cached == "cached", float(ms), records))
                self.news.notify_all()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def prefetch(self, rtype, name):
        self.say(f"+{rtype} {name}")

    def look_up(self, rtype, name, patience_ms=20000):
        """Does not wait: the answer comes into self.answers."""
        self.say(f"{rtype} {name} {patience_ms}")

    def ask(self, rtype, name, patience_ms=20000):
        """The answer to one question while no other is open."""
        before = len(self.answers)
        self.look_up(rtype, name, patience_ms)
        self.wait(before + 1)
        return self.answers[before]

    def wait(self, n, seconds=40):
        with self.news:
            if not self.news.wait_for(lambda: len(self.answers) >= n, seconds):
                raise AssertionError(f"only {len(self.answers)} answers of {n} came")

    def counter(self, name):
        with self.news:
            self.counters.pop(name, None)
            self.say("=" + name)
            assert self.news.wait_for(lambda: name in self.counters, 20)
            return self.counters[name]

    def close(self):
        """Ends the input and waits for the program: its exit status, sanitizers' verdict included."""
        self.process.stdin.close()
        status = self.process.wait(60)
        self.reader.join()
        self.process.stdout.close()
        return status


class Rig:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="assay-dns-"))
        self.processes = []

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def start(self, command, log, address, port):
        """Starts a server and waits until it takes TCP connections."""
        with open(self.dir / log, "ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.dir)
        self.processes.append(process)
        for _ in range(200):
            if process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((address, port)) == 0:
                    return process
            time.sleep(0.05)
        raise RuntimeError(f"{command[0]}: {(self.dir / log).read_text()}")

    def stop(self, process, signal=15):
        process.send_signal(signal)
        process.wait(10)
        self.processes.remove(process)

    def nsd(self, zones, address="127.0.0.1", port=None):
        """An authoritative server for {zone name: file}; returns (process, port)."""
        port = port or free_port()
        name = f"nsd-{address}-{port}"
        text = (f'server:\n ip-address: {address}@{port}\n username: ""\n zonesdir: "{self.dir}"\n'
                f' database: ""\n pidfile: "{self.dir}/{name}.pid"\n xfrdir: "{self.dir}"\n'
                f' xfrdfile: "{self.dir}/{name}.xfrd"\n zonelistfile: "{self.dir}/{name}.list"\n'
                f" server-count: 1\n reuseport: no\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n")
        for zone, path in zones.items():
            text += f'zone:\n name: "{zone}"\n zonefile: "{path}"\n'
        conf = self.write(name + ".conf", text)
        return self.start(["nsd", "-d", "-c", str(conf)], name + ".log", address, port), port

    def unbound(self, stubs, anchor=None, port=None):
        """A resolver that knows {zone name: nsd's port}; it validates with an anchor."""
        port = port or free_port()
        name = f"unbound-{port}"
        text = (f'server:\n interface: 127.0.0.1@{port}\n username: ""\n chroot: ""\n directory: ""\n'
                f' pidfile: "{self.dir}/{name}.pid"\n do-daemonize: no\n use-syslog: no\n'
                f" logfile: \"\"\n do-not-query-localhost: no\n msg-cache-size: 4m\n do-ip6: no\n"
                f" rrset-cache-size: 4m\n outgoing-range: 512\n")
        if anchor:
            text += f' trust-anchor-file: "{anchor}"\n'
        else:
            text += ' module-config: "iterator"\n'
        text += "remote-control:\n control-enable: no\n"
        for zone, target in stubs.items():
            text += f'stub-zone:\n name: "{zone}"\n stub-addr: 127.0.0.1@{target}\n'
        conf = self.write(name + ".conf", text)
        return self.start(["unbound", "-d", "-c", str(conf)], name + ".log", "127.0.0.1", port), port

    def sign(self, zone, path):
        """Signs a zone file: (signed file, file with its DNSKEY, its DS record)."""
        def run(*command):
            return subprocess.run(command, cwd=self.dir, check=True, capture_output=True,
                                  text=True).stdout.strip()
        key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
        run("ldns-signzone", str(path), key)
        return f"{path}.signed", f"{self.dir}/{key}.key", run("ldns-key2ds", "-n", f"{key}.key")


def falsify(path, before, after):
    """Changes a record of a signed zone and not its signature."""
    text = pathlib.Path(path).read_text()
    changed = re.sub(re.escape(before), after, text)
    assert changed != text
    pathlib.Path(path).write_text(changed)
