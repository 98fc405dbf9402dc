"""trials.py - what is played to which filters: the lines of the table."""

from typing import NamedTuple


class Trial(NamedTuple):
    name: str
    corpus: str  # a directory that corpus.py makes
    filters: tuple  # names of filters.py; the first is what the others are compared with
    connections: int = 8
    messages: int = 2000  # in a round
    each: int = 1  # messages on one connection


VERIFY = ("floor-verify", "null", "assay")
TRIALS = [
    Trial("verify", "verify", VERIFY),
    Trial("sign", "sign", ("floor-sign", "null", "assay"), messages=1200),
    Trial("4 KB", "4k", ("floor-verify", "assay")),
    Trial("50 KB", "50k", ("floor-verify", "assay"), messages=1500),
    Trial("1 MB", "1M", ("floor-verify", "assay"), messages=150),
    Trial("1 connection", "verify", ("floor-verify", "assay"), connections=1, messages=1000),
    Trial("64 connections", "verify", ("floor-verify", "assay"), connections=64),
    Trial("256 connections", "verify", ("floor-verify", "assay"), connections=256),
    Trial("1000 connections", "verify", ("floor-verify", "assay"), connections=1000, messages=4000),
    Trial("20 per connection", "verify", ("floor-verify", "assay"), each=20),
    Trial("TCP", "verify", ("floor-verify", "assay", "assay-tcp")),
    Trial("DNS 20 ms, cold", "verify", ("floor-verify", "assay-cold"), messages=400),
]
