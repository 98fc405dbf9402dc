"""milter_client - the MTA's side of the milter protocol, as Postfix and as Sendmail speak it.

A Client is one connection. It keeps to what was negotiated: steps that the milter does not want are not sent, and
where it gives no answer none is awaited. What Postfix and Sendmail do differently is in the class Style.
"""

import contextlib
import socket
import struct

# Actions and protocol steps (libmilter/mfdef.h).
ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x01, 0x10, 0x20, 0x100
ALL_ACTIONS = 0x1FF
NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40
NR_HDR, NOUNKNOWN, NODATA, SKIP = 0x80, 0x100, 0x200, 0x400
NR_CONN, NR_HELO, NR_MAIL, NR_RCPT, NR_DATA, NR_UNKN = 0x1000, 0x2000, 0x4000, 0x8000, 0x10000, 0x20000
NR_EOH, NR_BODY, HDR_LEADSPC = 0x40000, 0x80000, 0x100000
ALL_STEPS = 0x1FFFFF

CHUNK = 65535
# Macros that are sent to a milter that cannot ask for its own.
USUAL_MACROS = {"C": ["j", "daemon_name"], "M": ["i", "auth_type", "auth_authen"], "R": ["i"], "N": ["i"], "E": ["i"]}
STAGES = {0: "C", 1: "H", 2: "M", 3: "R", 4: "T", 5: "E", 6: "N"}


class Vanished(Exception):
    """The milter closed the connection."""


class Reply:
    """The answer to a step: kind is the protocol's letter, with code and text where the milter gave them."""

    def __init__(self, kind, data=b""):
        self.kind = kind
        self.text = data.rstrip(b"\0").decode("utf-8", "backslashreplace") if kind == "y" else ""
        self.code = self.text[:3] if self.text else {"r": "550", "t": "451"}.get(kind, "")
        self.edits = []  # ("insert", index, name, value), ("change", ordinal, name, value), in order
        self.quarantine = None
        self.progress = 0

    @property
    def accepted(self):
        return self.kind in "ca"

    def __repr__(self):
        return f"<{self.kind} {self.text!r} {self.edits!r}>"


class Style:
    """What the two MTAs do differently."""

    def __init__(self, name):
        self.name = name
        self.postfix = name == "postfix"

    def address(self, family, text):
        if family == "6" and not self.postfix:
            return "IPv6:" + text
        return text

    def has_queue_id(self, stage, recipients):
        """Postfix knows a queue id from the second RCPT on, Sendmail from MAIL."""
        return stage in "NE" or (stage in "MR" and not self.postfix) or (stage == "R" and recipients > 1)


class Client:
    def __init__(self, address, style="postfix", steps=ALL_STEPS, actions=ALL_ACTIONS, timeout=30, negotiate=True):
        self.style = Style(style)
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = b""
        self.steps = self.actions = 0
        self.symbols = {} if actions & SETSYMLIST else USUAL_MACROS
        self.macros = {"daemon_name": "smtpd", "j": "mx.test"}
        self.recipients = 0
        if negotiate:
            self.negotiate(steps, actions)

    # --- packets

    def send(self, command, data=b""):
        packet = command.encode() + data
        try:
            self.socket.sendall(struct.pack("!I", len(packet)) + packet)
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise Vanished(str(gone)) from gone

    def receive(self):
        """One packet: (letter, data)."""
        (n,) = struct.unpack("!I", self.exactly(4))
        packet = self.exactly(n)
        return chr(packet[0]), packet[1:]

    def exactly(self, n):
        while len(self.input) < n:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError as gone:
                raise Vanished(str(gone)) from gone
            if not more:
                raise Vanished("end of file")
            self.input += more
        taken, self.input = self.input[:n], self.input[n:]
        return taken

    def reply(self, wait=True):
        """Edits up to the answer proper, which is returned with them."""
        edits, quarantine, progress = [], None, 0
        while wait:
            kind, data = self.receive()
            if kind == "p":
                progress += 1
            elif kind == "q":
                quarantine = data.rstrip(b"\0").decode()
            elif kind in "im":
                name, value = data[4:].split(b"\0")[:2]
                what = "insert" if kind == "i" else "change"
                edits.append((what, struct.unpack("!I", data[:4])[0], name.decode(), value.decode("utf-8")))
            elif kind == "h":
                name, value = data.split(b"\0")[:2]
                edits.append(("add", 0, name.decode(), value.decode("utf-8")))
            else:
                reply = Reply(kind, data)
                reply.edits, reply.quarantine, reply.progress = edits, quarantine, progress
                return reply
        return Reply("c")

    # --- the session

    def negotiate(self, steps=ALL_STEPS, actions=ALL_ACTIONS, version=6):
        self.send("O", struct.pack("!III", version, actions, steps))
        kind, data = self.receive()
        if kind != "O":
            raise AssertionError(f"negotiation was answered with {kind}")
        _, self.actions, self.steps = struct.unpack("!III", data[:12])
        rest = data[12:]
        while len(rest) > 4:
            (stage,) = struct.unpack("!I", rest[:4])
            names, _, rest = rest[4:].partition(b"\0")
            self.symbols[STAGES[stage]] = names.decode().split()

    def send_macros(self, stage, **extra):
        known = dict(self.macros, **extra)
        wanted = [name.strip("{}") for name in self.symbols.get(stage, [])]
        pairs = b""
        for name in wanted:
            if name in known and known[name] is not None:
                shown = name if len(name) == 1 else "{%s}" % name
                pairs += shown.encode() + b"\0" + known[name].encode() + b"\0"
        if pairs:
            self.send("D", stage.encode() + pairs)

    def step(self, command, data, no_step=0, no_reply=0):
        if no_step and self.steps & no_step:
            return Reply("c")
        self.send(command, data)
        return self.reply(not (no_reply and self.steps & no_reply))

    def connect(self, host="client.test", address="192.0.2.10", port=40000, family=None):
        """family: 4, 6, L (address is a path) or U; found from the address when not given."""
        family = family or ("6" if ":" in address else "4")
        data = host.encode() + b"\0" + family.encode()
        if family != "U":
            data += struct.pack("!H", port) + self.style.address(family, address).encode() + b"\0"
        self.send_macros("C", client_addr=address if family in "46" else None)
        return self.step("C", data, NOCONNECT, NR_CONN)

    def helo(self, name="client.test"):
        self.send_macros("H")
        return self.step("H", _bytes(name) + b"\0", NOHELO, NR_HELO)

    def mail(self, sender="<a@example.test>", *arguments, queue_id=None):
        self.recipients = 0
        self.queue_id = queue_id
        self.send_macros("M", i=self._id("M"))
        return self.step("M", b"".join(_bytes(s) + b"\0" for s in (sender, *arguments)), NOMAIL, NR_MAIL)

    def rcpt(self, to="<b@mx.test>", *arguments):
        self.recipients += 1
        self.send_macros("R", i=self._id("R"))
        return self.step("R", b"".join(_bytes(s) + b"\0" for s in (to, *arguments)), NORCPT, NR_RCPT)

    def data(self):
        return self.step("T", b"", NODATA, NR_DATA)

    def header(self, name, value):
        """value: everything behind the colon, its leading space too."""
        value = _bytes(value)
        if not self.steps & HDR_LEADSPC and value.startswith(b" "):
            value = value[1:]
        return self.step("L", _bytes(name) + b"\0" + value + b"\0", NOHDRS, NR_HDR)

    def end_of_header(self):
        self.send_macros("N", i=self._id("N"))
        return self.step("N", b"", NOEOH, NR_EOH)

    def body(self, data, chunk=CHUNK):
        for start in range(0, len(data), chunk):
            reply = self.step("B", data[start : start + chunk], NOBODY, NR_BODY)
            if reply.kind != "c":
                return reply
        return Reply("c")

    def end_of_message(self):
        self.send_macros("E", i=self._id("E"))
        return self.step("E", b"")

    def abort(self):
        self.send("A")

    def quit(self):
        if self.style.postfix:
            self.abort()  # Postfix does so
        self.send("Q")
        self.socket.close()

    def vanish(self):
        """Closes the socket without a word; a reset if the peer still has something to say."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _id(self, stage):
        return self.queue_id if self.style.has_queue_id(stage, self.recipients) else None

    # --- whole messages

    def hello(self, host="client.test", address="192.0.2.10", port=40000, helo="client.test", family=None):
        """CONNECT and HELO; the first refusal, or the last answer."""
        reply = self.connect(host, address, port, family)
        return reply if not reply.accepted else self.helo(helo)

    def message(self, sender="<a@example.test>", to=("<b@mx.test>",), header=None, body=b"Hello\r\n", queue_id="QID1"):
        """A whole transaction: the answer at its end, or the first refusal of all."""
        reply = self.mail(sender, queue_id=queue_id)
        if not reply.accepted:
            return reply
        taken = 0
        for path in to:
            reply = self.rcpt(path)
            taken += reply.accepted
        if not taken:
            self.abort()
            return reply
        return self.content(plain_header() if header is None else header, body)

    def content(self, header, body):
        """From DATA on."""
        reply = self.data()
        if not reply.accepted:
            if self.style.postfix:
                self.abort()
            return reply
        for name, value in header:
            reply = self.header(name, value)
            if not reply.accepted:
                return reply
        for reply in (self.end_of_header(), self.body(body)):
            if reply.kind not in "cas":
                return reply
        reply = self.end_of_message()
        if self.style.postfix:
            with contextlib.suppress(Vanished):  # the answer is here
                self.abort()
        return reply


def plain_header(author="a@example.test", **extra):
    """Fields of an ordinary message, values with their leading space."""
    fields = [
        ("Received", " from client.test by mx.test; Mon, 1 Jan 2024 00:00:00 +0000"),
        ("From", f" {author}"),
        ("To", " b@mx.test"),
        ("Subject", " hello"),
        ("Date", " Mon, 1 Jan 2024 00:00:00 +0000"),
        ("Message-ID", " <1@example.test>"),
    ]
    return fields + [(name.replace("_", "-"), value) for name, value in extra.items()]


def delivered(header, edits, style="postfix"):
    """The header after the edits: Postfix renumbers after each deletion, Sendmail does not."""
    fields = [[name, value, False] for name, value in header]
    for what, index, name, value in edits:
        if what == "insert":
            fields.insert(index, [name, value, True])
        elif what == "change":
            same = [f for f in fields if f[0].lower() == name.lower() and not f[2]]
            if style == "postfix":
                same = [f for f in same if f[1] is not None]
            if 1 <= index <= len(same):
                same[index - 1][1] = value or None
    return [(name, value) for name, value, _ in fields if value is not None]


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()
