"""trials.py - what is played to which filters: the lines of the table."""

from typing import NamedTuple

CHAINS = ("opendkim+opendmarc", "pyspf+opendkim+opendmarc")
PEERS = (*CHAINS, "rspamd")
LEAN = ("rspamd", "rspamd-lean")
SIGNERS = ("opendkim-sign", "rspamd-sign")
ENGINES = ("assay-libspf2", "assay-libopendkim", "assay-libraries", "assay-sampling")


class Trial(NamedTuple):
    name: str
    corpus: str  # a directory that corpus.py makes; "cold": the filters are new, and each round has its own senders
    filters: tuple  # names of filters.py; the first is what the others are compared with
    connections: int = 8
    messages: int = 2000  # in a round
    each: int = 1  # messages on one connection
    delay: int = 0  # of the DNS, in ms
    smtp: int = 0  # a round trip of the client between envelope and content, in ms; times are from the last byte then


VERIFY = ("floor-verify", "assay", "assay-libmilter", *PEERS)
RAW = ("floor-verify", "raw-verify", "assay", "assay-libmilter", *PEERS)
FEW = ("floor-verify", "assay", "assay-libmilter", "opendkim+opendmarc", "rspamd")
SLOW = ("floor-verify", "assay-slow", "assay-libmilter-slow", *(f"{peer}-slow" for peer in PEERS))
TRIALS = [
    Trial("verify", "verify", ("floor-verify", "null", "raw-verify", "assay", "assay-libmilter", *PEERS)),
    Trial("sign", "sign", ("floor-sign", "null", "raw-sign", "assay-sign", "assay-libmilter-sign", *SIGNERS), messages=1200),
    Trial("4 KB", "4k", RAW),
    Trial("50 KB", "50k", RAW, messages=1500),
    Trial("1 MB", "1M", RAW, messages=150),
    Trial("1 connection", "verify", VERIFY, connections=1, messages=1000),
    Trial("64 connections", "verify", VERIFY, connections=64),
    Trial("256 connections", "verify", VERIFY, connections=256),
    Trial("1000 connections", "verify", FEW, connections=1000, messages=4000),
    Trial("20 per connection", "verify", VERIFY, each=20),
    Trial("rspamd at its best", "verify", ("floor-verify", *LEAN)),
    Trial("engines", "verify", ("assay", *ENGINES)),
    Trial("TCP", "verify", ("floor-verify-tcp", "assay-tcp", "assay-libmilter-tcp")),
    Trial("new senders", "cold", SLOW, messages=200),
    Trial("new, DNS 20 ms", "cold", SLOW, messages=200, delay=20),
    Trial("new, DNS 200 ms", "cold", SLOW, messages=200, delay=200),
    Trial("SMTP, DNS 20 ms", "cold", SLOW, messages=200, delay=20, smtp=20),
    Trial("SMTP, DNS 200 ms", "cold", SLOW, messages=200, delay=200, smtp=200),
]
