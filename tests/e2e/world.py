"""world.py - the DNS and the keys of the world that the cases happen in, served by nsd and unbound.

nsd answers for the zones, unbound resolves for the mail server and assay, as on a real machine. Two zones are
broken on purpose: nothing ever answers for silent.example; servfail.example is SERVFAIL.
recv.example is ours; {none,quarantine,reject}.example publish that DMARC policy; evil.example is an attacker
with SPF, DKIM and DMARC in order."""

import base64
import ipaddress
import os
import pathlib
import re
import socket
import subprocess
import time

from namespace import BAD4, FILTER, GOOD4, GOOD6, MX4, MX6, USER, WORK, command
from shipped import readme_commands

DNS = WORK / "dns"
KEYS = pathlib.Path("/etc/assay/keys")
SENDER_KEY = WORK / "sender.pem"  # selector s1 of every sender's domain
OUR_SELECTORS = ["s2026-rsa", "s2026-ed25519"]  # as the README has them
NSD_PORT = 5300
SILENT_PORT = 5399


def record_of(key):
    words = ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"]
    der = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def senders_record():
    return record_of(SENDER_KEY)


def make_keys(assay):
    """Our keys, made by the commands of the README; and one for all who send to us."""
    command("openssl", "genrsa", "-out", SENDER_KEY, "2048")
    programs = f"{assay.parent}:{os.environ['PATH']}"
    command("install", "-d", "-o", "root", "-g", "assay", "-m", "0750", KEYS)  # as the package does
    for line in readme_commands("Make keys"):
        command("sh", "-ec", line.replace("example.org", "recv.example"), env={**os.environ, "PATH": programs})


TLS = WORK / "tls"


def make_certificates():
    """A server's certificate and one of a laptop by our CA, and laptops of CAs that nobody trusts."""
    TLS.mkdir()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name, subject in (("ca", "/CN=Our CA"), ("other", "/CN=Our CA"), ("self", "/CN=laptop")):
        files = ["-keyout", TLS / f"{name}.key", "-out", TLS / f"{name}.pem"]
        command("openssl", "req", "-x509", *key, *files, "-days", "9", "-subj", subject)
    for name, subject, ca in (("mx", "/CN=mx.recv.example", "ca"), ("good", "/CN=laptop", "ca"), ("bad", "/CN=laptop", "other")):
        request, files = TLS / f"{name}.csr", ["-CA", TLS / f"{ca}.pem", "-CAkey", TLS / f"{ca}.key", "-CAcreateserial"]
        command("openssl", "req", *key, "-keyout", TLS / f"{name}.key", "-out", request, "-subj", subject)
        command("openssl", "x509", "-req", "-in", request, *files, "-days", "9", "-out", TLS / f"{name}.pem")


class Zones:
    """The zones as a dictionary: name without the last dot -> list of (type, data)."""

    def __init__(self):
        self.names = {}
        self.tops = []
        self.files = []

    def add(self, name, kind, data):
        self.names.setdefault(name, []).append((kind, data))

    def top(self, name):
        self.tops.append(name)
        self.add(name, "SOA", f"ns.{name}. root.{name}. 1 3600 600 86400 60")
        self.add(name, "NS", f"ns.{name}.")
        self.add(f"ns.{name}", "A", "127.0.0.1")

    def sender(self, name, policy=None, address4=GOOD4, address6=GOOD6):
        self.top(name)
        self.add(name, "MX", f"10 mx.{name}.")
        self.add(f"mx.{name}", "A", address4)
        self.add(name, "TXT", f"v=spf1 ip4:{address4} ip6:{address6} -all")
        self.add(f"s1._domainkey.{name}", "TXT", senders_record())
        if policy:
            self.add(f"_dmarc.{name}", "TXT", f"v=DMARC1; p={policy}; rua=mailto:reports@{name}")

    def add_file(self, path):
        """A file with the lines of one TXT record, as assay dkim keygen writes it."""
        text = path.read_text()
        self.files.append(text)
        self.names[text.split()[0].rstrip(".")] = [("in a file", "".join(re.findall(r'"([^"]*)"', text)))]

    def txt(self, name):
        """What dkimpy asks for."""
        wanted = name.decode() if isinstance(name, bytes) else name
        for kind, data in self.names.get(wanted.rstrip(".").lower(), []):
            if kind in ("TXT", "in a file"):
                return data.encode()
        return None

    def text(self, top):
        lines = ["$TTL 300"]
        for name, records in self.names.items():
            if name == top or name.endswith("." + top):
                lines += [f"{name}. IN {kind} {rdata(kind, data)}" for kind, data in records if kind != "in a file"]
        lines += [text for text in self.files if text.split()[0].endswith(f".{top}.")]
        return "\n".join(lines) + "\n"


def rdata(kind, data):
    if kind != "TXT":
        return data
    return " ".join(f'"{data[i : i + 250]}"' for i in range(0, len(data), 250))


REVERSE6 = ipaddress.ip_address(MX6).reverse_pointer


def make_zones():
    zones = Zones()
    zones.top("recv.example")
    zones.add("recv.example", "MX", "10 mx.recv.example.")
    zones.add("mx.recv.example", "A", MX4)
    zones.add("mx.recv.example", "AAAA", MX6)
    zones.add("recv.example", "TXT", f"v=spf1 ip4:{MX4} ip6:{MX6} -all")
    zones.add("_dmarc.recv.example", "TXT", "v=DMARC1; p=reject; rua=mailto:reports@recv.example")
    for selector in OUR_SELECTORS:
        zones.add_file(KEYS / f"recv.example.{selector}.txt")
    for policy in ("none", "quarantine", "reject"):
        zones.sender(f"{policy}.example", policy)
    zones.sender("nodmarc.example")
    zones.sender("reported.example")
    zones.add("_dmarc.reported.example", "TXT", "v=DMARC1; p=reject; rua=mailto:reports@next.example")
    zones.top("next.example")
    zones.add("reported.example._report._dmarc.next.example", "TXT", "v=DMARC1")
    zones.top("explained.example")
    zones.add("explained.example", "TXT", "v=spf1 -all exp=why.explained.example")
    zones.add("why.explained.example", "TXT", "100%% of the mail of %{d} comes from elsewhere, not from %{i}")
    zones.sender("evil.example", "reject", BAD4, "2001:db8::66")
    for top, name in (("2.0.192.in-addr.arpa", "25.2.0.192.in-addr.arpa"), ("8.b.d.0.1.0.0.2.ip6.arpa", REVERSE6)):
        zones.top(top)
        zones.add(name, "PTR", "mx.recv.example.")
    zones.sender("pool.example")
    zones.names["pool.example"] = [
        (kind, f"v=spf1 ip4:{GOOD4} ip6:{GOOD6} ip4:{FILTER} ip4:{USER} -all" if kind == "TXT" else data)
        for kind, data in zones.names["pool.example"]
    ]
    zones.top("null.example")
    zones.add("null.example", "MX", "0 .")
    # DNS lists, with the test points of RFC 5782.
    for name, code, addresses in (("bl.example", "127.0.0.2", [BAD4, USER]), ("allow.example", "127.0.5.2", [USER])):
        zones.top(name)
        for address in ["127.0.0.2", *addresses]:
            zones.add(".".join(reversed(address.split("."))) + f".{name}", "A", code)
    zones.top("113.0.203.in-addr.arpa")
    zones.add("10.113.0.203.in-addr.arpa", "PTR", "mx.reject.example.")
    return zones


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
remote-control:
  control-enable: no
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
  unblock-lan-zones: yes
  # There is no root here: what is not listed does not exist.
  local-zone: "." static
remote-control:
  control-enable: no
"""


def serve(zones):
    """Starts nsd, unbound and the server that never answers; returns what must stay alive for that."""
    DNS.mkdir()
    nsd, unbound = NSD_CONF.format(dir=DNS, port=NSD_PORT), UNBOUND_CONF.format(dir=DNS)
    upstream = {name: NSD_PORT for name in zones.tops}
    upstream |= {"servfail.example": NSD_PORT, "silent.example": SILENT_PORT}
    for name in zones.tops:
        (DNS / f"{name}.zone").write_text(zones.text(name))
        nsd += f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n'
    local = "".join(f'  local-zone: "{name}." transparent\n' for name in upstream)
    unbound = unbound.replace("remote-control:", local + "remote-control:")
    for name, port in upstream.items():
        unbound += f'stub-zone:\n  name: "{name}"\n  stub-addr: 127.0.0.1@{port}\n'
    (DNS / "nsd.conf").write_text(nsd)
    (DNS / "unbound.conf").write_text(unbound)
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", SILENT_PORT))
    command("nsd", "-c", DNS / "nsd.conf")
    command("unbound", "-c", DNS / "unbound.conf")
    wait_for_port("127.0.0.1", 53)
    return silent


def wait_for_port(host, port, seconds=20):
    """Until a TCP server listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise RuntimeError(f"nobody listens on {host} port {port} after {seconds} s") from error
            time.sleep(0.05)
