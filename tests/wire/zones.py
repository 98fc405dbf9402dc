"""zones - the domains of the wire tests."""

ZONE = {
    # authorizes client.test, and asks for rejection
    "example.test": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"]},
    "_dmarc.example.test": {"TXT": ["v=DMARC1; p=reject"]},
    # authorizes nobody
    "strict.test": {"TXT": ["v=spf1 -all"]},
    "_dmarc.strict.test": {"TXT": ["v=DMARC1; p=reject"]},
    "quarantine.test": {"TXT": ["v=spf1 -all"]},
    "_dmarc.quarantine.test": {"TXT": ["v=DMARC1; p=quarantine"]},
    # SPF alone
    "spf.test": {"TXT": ["v=spf1 -all"]},
    "client.test": {"A": ["192.0.2.10"], "TXT": ["v=spf1 a -all"]},
}
