"""dns_server - a name server on loopback that answers from a dictionary: over UDP, and what is too long for that over TCP.

    zone = {"example.test": {"TXT": ["v=spf1 -all"], "A": ["192.0.2.1"], "MX": [(10, "mx.example.test")]}}

A name that is not in the zone does not exist, unless "*." and what follows its first label is. Instead of records a name
may have a behaviour: SILENT, SERVFAIL, or a Slow(seconds, records); "otherwise" among its records is that for types that
it has none of."""

import contextlib
import ipaddress
import socket
import struct
import threading

SILENT, SERVFAIL = "silent", "servfail"
UDP_BYTES = 1232
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
        self.lying = False  # every name has an address, and answers but those about the root are to another question
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.closing = False
        self.stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # of another program: then there is no TCP
            self.stream.bind(("127.0.0.1", self.port))
            self.stream.listen(64)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def servers(self):
        """As dns.servers wants it."""
        return f"127.0.0.1@{self.port}"

    def close(self):
        self.closing = True
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()

    def _serve(self):
        while not self.closing:
            packet, client = self.socket.recvfrom(4096)
            if len(packet) >= 12:
                self._one(packet, lambda answer, client=client: self._send(answer, client))

    def _accept(self):
        while not self.closing:
            try:
                peer, _ = self.stream.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(peer,), daemon=True).start()

    def _converse(self, peer):
        """Over TCP, where each message has its length before it."""
        def send(answer):
            with contextlib.suppress(OSError):
                peer.sendall(struct.pack("!H", len(answer)) + answer)

        with peer, peer.makefile("rb") as incoming:
            while len(head := incoming.read(2)) == 2:
                self._one(incoming.read(struct.unpack("!H", head)[0]), send)

    def _one(self, packet, send):
        name, end = _read_name(packet, 12)
        number, _ = struct.unpack("!HH", packet[end : end + 4])
        kind = TYPES.get(number, str(number))
        self.queries.append((name, kind))
        found = self.zone.get(name, self.zone.get("*." + name.partition(".")[2]))
        if isinstance(found, dict) and kind not in found:
            found = found.get("otherwise") or found
        if found == SILENT or self.dead:
            return
        if self.lying:
            send(_lie(packet, end + 4, found, name, kind, self.ttl))
            return
        if isinstance(found, Slow):
            answer = _answer(packet, end + 4, found.records, name, kind, self.ttl)
            later = threading.Timer(found.seconds, send, (answer,))
            later.daemon = True
            later.start()
            return
        send(_answer(packet, end + 4, found, name, kind, self.ttl))

    def _send(self, answer, client):
        if len(answer) > UDP_BYTES:
            answer = answer[:2] + bytes([answer[2] | 2]) + answer[3:6] + bytes(6) + answer[12 : _read_name(answer, 12)[1] + 4]
        if not self.closing:
            self.socket.sendto(answer, client)


def _lie(packet, end, found, name, kind, ttl):
    if kind == "A":
        return _answer(packet, end, {"A": ["198.51.100.77"]}, name, kind, ttl)
    if not name:
        return _answer(packet, end, found, name, kind, ttl)
    answer = bytearray(_answer(packet, end, found, name, kind, ttl))
    answer[13] ^= 1
    return bytes(answer)


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
