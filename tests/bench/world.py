"""world.py - a machine of our own for the measurement: namespaces, the peers' files, nsd and unbound.

nsd answers for the zone of the corpus, unbound resolves for the filters on FAST, as on a real machine. bench_delay
stands before it on SLOW: the same answers, after a delay that can be changed, and none for names below "silent".
Everything ends with the first process of the namespaces. Errors are exceptions."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import namespace

FAST, SLOW = "127.0.0.1", "127.0.0.2"
NSD_PORT = 5300

NSD_CONF = """server:
  ip-address: 127.0.0.1@{port}
  username: ""
  database: ""
  zonesdir: "{dir}"
  pidfile: "{dir}/nsd.pid"
  logfile: "{dir}/nsd.log"
  zonelistfile: "{dir}/zone.list"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  server-count: 1
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: "example"
  zonefile: "{zone}"
"""

UNBOUND_CONF = """server:
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/unbound.pid"
  logfile: "{dir}/unbound.log"
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  msg-cache-size: 64m
  rrset-cache-size: 128m
  so-rcvbuf: 8m
  num-queries-per-thread: 4096
  outgoing-range: 8192
  local-zone: "." static
  local-zone: "example." transparent
remote-control:
  control-enable: yes
  control-interface: "{dir}/unbound.control"
  control-use-cert: no
stub-zone:
  name: "example"
  stub-addr: 127.0.0.1@{port}
"""


def enter(program, words):
    """Runs a program again as the first process of new namespaces, which end when it does; returns its status."""
    namespaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
    child = subprocess.Popen(["unshare", *namespaces, "/usr/bin/python3", program, "--inside", *words])
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: child.kill())  # unshare itself lets them pass by
    return child.wait()


class LogSink(threading.Thread):
    """Reads /dev/log: who logs to syslog pays for it, as on a real machine."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.file = open(path, "wb", buffering=0)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind("/dev/log")

    def run(self):
        while True:
            self.file.write(self.socket.recv(65536) + b"\n")


class World:
    def __init__(self, directory, peers, zone, delay_program):
        self.dir = directory / "dns"
        self.dir.mkdir(exist_ok=True)
        namespace.mount_files(peers)
        namespace.configure_network()
        LogSink(directory / "syslog").start()
        (self.dir / "slow.conf").write_text(f"nameserver {SLOW}\noptions timeout:5 attempts:2\n")
        (self.dir / "nsd.conf").write_text(NSD_CONF.format(dir=self.dir, port=NSD_PORT, zone=zone))
        (self.dir / "unbound.conf").write_text(UNBOUND_CONF.format(dir=self.dir, port=NSD_PORT))
        namespace.command("nsd", "-c", self.dir / "nsd.conf")
        namespace.command("unbound", "-c", self.dir / "unbound.conf")
        self.delay = subprocess.Popen([delay_program, SLOW, FAST], stdin=subprocess.PIPE, text=True)
        self.set_delay(0)
        self._wait()

    def _wait(self):
        end = time.monotonic() + 30
        while subprocess.run(["drill", f"@{SLOW}", "example", "SOA"], stdout=subprocess.PIPE, text=True,
                             check=False).stdout.count("3600") == 0:
            if time.monotonic() > end:
                raise RuntimeError(f"no DNS: see {self.dir}")
            time.sleep(0.1)

    def set_delay(self, milliseconds):
        """Of each answer on SLOW from now on."""
        self.delay.stdin.write(f"{milliseconds}\n")
        self.delay.stdin.flush()

    def queries(self):
        """How many queries unbound has had."""
        words = ["unbound-control", "-c", str(self.dir / "unbound.conf"), "stats_noreset"]
        stats = namespace.command(*words)
        return int(next(line.split("=")[1] for line in stats.splitlines() if line.startswith("total.num.queries=")))

    def resolver_cpu(self):
        """Seconds of unbound so far."""
        pid = int((self.dir / "unbound.pid").read_text())
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)

    def slow_words(self, words):
        """The words of a command whose resolver is SLOW."""
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, str(self.dir / "slow.conf"), *words]
