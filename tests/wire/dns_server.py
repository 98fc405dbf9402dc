"""dns_server - a name server on loopback that answers from a dictionary, over UDP.

    zone = {"example.test": {"TXT": ["v=spf1 -all"], "A": ["192.0.2.1"], "MX": [(10, "mx.example.test")]}}

A name that is not in the zone does not exist, unless "*." and what follows its first label is. Instead of records a name
may have a behaviour: SILENT, SERVFAIL, or a Slow(seconds, records); "otherwise" among its records is that for types that
it has none of."""

import ipaddress
import socket
import struct
import threading

SILENT, SERVFAIL = "silent", "servfail"
TYPES = {1: "A", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
NUMBERS = {name: number for number, name in TYPES.items()}


# Of the root: without it absence may not be cached (RFC 2308 5).
def _soa(ttl):
    return b"\0" + struct.pack("!HHIH", 6, 1, ttl, 22) + b"\0\0" + struct.pack("!IIIII", 1, 3600, 600, 86400, ttl)


class Slow:
    def __init__(self, seconds, records):
        self.seconds = seconds
        self.records = records


class DnsServer:
    def __init__(self, zone, port=0):
        self.zone = {name.lower(): records for name, records in zone.items()}
        self.queries = []  # (name, type), as they came
        self.ttl = 60  # of all answers
        self.dead = False  # nothing is answered any more
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.closing = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def servers(self):
        """As dns.servers wants it."""
        return f"127.0.0.1@{self.port}"

    def close(self):
        self.closing = True
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while not self.closing:
            packet, client = self.socket.recvfrom(4096)
            if len(packet) >= 12:
                self._one(packet, client)

    def _one(self, packet, client):
        name, end = _read_name(packet, 12)
        number, _ = struct.unpack("!HH", packet[end : end + 4])
        kind = TYPES.get(number, str(number))
        self.queries.append((name, kind))
        found = self.zone.get(name, self.zone.get("*." + name.partition(".")[2]))
        if isinstance(found, dict) and kind not in found:
            found = found.get("otherwise") or found
        if found == SILENT or self.dead:
            return
        if isinstance(found, Slow):
            answer = _answer(packet, end + 4, found.records, name, kind, self.ttl)
            threading.Timer(found.seconds, self._send, (answer, client)).start()
            return
        self._send(_answer(packet, end + 4, found, name, kind, self.ttl), client)

    def _send(self, answer, client):
        if not self.closing:
            self.socket.sendto(answer, client)


def _read_name(packet, at):
    labels = []
    while packet[at]:
        n = packet[at]
        labels.append(packet[at + 1 : at + 1 + n].decode("latin-1"))
        at += 1 + n
    return ".".join(labels).lower(), at + 1


def _write_name(name):
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in labels) + b"\0"


def _rdata(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        return struct.pack("!H", value[0]) + _write_name(value[1])
    if kind in ("PTR", "CNAME"):
        return _write_name(value)
    text = value if isinstance(value, bytes) else value.encode()
    return b"".join(bytes([len(text[i : i + 255])]) + text[i : i + 255] for i in range(0, len(text), 255)) or b"\0"


def _answer(packet, end, found, name, kind, ttl):
    rcode = 2 if found == SERVFAIL else 3 if found is None else 0
    records = found.get(kind, []) if isinstance(found, dict) else []
    if isinstance(found, dict) and not records and "CNAME" in found:
        kind, records = "CNAME", found["CNAME"]
    flags = 0x8580 | rcode  # an authoritative answer, recursion desired and available
    negative = not records and rcode != 2
    header = packet[:2] + struct.pack("!HHHHH", flags, 1, len(records), 1 if negative else 0, 0)
    body = _soa(ttl) if negative else b""
    for value in records:
        data = _rdata(kind, value)
        body += b"\xc0\x0c" + struct.pack("!HHIH", NUMBERS[kind], 1, ttl, len(data)) + data
    return header + packet[12:end] + body
