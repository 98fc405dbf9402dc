"""shipped.py - what the files of etc/ propose, as an administrator takes it from them."""

import pathlib
import re

ETC = pathlib.Path(__file__).resolve().parents[2] / "etc"


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
