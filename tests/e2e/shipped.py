"""shipped.py - what README and the files of etc/ propose, as an administrator takes it from them."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
ETC = TOP / "etc"


def lines(name):
    return (ETC / name).read_text().splitlines()


def commented(name, word):
    """The line of etc/NAME that begins with this word, or would without its comment sign."""
    for line in lines(name):
        line = re.sub(r"^(#|//|dnl )", "", line)
        if line.startswith(word):
            return line + "\n"
    raise RuntimeError(f"etc/{name} proposes no line that begins with {word}")


def unit_setting(name, key):
    """The value of this setting in the unit file or drop-in etc/NAME; empty if it is not there."""
    found = [line.partition("=")[2] for line in lines(name) if line.startswith(key + "=")]
    return found[-1] if found else ""


def readme_commands(step):
    """The command lines of this step of "Five minutes to production", which begins with these words."""
    section = (TOP / "README").read_text().partition("FIVE MINUTES TO PRODUCTION\n")[2].partition("\n\n\n")[0]
    found = [part for part in re.split(r"\n \d\. ", section) if part.startswith(step)]
    commands = re.findall(r"(?m)^ {8}(\S.*)$", found[0]) if found else []
    if not commands:
        raise RuntimeError(f"the README has no commands to {step}")
    return commands
