"""play - hands cases to reference_tool and reads what it says."""

import collections
import subprocess

LIBRARIES = {"spf": "libspf2", "dkim": "libopendkim", "dmarc": "libopendmarc"}

Answer = collections.namedtuple("Answer", "status ours theirs classes words")
Class = collections.namedtuple("Class", "library decision section")


def commands(cases):
    zone = None
    for case in cases:
        if case.zone != zone:
            zone = case.zone
            text = zone.encode("utf-8")
            yield b"zone %d\n%s" % (len(text), text)
        yield b"%s %d\n%s" % (case.verb.encode(), len(case.data), case.data)


def read_answer(line):
    status, ours, theirs, classes, _, _, words = line.split("\t", 6)
    return Answer(status, ours, theirs, [] if classes == "-" else classes.split(","), words)


def play(tool, program, cases):
    """The versions of the libraries, and pairs of cases and answers."""
    done = subprocess.run([tool, program], input=b"".join(commands(cases)), stdout=subprocess.PIPE, check=False)
    versions, *lines = done.stdout.decode("utf-8", "replace").splitlines() or [""]
    if done.returncode != 0 or len(lines) != len(cases):
        raise SystemExit(f"{tool}: status {done.returncode}, {len(lines)} answers to {len(cases)} cases")
    return versions.split("\t"), list(zip(cases, map(read_answer, lines)))


def read_classes(tool):
    lines = subprocess.run([tool, "classes"], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    return {name: Class(*rest) for name, *rest in (line.split("\t") for line in lines)}
