#!/usr/bin/python3
"""srs_postsrsd.py TOOL POSTSRSD - addresses of a real postsrsd 1.x and of lib/srs, with the same file of secrets.

postsrsd answers Postfix's tcp tables on loopback, today. What it makes lib/srs takes back and the other way round:
whoever changes from the one to the other loses no bounce. Skipped where build/mta has no postsrsd."""

import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

DOMAIN = "srs.example.org"
SECRETS = ["kV6h0Yb2lq3nWkq4", "an older one"]
COUNT = 300
# Of this process: a port that is free there is taken by no test beside it.
ADDRESS = "127.{}.{}.{}".format(64 + (os.getpid() >> 16) % 64, (os.getpid() >> 8) % 256, os.getpid() % 256)


def free_port():
    with socket.create_server((ADDRESS, 0)) as s:
        return s.getsockname()[1]


class Table:
    """A tcp table (tcp_table(5))."""

    def __init__(self, port, process):
        until = time.monotonic() + 60
        while True:
            try:
                self.socket = socket.create_connection((ADDRESS, port), timeout=60)
                break
            except ConnectionRefusedError:
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit(f"postsrsd does not listen: exit status {process.poll()}")
        self.answers = self.socket.makefile("rb")

    def get(self, key):
        self.socket.sendall(f"get {key}\n".encode())
        line = self.answers.readline().decode().strip()
        return line.removeprefix("200 ") if line.startswith("200 ") else None


def tool(program, questions):
    text = "".join(f"{how}\t{int(time.time())}\t{address}\n" for how, address in questions)
    ran = subprocess.run([program, DOMAIN, "4", *SECRETS], input=text, capture_output=True, text=True, check=True)
    return [None if line.startswith(" ") else line for line in ran.stdout.splitlines()]


def senders():
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    word = lambda n: "".join(rng.choice(letters) for _ in range(n))
    for i in range(COUNT):
        user = word(3) + rng.choice(["", "=", "+", "-", "."]) + word(4)
        if i % 5 == 1:
            user = f"SRS0{rng.choice('=+-')}{word(4)}=AA={word(4)}.example={user}"
        elif i % 5 == 2:
            user = f"SRS1{rng.choice('=+-')}{word(4)}={word(4)}.example=={word(4)}=AA=a.example={user}"
        yield f"{user}@{word(5)}.example"


def compare(forward, reverse, program):
    wrong = []
    given = list(senders())
    theirs = [forward.get(address) for address in given]
    ours = tool(program, [("forward", address) for address in given])
    if theirs != ours and int(time.time()) % 86400 > 60:  # it may have become another day between
        wrong += [f"forward {g}: ours {o}, postsrsd's {t}" for g, o, t in zip(given, ours, theirs) if o != t]
    back = [reverse.get(address) for address in ours]
    undone = tool(program, [("reverse", address) for address in theirs])
    for address, b, u in zip(given, back, undone):
        if b is None or b != u or (not address.startswith("SRS") and b != address):
            wrong.append(f"{address}: postsrsd takes it back as {b}, lib/srs as {u}")
    forged = theirs[0].replace("=", "=x", 1)
    if reverse.get(forged) or tool(program, [("reverse", forged)]) != [None]:
        wrong.append(f"{forged} is taken for an address of ours")
    return wrong


def main():
    program, postsrsd = sys.argv[1:]
    if not pathlib.Path(postsrsd).exists():
        print(f"there is no {postsrsd}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        secrets = pathlib.Path(directory, "secrets")
        secrets.write_text("".join(f"{secret}\n" for secret in SECRETS))
        ports = free_port(), free_port()
        command = [postsrsd, "-4", f"-l{ADDRESS}", f"-s{secrets}", f"-d{DOMAIN}", f"-f{ports[0]}", f"-r{ports[1]}"]
        process = subprocess.Popen(command)
        try:
            wrong = compare(Table(ports[0], process), Table(ports[1], process), program)
        finally:
            process.terminate()
            process.wait()
    print("\n".join(wrong[:20]) or f"{COUNT} addresses there and back")
    sys.exit(1 if wrong else 0)


main()
