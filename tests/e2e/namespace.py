"""namespace.py - a machine of our own inside the namespaces that `run` made.

/etc, /usr and /var are overlays over those of the host and of the unpacked mail server, in memory; /dev, /run
are fresh; the loopback interface has our own addresses, and routes to those that others send from; /dev/log is
read by a thread. Errors are exceptions: they end the run."""

import os
import pathlib
import shutil
import socket
import subprocess
import threading

HOST = "mx.recv.example"
MX4, MX6 = "192.0.2.25", "2001:db8::25"
GOOD4, GOOD6 = "203.0.113.10", "2001:db8::10"  # what the SPF records of the senders name
BAD4, BAD6 = "203.0.113.66", "2001:db8::66"
RELAY = "198.51.100.7"  # in relay-networks
USER = "203.0.113.99"  # where our own users come from
FILTER = "198.51.100.8"  # a host in forwarded-networks
WORK = pathlib.Path("/run/e2e")
DEVICES = ["null", "zero", "full", "random", "urandom", "tty"]


def command(*words, **options):
    """Runs a command; what it said is in the exception when it fails."""
    done = subprocess.run(
        [str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(str(w) for w in words)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def mount_files(*roots):
    command("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for folder in ("dev", "lock", "nsd"):
        (pathlib.Path("/run") / folder).mkdir()
    WORK.mkdir()
    trees = [pathlib.Path(f"/run/tree{n}") for n in range(len(roots))]
    for root, tree in zip(roots, trees):
        # Overlay options are separated by commas and colons: the path of the tree may have either.
        tree.mkdir()
        command("mount", "--bind", root, tree)
    for folder in ("usr", "etc", "var"):
        upper, work = WORK / folder / "upper", WORK / folder / "work"
        upper.mkdir(parents=True)
        work.mkdir()
        lower = ":".join(str(tree / folder) for tree in trees if (tree / folder).is_dir())
        layers = f"lowerdir={lower}:/{folder},upperdir={upper},workdir={work}"
        command("mount", "-t", "overlay", "-o", layers, "overlay", f"/{folder}")
    # What this machine may have of an assay of its own, with another user's number.
    shutil.rmtree("/var/lib/assay", ignore_errors=True)
    mount_devices(pathlib.Path("/run/dev"))


def mount_devices(new):
    command("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", new)
    for name in DEVICES:
        (new / name).touch()
        command("mount", "--bind", f"/dev/{name}", new / name)
    (new / "shm").mkdir(mode=0o1777)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (new / name).symlink_to(target)
    command("mount", "--move", new, "/dev")


def configure_network():
    socket.sethostname(HOST)
    command("ip", "link", "set", "lo", "up")
    command("ip", "addr", "add", f"{MX4}/32", "dev", "lo")
    command("ip", "-6", "addr", "add", f"{MX6}/128", "dev", "lo", "nodad")
    # Others' addresses can be bound, and are none of this host's interfaces.
    for address in (GOOD4, BAD4, RELAY, USER, FILTER):
        command("ip", "route", "add", "local", f"{address}/32", "dev", "lo")
    for address in (GOOD6, BAD6):
        command("ip", "-6", "route", "add", "local", f"{address}/128", "dev", "lo")
    pathlib.Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1\n")
    replace("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
    replace("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{MX4} {HOST} mx\n{MX6} {HOST} mx\n")
    databases = ("passwd", "group", "shadow", "services", "protocols", "aliases")
    replace("/etc/nsswitch.conf", "hosts: files dns\n" + "".join(f"{name}: files\n" for name in databases))


def replace(path, text):
    """Writes a file anew: what was there may be a link to somewhere else."""
    path = pathlib.Path(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def add_user(name, uid, groups=()):
    """A system user with a group of its own name, unless the host has it."""
    passwd, group = pathlib.Path("/etc/passwd"), pathlib.Path("/etc/group")
    for extra in (name, *groups):
        if not any(line.startswith(f"{extra}:") for line in group.read_text().splitlines()):
            with group.open("a") as file:
                file.write(f"{extra}:x:{uid}:\n")
            uid += 1
    if not any(line.startswith(f"{name}:") for line in passwd.read_text().splitlines()):
        gid = next(line.split(":")[2] for line in group.read_text().splitlines() if line.startswith(f"{name}:"))
        with passwd.open("a") as file:
            file.write(f"{name}:x:{gid}:{gid}::/nonexistent:/usr/sbin/nologin\n")


class Syslog(threading.Thread):
    """Reads /dev/log into a list of lines and a file."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.lines = []
        self.file = open(path, "w", buffering=1, errors="replace")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)

    def run(self):
        while True:
            line = self.socket.recv(65536).decode(errors="replace").rstrip("\0\n")
            line = line[line.find(">") + 1 :]
            self.lines.append(line)
            self.file.write(line + "\n")


def build(logs, *roots):
    """Makes the machine of these unpacked trees, those of the MTA and of what else it has; returns its running Syslog."""
    mount_files(*roots)
    configure_network()
    syslog = Syslog(logs / "mail.log")
    syslog.start()
    return syslog
