#!/usr/bin/python3
"""The policy service: Postfix's protocol as it is, and as nobody should write it; what is answered, once or for each
recipient; many clients at once."""

import itertools
import socket

import harness
from dns_server import SERVFAIL
from harness import PATIENCE, free_port, until

ZONE = {
    "good.test": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8:6::/48 -all"], "MX": [(10, "mx.good.test")]},
    "mx.good.test": {"A": ["192.0.2.25"]},
    "nomx.test": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    "2.0.0.127.bl.test": {"A": ["127.0.0.2"]},
    "66.113.0.203.bl.test": {"A": ["127.0.0.2"]},
    "7.2.0.192.bl.test": {"A": ["127.0.0.3"]},
    "8.2.0.192.bl.test": SERVFAIL,
}
GATE = """
spf = { on-fail = "reject"; };
dnsbl = { reject-at = 5; lists = ( { zone = "bl.test"; weight = 5; codes = [ "127.0.0.2" ]; },
                                   { zone = "bl.test"; weight = 3; codes = [ "127.0.0.3" ]; label = "Milder"; } ); };
sender = { mode = "enforce"; on-unknown-domain = "reject"; };
exceptions = { recipients = [ "postmaster@recv.test" ]; };
"""
LISTS = """
dnsbl = { lists = ( { zone = "bl.test"; weight = 3; codes = [ "127.0.0.3" ]; label = "Milder"; } ); };
"""
NOW = 1800000000
GREYLISTED = "451 4.7.1 Greylisted, please try again in 30 seconds"
COMMON = {
    "request": "smtpd_access_policy",
    "protocol_state": "RCPT",
    "protocol_name": "ESMTP",
    "client_address": "192.0.2.10",
    "client_name": "mail.good.test",
    "reverse_client_name": "mail.good.test",
    "helo_name": "mail.good.test",
    "sender": "ann@good.test",
    "recipient": "bob@recv.test",
    "recipient_count": "0",
    "queue_id": "",
    "instance": "123.456.789",
    "size": "0",
    "sasl_method": "",
    "sasl_username": "",
    "ccert_subject": "",
    "stress": "",
}


def request(end="\n", **changes):
    attributes = {**COMMON, **changes}
    text = "".join(f"{name}={value}{end}" for name, value in attributes.items() if value is not None)
    return (text + end).encode()


class Policy:
    def __init__(self, address):
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout=PATIENCE)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            self.socket.connect(str(address))
        self.kept = b""

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next action; None: the connection has ended."""
        while b"\n\n" not in self.kept:
            try:
                came = self.socket.recv(65536)
            except ConnectionResetError:
                came = b""
            if not came:
                assert not self.kept, self.kept
                return None
            self.kept += came
        text, _, self.kept = self.kept.partition(b"\n\n")
        assert text.startswith(b"action=") and b"\n" not in text and b"\t" not in text, text
        return text[len(b"action=") :].decode()

    def ask(self, **changes):
        self.send(request(**changes))
        return self.answer()

    def close(self):
        self.socket.close()


class PolicyService(harness.WireTest):
    tries = itertools.count()

    def service(self, config=GATE, checks=""):
        d = self.daemon("", start=False, zone=ZONE)
        d.policy = ("127.0.0.1", free_port("127.0.0.1"))
        d.configure(f'policy-service = {{ listen = "inet:{d.policy[1]}@127.0.0.1"; {checks} }};\n' + config)
        d.start()
        return d

    def policy_client(self, d):
        c = Policy(d.policy)
        self.addCleanup(c.close)
        return c

    def test_spf_is_prepended_once(self):
        c = self.policy_client(self.service())
        first = c.ask()
        self.assertRegex(first, r"^PREPEND Received-SPF: pass \(mx\.test: good\.test authorizes 192\.0\.2\.10\)")
        self.assertIn("receiver=mx.test", first)
        self.assertEqual(c.ask(recipient="carol@recv.test"), "DUNNO")
        self.assertEqual(c.ask(protocol_state="DATA", recipient="", recipient_count="2"), "DUNNO")
        self.assertRegex(c.ask(instance="123.456.790"), r"^PREPEND Received-SPF: pass")

    def test_refusals_hold_for_all_but_exceptions(self):
        d = self.service()
        c = self.policy_client(d)
        listed = {"client_address": "203.0.113.66", "sender": "ann@elsewhere.good.test", "helo_name": "h.good.test"}
        self.assertEqual(c.ask(**listed), "550 5.7.1 [203.0.113.66] is listed at bl.test")
        self.assertEqual(c.ask(recipient="carol@recv.test", **listed), "550 5.7.1 [203.0.113.66] is listed at bl.test")
        self.assertRegex(c.ask(recipient="Postmaster@recv.test", **listed), r"^PREPEND Received-SPF: none")
        self.assertEqual(c.ask(recipient="dave@recv.test", **listed), "550 5.7.1 [203.0.113.66] is listed at bl.test")
        self.assertEqual(len(d.lines(r"action=reject cause=dnsbl at=rcpt")), 1)

    def test_an_exception_that_comes_first_holds_for_nobody_else(self):
        c = self.policy_client(self.service())
        listed = {"client_address": "203.0.113.66", "sender": "ann@elsewhere.good.test", "helo_name": "h.good.test"}
        self.assertRegex(c.ask(recipient="postmaster@recv.test", **listed), r"^PREPEND Received-SPF: none")
        self.assertEqual(c.ask(**listed), "550 5.7.1 [203.0.113.66] is listed at bl.test")

    def test_spf_acts_at_rcpt_whatever_reject_at_says(self):
        c = self.policy_client(self.service())
        self.assertRegex(c.ask(client_address="198.51.101.9"), r"^550 5\.7\.23 SPF fail: good\.test does not authorize")

    def test_findings_are_prepended(self):
        c = self.policy_client(self.service())
        self.assertRegex(c.ask(client_address="192.0.2.7"), r"^PREPEND Received-SPF: pass")
        self.assertEqual(c.ask(recipient="carol@recv.test"), "PREPEND X-Assay-Gate: mx.test; dnsbl=3 (Milder)")
        self.assertEqual(c.ask(recipient="dave@recv.test"), "DUNNO")

    def test_checks_say_what_is_done(self):
        c = self.policy_client(self.service(checks='checks = [ "spf" ];'))
        self.assertRegex(c.ask(client_address="203.0.113.66", sender="ann@none.test"), r"^PREPEND Received-SPF: none")
        c = self.policy_client(self.service(checks='checks = [ "dnsbl" ];'))
        self.assertEqual(c.ask(client_address="198.51.101.9"), "DUNNO")
        self.assertEqual(c.ask(client_address="203.0.113.66", instance="2"), "550 5.7.1 [203.0.113.66] is listed at bl.test")

    def test_sender(self):
        c = self.policy_client(self.service())
        self.assertEqual(c.ask(sender="ann@none.test"), "550 5.1.8 The sender's domain none.test has neither MX nor address")
        self.assertRegex(c.ask(sender="", helo_name="mx.good.test", instance="2"), r"^PREPEND Received-SPF: none")

    def greylisting(self, checks='"spf", "greylist"', config="", at="data"):
        d = self.daemon("", start=False, zone=ZONE, wall=NOW)
        d.policy = ("127.0.0.1", free_port("127.0.0.1"))
        service = f'state-dir = "{d.directory}";\npolicy-service = {{ listen = "inet:{d.policy[1]}@127.0.0.1"; checks = [ %s ]; }};\n'
        d.configure(service % checks + f'greylist = {{ mode = "enforce"; at = "{at}"; }};\n' + config)
        d.start()
        return d

    def known(self, d, attempt):
        """What attempt(instance) is told by a store that answers, and that instance: on a busy machine the store may need longer
        than the 0.2 s for which a message waits, and then a new message asks again."""
        def answered():
            instance, before = f"try{next(self.tries)}", len(d.lines("greylist="))
            said = attempt(instance)
            line = d.wait_for_log("greylist=", before + 1)[-1]
            return "greylist=unknown" not in line and (said, instance)

        return until(answered, "the store answers")

    def ask_known(self, d, c, **changes):
        return self.known(d, lambda instance: c.ask(**changes, instance=instance))

    def test_greylisting(self):
        """As the other checks: one answer for all recipients, and who comes again passes."""
        d = self.greylisting()
        c = self.policy_client(d)
        said, instance = self.ask_known(d, c)
        self.assertEqual(said, GREYLISTED)
        self.assertEqual(c.ask(recipient="carol@recv.test", instance=instance), GREYLISTED)
        d.clock.go_on(31)
        self.assertRegex(self.ask_known(d, c)[0], r"^PREPEND Received-SPF: pass")
        self.assertRegex(self.ask_known(d, c, client_address="192.0.2.99")[0], r"^PREPEND Received-SPF: pass")
        d.wait_for_log(r"greylist=pass\(network 192\.0\.2\.0/24\)")

    def test_greylisting_knows_the_domain_where_spf_is_not_judged(self):
        d = self.greylisting('"greylist"', 'spf = { on-fail = "reject"; };\n')
        c = self.policy_client(d)
        self.assertEqual(self.ask_known(d, c, client_address="198.51.101.9")[0], GREYLISTED)
        self.assertEqual(self.ask_known(d, c)[0], GREYLISTED)
        d.clock.go_on(31)
        self.assertEqual(self.ask_known(d, c, client_address="2001:db8:6::1")[0], "DUNNO")
        d.wait_for_log(r"spf=pass .*greylist=pass\(domain good\.test\)")

    def test_greylisting_at_data_where_the_service_stands_there(self):
        """The two lines of Postfix are clients of their own."""
        d = self.greylisting('"spf", "dnsbl", "greylist"', LISTS)
        rcpt, data = self.policy_client(d), self.policy_client(d)
        early = {"policy_context": "spf+dnsbl", "client_address": "192.0.2.7"}
        late = {"protocol_state": "DATA", "policy_context": "greylist", "client_address": "192.0.2.7", "recipient_count": "1"}

        def both(instance):
            self.assertRegex(rcpt.ask(instance=instance, **early), r"^PREPEND Received-SPF: pass")
            return data.ask(instance=instance, **late)

        said, instance = self.known(d, both)
        self.assertEqual(said, GREYLISTED)
        self.assertEqual(data.ask(instance=instance, **late), GREYLISTED)
        d.clock.go_on(31)
        said, instance = self.known(d, both)
        self.assertEqual(said, "PREPEND X-Assay-Gate: mx.test; dnsbl=3 (Milder)")
        self.assertEqual(rcpt.ask(instance=instance, recipient="carol@recv.test", **early), "DUNNO")
        self.assertEqual(len(d.lines(r"greylist=(new|wait).*at=data")), 1)
        self.assertEqual(len(d.lines(r"greylist=.*at=rcpt")), 0)

    def test_a_recipient_without_greylisting(self):
        """Behind others it is let through alone; in front of them it takes them with it."""
        d = self.greylisting()
        c = self.policy_client(d)
        said, first = self.ask_known(d, c)
        self.assertEqual(said, GREYLISTED)
        self.assertRegex(c.ask(instance=first, recipient="Postmaster@recv.test"), r"^PREPEND Received-SPF: pass")
        self.assertEqual(c.ask(instance=first, recipient="carol@recv.test"), GREYLISTED)
        self.assertEqual(c.ask(instance=first, protocol_state="DATA", recipient="Postmaster@recv.test"), "DUNNO")
        self.assertRegex(c.ask(instance="2", recipient="abuse@recv.test"), r"^PREPEND Received-SPF: pass")
        self.assertEqual(c.ask(instance="2"), "DUNNO")
        self.assertEqual(c.ask(instance="2", protocol_state="DATA", recipient=""), "DUNNO")

    def test_a_recipient_without_greylisting_is_remembered_at_data(self):
        d = self.greylisting()
        c = self.policy_client(d)
        early, late = {"policy_context": "spf"}, {"policy_context": "greylist", "protocol_state": "DATA", "recipient": ""}
        self.assertRegex(c.ask(**early), r"^PREPEND Received-SPF: pass")
        self.assertEqual(c.ask(recipient="abuse@recv.test", **early), "DUNNO")
        self.assertEqual(c.ask(**late), "DUNNO")
        d.wait_for_log(r"greylist=exempt\(recipient\)")

        def both(instance):
            self.assertRegex(c.ask(instance=instance, **early), r"^PREPEND Received-SPF: pass")
            return c.ask(instance=instance, **late)

        self.assertEqual(self.known(d, both)[0], GREYLISTED)

    def test_greylisting_waits_for_no_end(self):
        d = self.greylisting(at="end")
        self.assertEqual(self.ask_known(d, self.policy_client(d))[0], GREYLISTED)

    def test_quarantine_is_hold(self):
        c = self.policy_client(self.service('sender = { mode = "enforce"; on-unknown-domain = "quarantine"; };\n'))
        self.assertEqual(c.ask(sender="ann@none.test"), "HOLD The sender's domain none.test has neither MX nor address")

    def test_shadow(self):
        d = self.service('spf = { mode = "shadow"; on-fail = "reject"; };\nclient = { mode = "shadow"; on-own-helo = "reject"; };\n')
        c = self.policy_client(d)
        self.assertRegex(c.ask(client_address="198.51.101.9"), r"^PREPEND Received-SPF: fail")
        d.wait_for_log(r"spf=fail .*action=accept would=reject cause=spf at=rcpt")
        self.assertRegex(c.ask(helo_name="mx.test", instance="2"), r"^PREPEND Received-SPF: pass")
        d.wait_for_log(r"helo-check=ours .*would=reject cause=helo at=rcpt")

    def test_who_is_left_at_data_was_let_through(self):
        c = self.policy_client(self.service())
        listed = {"client_address": "203.0.113.66", "sender": "ann@elsewhere.good.test", "helo_name": "h.good.test"}
        self.assertEqual(c.ask(**listed)[:3], "550")
        self.assertRegex(c.ask(recipient="postmaster@recv.test", **listed), r"^PREPEND Received-SPF: none")
        self.assertEqual(c.ask(protocol_state="DATA", recipient="", recipient_count="2", **listed), "DUNNO")
        late = {"protocol_state": "DATA", "instance": "2"}
        self.assertEqual([c.ask(**late, **listed)[:3] for _ in range(2)], ["550", "550"])

    def test_the_widest_exception_counts_at_data(self):
        c = self.policy_client(self.service())
        listed = {"client_address": "203.0.113.66", "sender": "ann@elsewhere.good.test", "helo_name": "h.good.test"}
        early, late = {"policy_context": "spf", **listed}, {"policy_context": "dnsbl", "protocol_state": "DATA", **listed}
        self.assertRegex(c.ask(recipient="abuse@recv.test", **early), r"^PREPEND Received-SPF: none")
        self.assertEqual(c.ask(recipient="postmaster@recv.test", **early), "DUNNO")
        self.assertEqual(c.ask(recipient="", **late), "DUNNO")
        self.assertRegex(c.ask(recipient="abuse@recv.test", instance="2", **early), r"^PREPEND Received-SPF: none")
        self.assertEqual(c.ask(recipient="", instance="2", **late)[:3], "550")

    def test_a_context_for_somebody_else(self):
        c = self.policy_client(self.service())
        listed = {"client_address": "203.0.113.66", "sender": "ann@elsewhere.good.test", "helo_name": "h.good.test"}
        self.assertEqual(c.ask(policy_context="submission", **listed)[:3], "550")
        self.assertRegex(c.ask(policy_context="spf,greylist", instance="2", **listed), r"^PREPEND Received-SPF: none")
        c = self.policy_client(self.service(checks='checks = [ "spf" ];'))
        self.assertEqual(c.ask(policy_context="dnsbl", **listed), "DUNNO")

    def test_a_sender_with_spf_where_spf_is_not_judged(self):
        c = self.policy_client(self.service(checks='checks = [ "sender" ];'))
        self.assertEqual(c.ask(sender="ann@nomx.test"), "DUNNO")
        self.assertEqual(c.ask(sender="ann@nomx.test", client_address="198.51.101.9", instance="2")[:9], "550 5.1.8")

    def test_certificates(self):
        """Postfix tells the subject of those alone that it trusts."""
        listed = {"client_address": "203.0.113.66", "sender": "ann@elsewhere.good.test", "helo_name": "h.good.test"}
        c = self.policy_client(self.service(GATE + "trust-tls-certificates = true;\n"))
        self.assertEqual(c.ask(ccert_subject="laptop", **listed), "DUNNO")
        self.assertEqual(c.ask(instance="2", **listed)[:3], "550")
        c = self.policy_client(self.service())
        self.assertEqual(c.ask(ccert_subject="laptop", **listed)[:3], "550")

    def test_long_values(self):
        c = self.policy_client(self.service())
        for n, name in enumerate(("sender", "recipient", "helo_name", "client_name", "client_address", "instance", "sasl_method",
                                  "queue_id", "policy_context")):
            self.assertRegex(c.ask(**{"instance": f"long{n}", name: "x" * 65536}), r"^(PREPEND|DUNNO)", name)
            self.assertRegex(c.ask(**{"instance": f"at{n}", name: "x@" * 30000}), r"^(PREPEND|DUNNO)", name)

    def test_ours_is_left_alone(self):
        d = self.service()
        c = self.policy_client(d)
        self.assertEqual(c.ask(client_address="203.0.113.66", sasl_method="PLAIN", sasl_username="ann"), "DUNNO")
        self.assertEqual(c.ask(client_address="127.0.0.1", instance="2"), "DUNNO")
        self.assertEqual(c.ask(client_address="198.51.100.3", instance="3"), "DUNNO")
        self.assertEqual(c.ask(client_address="203.0.113.66", ccert_subject="CN=x", instance="4")[:3], "550")
        self.assertEqual(d.dns.queries, [q for q in d.dns.queries if "66.113.0.203" in q[0] or "test" in q[0]])

    def test_dns_trouble_refuses_nobody(self):
        c = self.policy_client(self.service())
        self.assertRegex(c.ask(client_address="192.0.2.8"), r"^PREPEND Received-SPF: pass")

    def test_other_states_and_requests(self):
        c = self.policy_client(self.service())
        for state in ("CONNECT", "EHLO", "HELO", "MAIL", "END-OF-MESSAGE", "VRFY", "ETRN", "", None):
            self.assertEqual(c.ask(protocol_state=state, client_address="203.0.113.66"), "DUNNO")
        self.assertEqual(c.ask(request="junk_mail", client_address="203.0.113.66"), "DUNNO")
        self.assertEqual(c.ask(request=None, client_address="203.0.113.66"), "DUNNO")

    def test_without_instance_every_request_is_a_message(self):
        """Exim tells none."""
        c = self.policy_client(self.service())
        for _ in range(2):
            self.assertRegex(c.ask(instance=None), r"^PREPEND Received-SPF: pass")

    def test_forms(self):
        c = self.policy_client(self.service())
        self.assertRegex(c.ask(end="\r\n"), r"^PREPEND Received-SPF: pass")
        c.send(b"\n")
        self.assertEqual(c.answer(), "DUNNO")
        c.send(b"request=smtpd_access_policy\nprotocol_state=RCPT\n\n")
        self.assertEqual(c.answer(), "DUNNO")
        c.send(request(instance="5", unknown="x" * 65536, sender="\u00e4nn@good.test"))
        self.assertRegex(c.answer(), r"^PREPEND Received-SPF: pass")
        c.send(b"no attribute\n=\n" + request(instance="6", client_address="2001:db8::1", client_name="unknown"))
        self.assertRegex(c.answer(), r"^550 5\.7\.23 SPF fail")

    def test_an_end_in_mid_word(self):
        d = self.service()
        c = self.policy_client(d)
        c.send(request()[:-1])
        c.close()
        c = self.policy_client(d)
        self.assertRegex(c.ask(), r"^PREPEND")

    def test_unix_sockets_for_all_doors(self):
        d = self.daemon("", start=False, zone=ZONE)
        sockets = d.directory / "sockets"
        sockets.mkdir()
        secrets = d.directory / "srs.secrets"
        secrets.write_text("tops3cr3t-and-long-enough\n")
        secrets.chmod(0o600)
        d.configure(
            f'policy-service = {{ listen = "unix:{sockets}/policy"; }};\ncontrol = "unix:{sockets}/control";\n'
            f'srs = {{ listen = "unix:{sockets}/srs"; domain = "srs.recv.test"; secrets = "{secrets}"; }};\n' + GATE
        )
        d.start()
        self.assertEqual(len(d.lines(rf"is listening on \S+; the policy service on unix:{sockets}/policy; "
                                     rf"SRS look-ups on unix:{sockets}/srs$")), 1)
        d.policy = sockets / "policy"
        self.assertRegex(self.policy_client(d).ask(), r"^PREPEND Received-SPF: pass")
        d.stop()
        self.assertEqual(list(sockets.iterdir()), [])

    def test_split_and_pipelined(self):
        c = self.policy_client(self.service())
        for byte in request():
            c.send(bytes([byte]))
        self.assertRegex(c.answer(), r"^PREPEND")
        c.send(request(instance="2") + request(instance="2", recipient="x@recv.test") + request(instance="3"))
        self.assertRegex(c.answer(), r"^PREPEND")
        self.assertEqual(c.answer(), "DUNNO")
        self.assertRegex(c.answer(), r"^PREPEND")

    def test_a_request_without_end(self):
        d = self.service()
        c = self.policy_client(d)
        try:
            c.send(b"sender=" + b"x" * 300000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertIsNone(c.answer())
        d.wait_for_log("policy connection of .* is closed: a request that is too long")

    def test_200_connections(self):
        d = self.service()
        clients = [self.policy_client(d) for _ in range(200)]
        for n, c in enumerate(clients):
            c.send(request(instance=str(n)))
        for c in clients:
            self.assertRegex(c.answer(), r"^PREPEND Received-SPF: pass")


if __name__ == "__main__":
    harness.main()
