"""sink.py - the next hop: an SMTP server that keeps what the MTA's SMTP client sends to it, byte by byte."""

import socket
import threading

from namespace import GOOD4

PORT = 2525
NEXT, OLD = "127.0.0.1", "127.0.0.2"  # for next.example; for old.example, which does not offer 8BITMIME


class Sink(threading.Thread):
    def __init__(self, host, extensions, port=PORT):
        super().__init__(daemon=True)
        self.messages = []
        self.envelopes = []  # of each message: sender, recipients and the message
        self.greeting = ["sink.example", *extensions]
        self.socket = socket.create_server((host, port), backlog=50)

    def run(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as lines:
            client.sendall(b"220 sink.example ESMTP\r\n")
            envelope = []
            for line in lines:
                verb = line[:4].upper()
                if verb == b"EHLO":
                    told = [f"250-{word}\r\n" for word in self.greeting]
                    client.sendall("".join(told[:-1] + [told[-1].replace("-", " ", 1)]).encode())
                elif verb == b"DATA":
                    client.sendall(b"354 go on\r\n")
                    message = self.read_message(lines)
                    self.envelopes.append((envelope[0], envelope[1:], message))
                    self.messages.append(message)
                    client.sendall(b"250 kept\r\n")
                elif verb == b"QUIT":
                    client.sendall(b"221 bye\r\n")
                    return
                else:
                    if verb in (b"MAIL", b"RCPT"):
                        envelope = (envelope if verb == b"RCPT" else []) + [self.address(line)]
                    client.sendall(b"250 ok\r\n")

    @staticmethod
    def address(line):
        return line[line.index(b"<") + 1 : line.rindex(b">")].decode()

    @staticmethod
    def read_message(lines):
        read = []
        for line in lines:
            if line == b".\r\n":
                break
            read.append(line[1:] if line.startswith(b".") else line)
        return b"".join(read)


def start():
    """All of them; the last one is the server of the domains that send to us."""
    offers = ["8BITMIME", "SIZE 100000000"]
    sinks = [Sink(NEXT, offers), Sink(OLD, offers[1:]), Sink(GOOD4, offers)]
    for sink in sinks:
        sink.start()
    return sinks
