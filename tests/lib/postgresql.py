"""A PostgreSQL server of Debian's package for tests: on a Unix socket in a directory of its own, as a user without rights."""

import contextlib
import os
import pathlib
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

PATIENCE = 60
SOCKET = ".s.PGSQL.5432"


def programs():
    """Where initdb and postgres are; None: nowhere."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return pathlib.Path(path).parent if path else None


class Server:
    """Running once it is made. database() gives the name of a new, empty database, url() its URL. It does not wait for the
    disk unless it shall be durable."""

    def __init__(self, durable=False):
        self.bin = programs()
        self.settings = ["listen_addresses=", *([] if durable else ["fsync=off"])]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-pg-"))
        self.user = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self.folder.chmod(0o755)
        self.process = None
        self.databases = 0
        self.run("initdb", "-D", self.folder / "data", "-U", "assay", "--auth=trust", "--no-sync", "-E", "UTF8", "--no-locale")
        self.start()

    def run(self, program, *words):
        command = [self.bin / program, *map(str, words)]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=600, **self.user)
        if done.returncode:
            raise RuntimeError(f"{command}: {done.returncode} {done.stdout} {done.stderr}")
        return done.stdout

    def is_ready(self):
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder], check=False, cwd="/").returncode == 0

    def launch(self):
        with open(self.folder / "log", "ab") as log:
            settings = [word for setting in self.settings for word in ("-c", setting)]
            return subprocess.Popen([self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings], cwd="/",
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.user)

    def start(self):
        """Again and again: processes of a server that was killed may not have ended yet."""
        end = time.monotonic() + PATIENCE
        self.process = self.launch()
        while not self.is_ready():
            if time.monotonic() > end:
                raise RuntimeError(f"the server does not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)
            if self.process.poll() is not None:
                self.process = self.launch()

    def pids(self):
        """Of the server and its processes."""
        out = [self.process.pid]
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                words = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(words[1]) == self.process.pid:
                out.append(int(stat.parent.name))
        return out

    def signal(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def revive(self):
        """Running and answering, whatever it was."""
        if self.process:
            self.thaw()
        else:
            self.start()

    def kill(self):
        """As if the machine had lost its power, but for the disk."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        """At once: connections end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        self.process = None

    def close(self):
        if self.process:
            self.signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(PATIENCE)
        shutil.rmtree(self.folder)

    def url(self, name):
        return f"postgresql://assay:geheim@/{name}?host={self.folder}"

    def database(self):
        self.databases += 1
        name = f"d{self.databases}"
        self.run("createdb", "-h", self.folder, "-U", "assay", name)
        return name

    @contextlib.contextmanager
    def session(self, name):
        """Of psql: gives a function that has a text carried out, and waits for a line with what it shall say."""
        with subprocess.Popen([self.bin / "psql", "-X", "-h", self.folder, "-U", "assay", "-d", name, "-At"], cwd="/",
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            def run(sql, wanted):
                process.stdin.write(sql + ";\n")
                process.stdin.flush()
                for line in process.stdout:
                    if wanted in line:
                        return
                raise RuntimeError(f"{sql}: does not say {wanted}")
            try:
                yield run
            finally:
                process.stdin.close()

    def query(self, name, sql):
        """Rows of texts."""
        out = self.run("psql", "-X", "-h", self.folder, "-U", "assay", "-d", name, "-At", "-F", "|", "-v", "ON_ERROR_STOP=1",
                       "-c", sql)
        return [tuple(line.split("|")) for line in out.splitlines()]


class Turns:
    """A way to the server that counts how often a client has waited for it: sent something after an answer; and knows how
    many bytes the longest answer had."""

    def __init__(self, server):
        self.server, self.count, self.longest = server, 0, 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-turns-"))
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(self.folder / SOCKET))
        self.listening.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        answered, bytes_of_answer = True, 0
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self.server.folder / SOCKET))
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (server if ready is client else client).sendall(data)
                    self.count += ready is client and answered
                    answered = ready is server
                    bytes_of_answer = bytes_of_answer + len(data) if answered else 0
                    self.longest = max(self.longest, bytes_of_answer)

    def url(self, name):
        return f"postgresql://assay:geheim@/{name}?host={self.folder}"

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        shutil.rmtree(self.folder)
