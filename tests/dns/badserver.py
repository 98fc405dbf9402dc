"""A DNS server that misbehaves on request: the first label of a name says how.

    silent*     no answer                     drop*      no answer to the first packet
    truncN      TC over UDP, N bytes of TXT over TCP     forged*    wrong answers first, then the right one
    lateN       TC over UDP, and over TCP after N ms     tardyN     TC over UDP after N ms, and nothing over TCP
    rcodeN      that rcode                    noedns*    FORMERR for a query with EDNS
    lower*      the question in lower case    chainN     half a chain of N CNAMEs, a link an answer
    slowN       after N ms                    ad*        AD where the query has AD
    garbage*    no DNS message at all         referral*  only an NS in the authority section
    bare*       no records, and no SOA        alias*     a CNAME to such a name, and no SOA

Every other name has the A record 192.0.2.1 and a TXT record with its own text. With `denies` a server knows no EDNS:
it is the rcode of all its answers to queries that have it, and with `bare` these are a header without the question.
With `in_order` it answers the queries of a TCP connection one after the other, and after `closes_after` of them it closes
the connection, whatever else has come; both are what dnsmasq does.
"""
import re
import socket
import struct
import threading
import time
from collections import Counter

A, CNAME, SOA, TXT, OPT = 1, 5, 6, 16, 41


def encode_name(name):
    return b"".join(bytes([len(l)]) + l.encode("latin-1") for l in name.split(".") if l) + b"\0"


class Query:
    def __init__(self, packet):
        self.packet = packet
        self.id, self.flags = struct.unpack(">HH", packet[:4])
        at, labels = 12, []
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
            at += packet[at] + 1
        self.name = ".".join(labels)
        self.type = struct.unpack(">H", packet[at + 1:at + 3])[0]
        self.question = packet[12:at + 5]
        self.edns = packet[10:12] != b"\0\0"


def record(rtype, data, ttl=300, name=b"\xc0\x0c"):
    return name + struct.pack(">HHIH", rtype, 1, ttl, len(data)) + data


def reply(q, answers=(), authority=(), rcode=0, flags=0, question=None, qid=None):
    question = q.question if question is None else question
    header = struct.pack(">HHHHHH", q.id if qid is None else qid, 0x8180 | flags | rcode, 1,
                         len(answers), len(authority), 0)
    return header + question + b"".join(answers) + b"".join(authority)


def soa():
    return record(SOA, encode_name("ns.example") + encode_name("x.example") +
                  struct.pack(">IIIII", 1, 1, 1, 1, 60), name=encode_name("example"))


def ordinary(q):
    if q.type == A:
        return reply(q, [record(A, bytes([192, 0, 2, 1]))])
    if q.type == TXT:
        text = q.name.lower().encode("latin-1")
        return reply(q, [record(TXT, bytes([len(text)]) + text)])
    return reply(q, authority=[soa()])


def number(q, default=0):
    found = re.match(r"[a-z]+(\d+)", q.name.lower())
    return int(found.group(1)) if found else default


class BadServer:
    """Serves UDP and TCP on one port of an address until stop()."""

    def __init__(self, address="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.seen = Counter()  # lower-case names, by the packets that asked for them
        self.spellings = set()
        self.tcp_connections = self.tcp_queries = 0
        self.edns_queries = 0
        self.denies, self.bare = 0, False
        self.in_order, self.closes_after = False, 0
        self.stopping = False
        while True:
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            self.udp.bind(socket.getaddrinfo(address, port, family)[0][4])  # with the number of its interface
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket(family, socket.SOCK_STREAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind(self.udp.getsockname())
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
                if port:
                    raise
        self.tcp.listen(64)
        self.udp.settimeout(0.1)  # so that stop() is noticed
        self.tcp.settimeout(0.1)
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        self.udp.close()
        self.tcp.close()

    def answers(self, q, tcp):
        """The packets to send, or seconds to wait between them."""
        name = q.name.lower()
        self.seen[name] += 1
        self.spellings.add(q.name)
        self.edns_queries += q.edns
        if self.denies and q.edns:
            refusal = reply(q, rcode=self.denies)
            return [refusal[:4] + bytes(8) if self.bare else refusal]
        if name.startswith("silent") or (name.startswith("drop") and self.seen[name] == 1):
            return []
        if name.startswith("trunc"):
            if not tcp:
                return [reply(q, flags=0x200)]
            strings = b"".join(b"\xff" + b"x" * 255 for _ in range(number(q) // 255))
            return [reply(q, [record(TXT, strings)])]
        if name.startswith("late"):
            return [number(q) / 1000, ordinary(q)] if tcp else [reply(q, flags=0x200)]
        if name.startswith("tardy"):
            return [] if tcp else [number(q) / 1000, reply(q, flags=0x200)]
        if name.startswith("rcode"):
            return [reply(q, rcode=number(q))]
        if name.startswith("noedns") and q.edns:
            return [reply(q, rcode=1)]
        if name.startswith("lower"):
            return [reply(q, [record(A, bytes([192, 0, 2, 1]))], question=q.question.lower())]
        if name.startswith("chain"):
            links = number(q)
            if links == 0:
                return [ordinary(q)]
            target = re.sub(r"\d+", str(links - 1), name, count=1)
            return [reply(q, [record(CNAME, encode_name(target), ttl=100 + links)])]
        if name.startswith("slow"):
            return [number(q) / 1000, ordinary(q)]
        if name.startswith("ad"):
            return [ordinary(q)[:3] + bytes([0x80 | (q.flags & 0x20)]) + ordinary(q)[4:]]
        if name.startswith("garbage"):
            return [q.packet[:2] + b"\x81\x80" + b"\xff" * 40]
        if name.startswith("referral"):
            return [reply(q, authority=[record(2, encode_name("ns.example"),
                                               name=encode_name("example"))])]
        if name.startswith("bare"):
            return [reply(q)]
        if name.startswith("alias") and q.type != CNAME:
            return [reply(q, [record(CNAME, encode_name("bare.example"))])]
        if name.startswith("forged"):
            evil = [record(A, bytes([203, 0, 113, 66]))]
            other = encode_name("x" + q.name) + q.question[-4:]
            return [reply(q, evil, qid=q.id ^ 1), reply(q, evil, question=other), 0.05, ordinary(q)]
        return [ordinary(q)]

    def deliver(self, packets, send):
        for i, packet in enumerate(packets):
            if isinstance(packet, float):
                threading.Timer(packet, self.deliver, (packets[i + 1:], send)).start()
                return
            try:
                send(packet)
            except OSError:
                return

    def serve_udp(self):
        while not self.stopping:
            try:
                packet, peer = self.udp.recvfrom(4096)
            except TimeoutError:
                continue
            self.deliver(self.answers(Query(packet), False),
                         lambda p, to=peer: self.udp.sendto(p, to))

    def serve_tcp(self):
        while not self.stopping:
            try:
                connection, _ = self.tcp.accept()
            except TimeoutError:
                continue
            except OSError:  # a test has closed it
                return
            self.tcp_connections += 1
            connection.settimeout(None)
            threading.Thread(target=self.serve_connection, args=(connection,), daemon=True).start()

    def serve_connection(self, connection):
        served = 0
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                self.tcp_queries += 1
                packets = self.answers(Query(stream.read(struct.unpack(">H", head)[0])), True)
                if self.in_order:
                    time.sleep(sum(p for p in packets if isinstance(p, float)))
                    packets = [p for p in packets if not isinstance(p, float)]
                self.deliver(packets, lambda p: connection.sendall(struct.pack(">H", len(p)) + p))
                served += 1
                if served == self.closes_after:
                    return


if __name__ == "__main__":
    server = BadServer()
    print(server.port, flush=True)
    while True:
        time.sleep(60)
