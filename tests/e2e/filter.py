"""filter.py - content filters as they stand behind an MTA: each takes mail on a port of loopback and hands it on to
another. One that comes after the queue puts a Received field on top, as amavis does; one in front of it does not.
What XFORWARD told is said again with XCLIENT where the filter can do that."""

import email.utils
import smtplib
import socketserver
import threading


class Handler(socketserver.StreamRequestHandler):
    def reply(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.helo, self.told, self.mail, self.rcpt = "", {}, "", []
        self.reply("220 filter ESMTP")
        while True:
            line = self.rfile.readline().decode(errors="replace").rstrip("\r\n")
            verb, _, rest = line.partition(" ")
            if not line or verb.upper() == "QUIT":
                self.reply("221 bye")
                return
            self.obey(verb.upper(), rest)

    def obey(self, verb, rest):
        if verb == "EHLO":
            self.helo = rest
            self.reply("250-filter\r\n250 XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT")
            return
        if verb == "XFORWARD":
            self.told |= dict(word.partition("=")[::2] for word in rest.split())
        elif verb == "MAIL":
            self.mail, self.rcpt = path_of(rest), []
        elif verb == "RCPT":
            self.rcpt.append(path_of(rest))
        elif verb == "DATA":
            self.reply("354 go on")
            self.reply(self.hand_on(self.read_message()))
            return
        self.reply("250 ok")

    def read_message(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def received(self):
        port = self.server.server_address[1]
        return (
            f"Received: from {self.helo} ([127.0.0.1])\r\n by localhost (mx.recv.example [127.0.0.1]) (amavis, port {port})"
            f"\r\n with ESMTP id F{port} for <{self.rcpt[0]}>; {email.utils.formatdate()}\r\n"
        ).encode()

    def hand_on(self, message):
        """Gives the message to the next server; what that says is the reply."""
        if self.server.writes_received:
            message = self.received() + message
        try:
            with smtplib.SMTP("127.0.0.1", self.server.next_port, local_hostname="localhost", timeout=30) as smtp:
                smtp.ehlo()
                if self.server.says_xclient:
                    words = [f"{name}={self.told[name]}" for name in ("NAME", "ADDR", "HELO") if name in self.told]
                    smtp.docmd("XCLIENT", " ".join(words))
                    smtp.ehlo()
                smtp.sendmail(self.mail, self.rcpt, message)
        except smtplib.SMTPDataError as error:
            return f"{error.smtp_code} {error.smtp_error.decode(errors='replace')}"
        except (smtplib.SMTPException, OSError) as error:
            return f"451 4.3.0 {error}"
        return "250 2.0.0 handed on"


def path_of(words):
    return words.partition("<")[2].partition(">")[0]


class Filter(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, next_port, writes_received=False, says_xclient=False):
        super().__init__(("127.0.0.1", port), Handler)
        self.next_port, self.writes_received, self.says_xclient = next_port, writes_received, says_xclient
        threading.Thread(target=self.serve_forever, daemon=True).start()


def start_all():
    """The filters that the services of mta.py name."""
    return [
        Filter(10014, 10025, writes_received=True),
        Filter(10015, 10026, writes_received=True),
        Filter(10016, 10025),
        Filter(10017, 10027, says_xclient=True),
    ]
