#!/usr/bin/python3
"""test_dns.py DNSQ [case...] - lib/dns against real servers and a misbehaving one, all on loopback.

ASSAY_FULL=1 plays the long forms (an outage of a whole minute, a longer flood). Exit status 77: skipped.
"""
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badserver import BadServer, reply
from rig import Client, Rig, falsify, free_port

FULL = os.environ.get("ASSAY_FULL") == "1"
DNSQ = None

ZONE = """$ORIGIN signed.example.
$TTL 300
@       SOA   ns hostmaster 1 3600 600 86400 30
        NS    ns
        TXT   "v=spf1 mx " "-all"
        MX    20 mail2
        MX    10 Mail1
ns      A     127.0.0.1
mail1   A     192.0.2.1
        A     192.0.2.2
        AAAA  2001:db8::1
mail2   A     192.0.2.3
alias   CNAME mail1
out     CNAME gone
ptr     PTR   mail1.signed.example.
odd     PTR   a\\.b.signed.example.
big     TXT   {big}
victim  TXT   "honest"
chain   TXT   "v=spf1 include:chain2.signed.example -all"
chain2  TXT   "v=spf1 include:chain3.signed.example -all"
chain3  TXT   "v=spf1 redirect=chain4.signed.example"
chain4  TXT   "v=spf1 ip4:192.0.2.1 -all"
*.deep  TXT   "v=spf1 include:x.%{{d}} -all"
"""


def zone_text():
    return ZONE.format(big=" ".join('"' + "x" * 250 + '"' for _ in range(16)))


class Case(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.rig.close)

    def client(self, *options):
        client = Client(DNSQ, *options)

        def close():
            if client.process.poll() is None:
                self.assertEqual(client.close(), 0)
        self.addCleanup(close)
        return client

    def bad_server(self, *args):
        server = BadServer(*args)
        self.addCleanup(server.stop)
        return server

    def outage(self, dnsq, name, seconds):
        """For so long all questions fail, softly; name has "%d" for a number."""
        before, asked = len(dnsq.answers), 0
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            dnsq.look_up("A", name % asked)
            asked += 1
            time.sleep(0.025)
        dnsq.wait(before + asked)
        self.assertLessEqual({a.status for a in dnsq.answers[before:]}, {"servfail", "timeout"})

    def recovery(self, dnsq, name):
        back = time.monotonic()
        while dnsq.ask("A", name).status != "answer":
            self.assertLess(time.monotonic() - back, 15)
            time.sleep(0.1)
        print(f"recovered after {time.monotonic() - back:.1f} s")

    def on_time(self, answer, ms):
        """It ended then; how much later depends on the machine: less than once more, of a time that is not short."""
        self.assertTrue(0.975 * ms <= answer.ms < ms + 0.95 * max(ms, 1000), answer)

    def known(self, dnsq, name):
        """The answer is in the cache: resolver and server have begun to work by now."""
        end = time.monotonic() + 30
        while dnsq.ask("A", name).status != "answer":
            self.assertLess(time.monotonic(), end)

    def expect(self, answer, status, *records, security=None):
        self.assertEqual((answer.status, answer.records), (status, list(records)), answer)
        if security:
            self.assertEqual(answer.security, security, answer)


class Misbehaviour(Case):
    """c-ares and what servers do wrong."""

    def setUp(self):
        super().setUp()
        self.server = self.bad_server()
        self.dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-t", 1000, "-d", "trust-ad")

    def test_truncated_answers_come_over_tcp(self):
        answer = self.dnsq.ask("TXT", "trunc8000.example")
        self.expect(answer, "answer", "x" * (8000 // 255 * 255))
        self.assertEqual(self.server.tcp_queries, 1)

    def test_forged_answers_are_not_taken(self):
        self.expect(self.dnsq.ask("A", "forged.example"), "answer", "192.0.2.1")

    def test_letters_are_sent_in_random_case(self):
        name = "abcdefghijklmnopqrstuvwxyz.example"
        self.expect(self.dnsq.ask("A", name), "answer", "192.0.2.1")
        self.assertTrue(self.server.spellings.isdisjoint({name, name.upper()}))
        # A resolver that does not keep it is asked again in lower case.
        self.expect(self.dnsq.ask("A", "lower.example"), "answer", "192.0.2.1")
        self.assertEqual(self.server.seen["lower.example"], 2)

    def test_a_lost_packet_is_sent_again(self):
        answer = self.dnsq.ask("A", "drop.example")
        self.expect(answer, "answer", "192.0.2.1")
        self.assertEqual(self.server.seen["drop.example"], 2)

    def test_tcp_has_all_the_time_that_is_left(self):
        answer = self.dnsq.ask("A", "late700.example")
        self.expect(answer, "answer", "192.0.2.1")
        self.assertGreaterEqual(answer.ms, 700)
        for name in "late3000.example", "tardy600.example":
            answer = self.dnsq.ask("A", name)
            self.expect(answer, "timeout")
            self.on_time(answer, 1000)
        self.assertEqual(self.server.tcp_queries, 3)

    def test_tcp_goes_to_the_server_that_was_truncated(self):
        silent = self.bad_server()
        silent.answers = lambda q, tcp: []
        dnsq = self.client("-s", f"127.0.0.1@{silent.port}", "-s", f"127.0.0.1@{self.server.port}", "-t", 3000)
        self.expect(dnsq.ask("A", "late100.example"), "answer", "192.0.2.1")
        self.assertEqual((silent.tcp_queries, self.server.tcp_queries), (0, 1))

    def test_another_servers_tcp_where_one_has_none(self):
        self.server.tcp.close()
        second = self.bad_server()
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-s", f"127.0.0.1@{second.port}", "-t", 3000)
        self.expect(dnsq.ask("A", "late100.example"), "answer", "192.0.2.1")
        self.assertEqual((self.server.tcp_queries, second.tcp_queries), (0, 1))

    def test_closing_ends_what_is_under_way_over_tcp(self):
        silent = self.bad_server()
        silent.answers = lambda q, tcp: []
        dnsq = self.client("-s", f"127.0.0.1@{silent.port}", "-s", f"127.0.0.1@{self.server.port}", "-t", 6000)
        dnsq.prefetch("A", "late30000.example")
        while not self.server.tcp_queries:
            time.sleep(0.01)
        self.assertEqual(dnsq.close(), 0)
        time.sleep(0.3)
        self.assertEqual(silent.tcp_connections, 0)  # another server is not asked any more

    def test_what_is_under_way_on_a_connection_that_is_closed_is_asked_again(self):
        self.server.in_order, self.server.closes_after = True, 10
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-t", 10000, "-w", 200)
        for i in range(200):
            dnsq.look_up("A", f"late5.n{i}.example")
        dnsq.wait(200)
        self.assertEqual({a.status for a in dnsq.answers}, {"answer"})

    def test_a_connection_that_answers_nothing_is_not_tried_for_ever(self):
        self.server.closes_after = 1
        self.server.answers = lambda q, tcp: [] if tcp else [reply(q, flags=0x200)]
        self.expect(self.dnsq.ask("A", "www.example"), "servfail")
        self.assertEqual(self.server.tcp_queries, 3)

    def test_a_slow_name_holds_up_no_other_over_tcp(self):
        self.server.in_order = True
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-t", 30000, "-w", 64)
        for i in range(4):
            dnsq.look_up("A", f"late5000.s{i}.example")
        while self.server.tcp_queries < 4:
            time.sleep(0.01)
        for i in range(20):
            self.expect(dnsq.ask("TXT", f"trunc4000.q{i}.example"), "answer", "x" * (4000 // 255 * 255))
        self.assertEqual([a for a in dnsq.answers if a.name.startswith("late")], [])
        dnsq.wait(24)
        self.assertEqual({a.status for a in dnsq.answers}, {"answer"})

    def test_servers_without_edns(self):
        self.expect(self.dnsq.ask("A", "noedns.example"), "answer", "192.0.2.1")

    def test_servers_that_know_no_edns_are_remembered(self):
        for denies, bare in (1, False), (4, False), (1, True), (4, True):
            with self.subTest(denies=denies, bare=bare):
                server = self.bad_server()
                server.denies, server.bare = denies, bare
                dnsq = self.client("-s", f"127.0.0.1@{server.port}", "-t", 2000, "-w", 64)
                for i in range(50):  # each of them has gone out with EDNS, or none after the first refusal
                    dnsq.look_up("A", f"w{i}.example")
                dnsq.wait(50)
                self.assertEqual({a.status for a in dnsq.answers}, {"answer"})
                self.assertLess(max(a.ms for a in dnsq.answers), 1900)
                before = server.edns_queries
                for i in range(20):
                    self.expect(dnsq.ask("A", f"x{i}.example"), "answer", "192.0.2.1")
                    self.assertEqual(server.seen[f"x{i}.example"], 1)
                self.expect(dnsq.ask("TXT", "trunc8000.example"), "answer", "x" * (8000 // 255 * 255))
                self.expect(dnsq.ask("A", "rcode1.example"), "servfail")
                self.expect(dnsq.ask("A", "rcode4.example"), "servfail")
                self.expect(dnsq.ask("A", "after.example"), "answer", "192.0.2.1")
                self.assertEqual(server.edns_queries, before)

    def test_edns_is_left_out_for_the_server_that_does_not_know_it(self):
        second = self.bad_server()
        second.denies = 1
        # The first one does not answer for a name that is silent: the second one is asked, and with EDNS at first.
        first = self.bad_server()
        first.answers = lambda q, tcp, ask=first.answers: [] if q.name.lower().startswith("y") else ask(q, tcp)
        dnsq = self.client("-s", f"127.0.0.1@{first.port}", "-s", f"127.0.0.1@{second.port}", "-t", 3000)
        self.expect(dnsq.ask("A", "y1.example"), "answer", "192.0.2.1")
        self.expect(dnsq.ask("A", "y2.example"), "answer", "192.0.2.1")
        self.assertEqual(second.edns_queries, 1)
        before = first.edns_queries
        self.expect(dnsq.ask("A", "www.example"), "answer", "192.0.2.1")
        self.assertEqual(first.edns_queries, before + 1)

    def test_rcodes(self):
        self.expect(self.dnsq.ask("A", "rcode2.example"), "servfail")
        self.expect(self.dnsq.ask("A", "rcode3.example"), "nxdomain")
        self.expect(self.dnsq.ask("A", "rcode4.example"), "servfail")
        self.expect(self.dnsq.ask("A", "rcode5.example"), "servfail")
        self.expect(self.dnsq.ask("A", "referral.example"), "servfail")
        self.assertEqual(self.dnsq.counter("dns-servfail"), 4)

    def test_timeouts_are_exact(self):
        for name in "silent.example", "garbage.example":
            answer = self.dnsq.ask("A", name)
            self.expect(answer, "timeout")
            self.on_time(answer, 1000)
        self.assertEqual(self.dnsq.counter("dns-timeouts"), 2)

    def test_patience_ends_before_the_query(self):
        answer = self.dnsq.ask("A", "slow500.example", 200)
        self.expect(answer, "timeout")
        self.on_time(answer, 200)
        # The query goes on for whoever asks next.
        answer = self.dnsq.ask("A", "slow500.example")
        self.expect(answer, "answer", "192.0.2.1")
        self.assertEqual(self.dnsq.counter("dns-queries"), 1)

    def test_half_chains_are_followed(self):
        answer = self.dnsq.ask("A", "chain5.example")
        self.expect(answer, "answer", "192.0.2.1")
        self.assertEqual(answer.ttl, 101)
        self.expect(self.dnsq.ask("A", "chain60.example"), "servfail")
        self.assertLess(self.server.seen["chain50.example"], 1)

    def test_ad_is_believed_of_loopback_only(self):
        self.expect(self.dnsq.ask("A", "ad.example"), "answer", "192.0.2.1", security="secure")
        self.expect(self.dnsq.ask("A", "www.example"), "answer", "192.0.2.1", security="unchecked")
        off = self.client("-s", f"127.0.0.1@{self.server.port}", "-d", "off")
        self.expect(off.ask("A", "ad.example"), "answer", "192.0.2.1", security="unchecked")
        mixed = self.client("-s", f"127.0.0.1@{self.server.port}", "-s", "192.0.2.53", "-d", "trust-ad")
        self.expect(mixed.ask("A", "ad.example"), "answer", "192.0.2.1", security="unchecked")

    def test_the_next_server_helps_out(self):
        second = self.bad_server()
        dnsq = self.client("-s", f"127.0.0.1@{free_port()}", "-s", f"127.0.0.1:{second.port}", "-t", 2000)
        self.expect(dnsq.ask("A", "www.example"), "answer", "192.0.2.1")
        self.assertEqual(second.seen["www.example"], 1)

    def test_ipv6(self):
        server = self.bad_server("::1")
        dnsq = self.client("-s", f"[::1]:{server.port}", "-d", "trust-ad")
        self.expect(dnsq.ask("A", "ad.example"), "answer", "192.0.2.1", security="secure")

    def test_too_many_in_flight(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-m", 20, "-t", 4000, "-w", 64)
        for i in range(50):
            dnsq.look_up("A", f"silent{i}.example")
        dnsq.wait(30)  # 30 were turned away long before the 20 that were sent timed out
        self.assertEqual({a.status for a in dnsq.answers[:30]}, {"servfail"})
        dnsq.wait(50)
        self.assertEqual({a.status for a in dnsq.answers[30:]}, {"timeout"})
        self.assertEqual(dnsq.counter("dns-refused"), 30)
        self.expect(dnsq.ask("A", "www.example"), "answer", "192.0.2.1")

    def test_half_of_the_places_are_for_look_ups(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-m", 20, "-t", 4000, "-w", 64)
        for i in range(30):
            dnsq.prefetch("A", f"silent{i}.example")
        self.assertEqual(dnsq.counter("dns-queries"), 10)
        self.assertEqual(dnsq.counter("dns-refused"), 0)
        self.expect(dnsq.ask("A", "www.example"), "answer", "192.0.2.1")

    def test_one_query_for_many_askers(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-w", 64)
        for _ in range(64):
            dnsq.look_up("A", "slow300.example")
        dnsq.wait(64)
        self.assertEqual({a.status for a in dnsq.answers}, {"answer"})
        self.assertEqual(dnsq.counter("dns-queries"), 1)

    def test_closing_with_queries_under_way(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.server.port}", "-t", 60000)
        for i in range(200):
            dnsq.prefetch("A", f"silent{i}.example")
        self.assertEqual(dnsq.counter("dns-queries"), 200)
        began = time.monotonic()
        self.assertEqual(dnsq.close(), 0)
        self.assertLess(time.monotonic() - began, 5)


class Flood(Case):
    """200 silent names per second; the others must not notice."""

    def quiet(self, dnsq, good):
        """How long a good name takes while nothing else is asked for: the machine may have other things to do."""
        return max(dnsq.ask("A", good % -i).ms for i in range(1, 30))

    def flood(self, dnsq, silent, good, seconds):
        """Asks for silent names and ten times fewer good ones ("%d" is a number in both)."""
        seconds = 60 if FULL else seconds
        quiet = self.quiet(dnsq, good)
        before = len(dnsq.answers)
        began = time.monotonic()
        for i in range(seconds * 200):
            dnsq.prefetch("A", silent % i)
            if i % 10 == 0:
                dnsq.look_up("A", good % i)
            time.sleep(max(0, began + i / 200 - time.monotonic()))
        dnsq.wait(before + seconds * 20)
        failed = [a for a in dnsq.answers if a.status != "answer"]
        times = sorted(a.ms for a in dnsq.answers[before:])
        median, most = times[len(times) // 2], times[len(times) * 99 // 100]
        print(f"{seconds * 200} silent names in {seconds} s; {len(times)} good ones: {len(failed)} failed, "
              f"median {median} ms, 99 % {most} ms, worst {times[-1]} ms; {quiet} ms without the silent ones")
        self.assertEqual(failed, [])
        self.assertLess(median, 50 + 3 * quiet)
        self.assertLess(most, 500 + 5 * quiet)
        self.assertEqual(dnsq.counter("dns-queries"), seconds * 220 + before)
        self.assertEqual(dnsq.counter("dns-refused"), 0)
        given_up = dnsq.counter("dns-timeouts") + dnsq.counter("dns-servfail")
        self.assertGreater(given_up, (seconds - 6) * 200)


class Errands:
    """Chains of includes are walked while the client says nothing, by whatever asks."""

    def walk(self, dnsq, zone):
        for i in range(4):
            dnsq.look_up("SPF", f"m{i}.deep.{zone}", 3000)
        dnsq.look_up("SPF", f"chain.{zone}", 3000)
        dnsq.wait(5)
        *deep, chain = sorted(dnsq.answers, key=lambda answer: answer.status == "pass")
        self.assertEqual({answer.status for answer in deep}, {"permerror"})
        self.assertEqual(chain.status, "pass")
        self.assertLess(chain.ms, 1)  # the others may be longer than an errand's share of the time
        self.assertEqual(dnsq.counter("dns-queries"), 4 * 11 + 4)

    def close_in_mid_walk(self, dnsq, zone):
        for i in range(50):
            dnsq.look_up("SPF", f"m{i}.deep.{zone}", 30000)
        while dnsq.counter("dns-queries") < 100:
            time.sleep(0.001)
        began = time.monotonic()
        dnsq.say("!")
        self.assertEqual(dnsq.close(), 0)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual({a.status for a in dnsq.answers} - {"permerror"}, {"temperror"})


class Silence(Flood):
    def test_c_ares(self):
        server = self.bad_server()
        self.flood(self.client("-s", f"127.0.0.1@{server.port}", "-t", 5000, "-w", 32),
                   "silent%d.example", "good%d.example", 8)
        self.assertGreater(sum(1 for name in server.seen if name.startswith("silent")), 1500)


class Resolver(Case, Errands):
    """c-ares before a real resolver before a real server with a signed zone."""

    def setUp(self):
        super().setUp()
        path = self.rig.write("signed.example", zone_text())
        signed, self.anchor, _ = self.rig.sign("signed.example", path)
        falsify(signed, '"honest"', '"forged"')
        _, self.nsd_port = self.rig.nsd({"signed.example": signed})
        self.resolver, self.port = self.rig.unbound({"signed.example": self.nsd_port}, self.anchor)

    def test_types_and_ad(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.port}", "-d", "trust-ad")

        def ask(rtype, name, status, *records):
            self.expect(dnsq.ask(rtype, name), status, *records, security="secure")
        ask("TXT", "signed.example", "answer", "v=spf1 mx -all")
        ask("MX", "signed.example", "answer", "10 mail1.signed.example", "20 mail2.signed.example")
        ask("AAAA", "mail1.signed.example", "answer", "2001:db8::1")
        ask("CNAME", "alias.signed.example", "answer", "mail1.signed.example")
        ask("PTR", "ptr.signed.example", "answer", "mail1.signed.example")
        ask("PTR", "odd.signed.example", "answer", "a\\x5c046b.signed.example")
        ask("TXT", "big.signed.example", "answer", "x" * 4000)
        ask("MX", "mail1.signed.example", "nodata")
        ask("A", "out.signed.example", "nxdomain")
        nx = dnsq.ask("A", "nothere.signed.example")
        self.expect(nx, "nxdomain", security="secure")
        self.assertLessEqual(nx.ttl, 30)
        alias = dnsq.ask("A", "alias.signed.example")
        self.assertEqual(sorted(alias.records), ["192.0.2.1", "192.0.2.2"])
        self.expect(dnsq.ask("TXT", "victim.signed.example"), "servfail", security="unchecked")
        self.assertTrue(dnsq.ask("A", "ALIAS.signed.example").cached)

    def test_errands(self):
        self.walk(self.client("-s", f"127.0.0.1@{self.port}", "-w", 64), "signed.example")
        self.close_in_mid_walk(self.client("-s", f"127.0.0.1@{self.port}", "-w", 64), "signed.example")

    def test_the_resolver_dies_and_comes_back(self):
        outage = 60 if FULL else 5
        dnsq = self.client("-s", f"127.0.0.1@{self.port}", "-t", 1000, "-f", 2, "-w", 64)
        self.known(dnsq, "mail1.signed.example")
        self.rig.stop(self.resolver, 9)
        self.outage(dnsq, "n%d.signed.example", outage)
        # What was known stays known.
        self.assertTrue(dnsq.ask("A", "mail1.signed.example").cached)
        resolver, _ = self.rig.unbound({"signed.example": self.nsd_port}, self.anchor, self.port)
        self.recovery(dnsq, "mail2.signed.example")
        # The same without a word: it hangs, and the host refuses nothing.
        resolver.send_signal(signal.SIGSTOP)
        self.outage(dnsq, "m%d.signed.example", 3)
        resolver.send_signal(signal.SIGCONT)
        self.recovery(dnsq, "ns.signed.example")


class Validation(Flood, Errands):
    """libunbound with a trust anchor, forwarding to a resolver that does not validate."""

    def setUp(self):
        super().setUp()
        path = self.rig.write("signed.example", zone_text())
        signed, self.anchor, _ = self.rig.sign("signed.example", path)
        falsify(signed, '"honest"', '"forged"')
        plain = self.rig.write("plain.example", zone_text().replace("signed.example", "plain.example"))
        _, nsd = self.rig.nsd({"signed.example": signed, "plain.example": plain})
        self.bad = self.bad_server()
        _, self.port = self.rig.unbound({"signed.example": nsd, "plain.example": nsd,
                                         "bad.example": self.bad.port})

    def test_secure_insecure_bogus(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.port}", "-d", "validate", "-k", self.anchor)
        self.expect(dnsq.ask("TXT", "signed.example"), "answer", "v=spf1 mx -all", security="secure")
        self.expect(dnsq.ask("MX", "signed.example"), "answer", "10 mail1.signed.example",
                    "20 mail2.signed.example", security="secure")
        self.expect(dnsq.ask("A", "nothere.signed.example"), "nxdomain", security="secure")
        self.expect(dnsq.ask("MX", "mail1.signed.example"), "nodata", security="secure")
        self.expect(dnsq.ask("A", "out.signed.example"), "nxdomain", security="secure")
        self.expect(dnsq.ask("TXT", "victim.signed.example"), "bogus", security="bogus")
        self.expect(dnsq.ask("TXT", "big.signed.example"), "answer", "x" * 4000, security="secure")
        self.expect(dnsq.ask("PTR", "odd.signed.example"), "answer", "a\\x5c046b.signed.example")
        self.expect(dnsq.ask("TXT", "plain.example"), "answer", "v=spf1 mx -all", security="insecure")
        self.assertEqual(dnsq.counter("dns-bogus"), 1)

    def test_errands(self):
        for zone in "signed.example", "plain.example":
            options = ["-s", f"127.0.0.1@{self.port}", "-d", "validate", "-k", self.anchor, "-w", 64]
            self.walk(self.client(*options), zone)
            self.close_in_mid_walk(self.client(*options), zone)

    def test_an_alias_that_leads_to_nothing(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.bad.port}", "-d", "validate", "-k", self.anchor)
        for name in "bare.bad.example", "alias.bad.example":
            answer = dnsq.ask("TXT", name)
            self.expect(answer, "nodata", security="insecure")
            self.assertEqual(answer.ttl, 0)  # without a SOA it is not kept

    def test_time_is_up(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.bad.port}", "-d", "validate", "-k", self.anchor, "-t", 1500)
        answer = dnsq.ask("A", "silent.bad.example")
        self.expect(answer, "timeout")
        self.on_time(answer, 1500)
        self.expect(dnsq.ask("A", "www.bad.example"), "answer", "192.0.2.1", security="insecure")

    def test_the_forwarder_dies_and_comes_back(self):
        server = self.bad_server()
        dnsq = self.client("-s", f"127.0.0.1@{server.port}", "-d", "validate", "-k", self.anchor, "-t", 1000,
                           "-f", 1, "-w", 200)
        self.known(dnsq, "first.example")
        server.stop()
        self.outage(dnsq, "n%d.example", 60 if FULL else 5)
        self.bad_server("127.0.0.1", server.port)
        self.recovery(dnsq, "last.example")

    def test_silent_names(self):
        self.flood(self.client("-s", f"127.0.0.1@{self.bad.port}", "-d", "validate", "-k", self.anchor, "-w", 32),
                   "silent%d.example", "good%d.example", 8)

    def test_closing_with_queries_under_way(self):
        dnsq = self.client("-s", f"127.0.0.1@{self.bad.port}", "-d", "validate", "-k", self.anchor, "-t", 60000)
        for i in range(100):
            dnsq.prefetch("A", f"silent{i}.bad.example")
        self.assertEqual(dnsq.counter("dns-queries"), 100)
        began = time.monotonic()
        self.assertEqual(dnsq.close(), 0)
        self.assertLess(time.monotonic() - began, 5)

    def test_what_cannot_be_opened(self):
        for options in (["-d", "validate", "-k", "/nonexistent"], ["-r", "-h", "/nonexistent"],
                        ["-s", "ns.example"], ["-s", "127.0.0.1@0"], ["-d", "validate", "-s", "x"]):
            done = subprocess.run([DNSQ, *options], input="", capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, options)
            self.assertRegex(done.stderr, "^dnsq: .*(/nonexistent|not a resolver)")


ROOT = """$TTL 300
.           SOA ns.root. x. 1 3600 600 86400 30
.           NS  ns.root.
ns.root.    A   127.0.0.1
signed.example. NS ns.signed.example.
{ds}
ns.signed.example. A 127.0.0.2
bad.example. NS ns.bad.example.
ns.bad.example. A 127.0.0.3
1.0.0.10.in-addr.arpa. PTR inside.example.
"""


class Recursion(Flood):
    """libunbound from the root down, in a network of its own where port 53 is free."""

    def setUp(self):
        super().setUp()
        path = self.rig.write("signed.example",
                              zone_text().replace("ns      A     127.0.0.1", "ns A 127.0.0.2"))
        signed, _, ds = self.rig.sign("signed.example", path)
        falsify(signed, '"honest"', '"forged"')
        root = self.rig.write("root", ROOT.format(ds=ds))
        signed_root, self.anchor, _ = self.rig.sign(".", root)
        self.rig.nsd({".": signed_root}, "127.0.0.1", 53)
        self.rig.nsd({"signed.example": signed}, "127.0.0.2", 53)
        self.hints = self.rig.write("hints", ". 3600 NS ns.root.\nns.root. 3600 A 127.0.0.1\n")

    def test_silent_names(self):
        self.bad_server("127.0.0.3", 53)
        self.flood(self.client("-r", "-h", self.hints, "-w", 32), "silent%d.bad.example", "good%d.bad.example", 8)

    def test_from_the_root(self):
        dnsq = self.client("-r", "-h", self.hints)
        self.expect(dnsq.ask("TXT", "signed.example"), "answer", "v=spf1 mx -all", security="unchecked")
        self.expect(dnsq.ask("TXT", "victim.signed.example"), "answer", "forged")
        self.expect(dnsq.ask("A", "nothere.signed.example"), "nxdomain")
        self.expect(dnsq.ask("PTR", "1.0.0.10.in-addr.arpa"), "answer", "inside.example")
        self.expect(dnsq.ask("A", "nothere.at.all"), "nxdomain")

    def test_from_the_root_with_validation(self):
        dnsq = self.client("-r", "-h", self.hints, "-d", "validate", "-k", self.anchor)
        self.expect(dnsq.ask("TXT", "signed.example"), "answer", "v=spf1 mx -all", security="secure")
        self.expect(dnsq.ask("TXT", "victim.signed.example"), "bogus", security="bogus")
        self.expect(dnsq.ask("A", "nothere.at.all"), "nxdomain", security="secure")


class ResolvConf(Case):
    """No resolvers given: those of resolv.conf, in a network of its own where port 53 is free."""

    def setUp(self):
        super().setUp()
        self.server = self.bad_server("127.0.0.4", 53)
        path = self.rig.write("resolv.conf", "nameserver 127.0.0.5\nnameserver 127.0.0.4\n")
        subprocess.run(["mount", "--bind", path, "/etc/resolv.conf"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/resolv.conf"], check=True)

    def test_c_ares(self):
        dnsq = self.client("-d", "trust-ad")
        self.expect(dnsq.ask("A", "ad.example"), "answer", "192.0.2.1", security="secure")
        dnsq = self.client("-t", 1000)
        answer = dnsq.ask("A", "silent.example")
        self.expect(answer, "timeout")
        self.assertTrue(400 <= answer.ms <= 1900, answer)
        self.rig.write("resolv.conf", "nameserver 127.0.0.4\nnameserver 192.0.2.53\n")
        dnsq = self.client("-d", "trust-ad")
        self.expect(dnsq.ask("A", "ad.example"), "answer", "192.0.2.1", security="unchecked")

    def test_libunbound(self):
        path = self.rig.write("signed.example", zone_text())
        _, anchor, _ = self.rig.sign("signed.example", path)
        dnsq = self.client("-d", "validate", "-k", anchor)
        self.expect(dnsq.ask("A", "www.example"), "answer", "192.0.2.1", security="insecure")

    def test_it_is_read_again_when_no_resolver_answers(self):
        self.rig.write("resolv.conf", "nameserver 127.0.0.4\n")
        dnsq = self.client("-t", 500, "-d", "trust-ad")
        self.expect(dnsq.ask("A", "one.example"), "answer", "192.0.2.1")
        second = self.bad_server("127.0.0.6", 53)
        self.rig.write("resolv.conf", "nameserver 127.0.0.6\n")
        for i in range(10):  # as long as one answers, nothing is read
            self.expect(dnsq.ask("A", f"two{i}.example"), "answer", "192.0.2.1")
        self.assertEqual(sum(second.seen.values()), 0)
        self.server.answers = lambda q, tcp: []
        began = time.monotonic()
        while dnsq.ask("A", "three.example").status != "answer":
            self.assertLess(time.monotonic() - began, 10)
        self.expect(dnsq.ask("A", "ad.example"), "answer", "192.0.2.1", security="secure")
        self.assertGreater(second.seen["three.example"], 0)
        self.expect(dnsq.ask("TXT", "trunc4000.example"), "answer", "x" * (4000 // 255 * 255))

    def test_what_is_under_way_is_asked_of_the_new_ones(self):
        self.rig.write("resolv.conf", "nameserver 127.0.0.4\n")
        dnsq = self.client("-t", 6000)
        self.expect(dnsq.ask("A", "one.example"), "answer", "192.0.2.1")
        self.bad_server("127.0.0.6", 53)
        self.server.answers = lambda q, tcp: [reply(q, rcode=5)] if q.name.lower().startswith("r") else []
        self.rig.write("resolv.conf", "nameserver 127.0.0.6\n")
        time.sleep(2.1)
        dnsq.look_up("A", "waits.example")
        time.sleep(0.2)
        for i in range(3):  # failures enough to doubt
            dnsq.look_up("A", f"r{i}.example")
        dnsq.wait(5)
        waited = next(a for a in dnsq.answers if a.name == "waits.example")
        self.expect(waited, "answer", "192.0.2.1")

    def test_addresses_with_an_interface(self):
        subprocess.run(["ip", "addr", "add", "fe80::53/64", "dev", "lo", "nodad"], check=True)
        self.addCleanup(subprocess.run, ["ip", "addr", "del", "fe80::53/64", "dev", "lo"], check=True)
        while subprocess.check_output(["ip", "addr", "show", "dev", "lo", "tentative"]):
            time.sleep(0.01)  # the kernel lets it be used somewhat later, nodad or not
        server = self.bad_server("fe80::53%lo", 53)
        self.rig.write("resolv.conf", "nameserver fe80::53%lo # the router\n")
        self.expect(self.client().ask("A", "www.example"), "answer", "192.0.2.1")
        given = self.client("-s", "[fe80::53%lo]:53")
        self.expect(given.ask("TXT", "trunc4000.example"), "answer", "x" * (4000 // 255 * 255))
        self.assertEqual((server.seen["www.example"], server.tcp_queries), (1, 1))
        path = self.rig.write("signed.example", zone_text())
        _, anchor, _ = self.rig.sign("signed.example", path)
        self.expect(self.client("-d", "validate", "-k", anchor).ask("A", "www.example"), "answer", "192.0.2.1")
        self.assertGreater(server.seen["www.example"], 1)


def own_network():
    """Starts this script again with a network and mounts of its own; 77 where that is not allowed."""
    if os.environ.get("ASSAY_OWN_NETWORK") == "1":
        return
    root = [] if os.getuid() == 0 else ["--map-root-user"]
    unshare = ["unshare", "--net", "--mount", *root, "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        print("no namespaces can be made here: run it as root")
        sys.exit(77)
    os.environ["ASSAY_OWN_NETWORK"] = "1"
    os.execvp(unshare[0], unshare + [sys.executable, *sys.argv])


if __name__ == "__main__":
    DNSQ = os.path.abspath(sys.argv.pop(1))
    if any(case.split(".")[0] in ("Recursion", "ResolvConf") for case in sys.argv[1:]):
        sys.argv.insert(1, DNSQ)
        own_network()
        sys.argv.pop(1)
    unittest.main(verbosity=2)
