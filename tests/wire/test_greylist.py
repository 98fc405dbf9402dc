#!/usr/bin/python3
"""Greylisting on the wire: first attempt at one MX and retry at the other over one Redis, what a store in trouble does to
mail, what a restart leaves, and assay greylist beside the daemon."""

import json
import os
import shutil
import signal
import socket
import subprocess

import harness
from harness import BINARY, free_port, until

NOW = 1800000000
ZONE = {"example.com": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all"]}}
BASE = 'authserv-id = "mx.test";\ntrusted-networks = [ ];\n'


class Redis:
    def __init__(self):
        self.port = free_port()
        self.process = None
        self.start()

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(b"PING\r\n")
                return s.recv(100).startswith(b"+PONG")
        except OSError:
            return False

    def start(self):
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, cwd="/tmp", stdout=subprocess.DEVNULL)
        until(self.answers, "redis-server")

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


class Greylist(harness.WireTest):
    def mx(self, state="local", more="", wall=NOW):
        d = self.daemon("", ZONE, base=BASE, start=False, wall=wall)
        d.state = d.directory / "state"
        d.state.mkdir()
        d.configure(f'state-dir = "{d.state}";\nstate = "{state}";\ngreylist = {{ mode = "enforce"; {more} }};\n')
        d.start()
        return d

    def redis(self):
        if not shutil.which("redis-server"):
            self.skipTest("there is no redis-server")
        redis = Redis()
        self.addCleanup(redis.stop)
        return redis

    def attempt(self, d, address="203.0.113.10", sender="<a@plain.test>"):
        """The reply to DATA or to the end of the message, and the log line."""
        before = len(d.lines(r" ms=\d+"))
        c = d.client(hello=False)
        c.hello(address=address)
        reply = c.message(sender=sender)
        c.quit()
        return reply, d.wait_for_log(r" ms=\d+", before + 1)[-1]

    def answer(self, d, **letter):
        """Of a store that answers: on a busy machine it may need longer than the 0.2 s that a message waits."""
        def known():
            reply, line = self.attempt(d, **letter)
            return None if "greylist=unknown" in line else (reply, line)

        return until(known, "the store answers")

    def assert_deferred(self, d, seconds=30, **letter):
        reply, line = self.answer(d, **letter)
        self.assertEqual(reply.text, f"451 4.7.1 Greylisted, please try again in {seconds} seconds")
        self.assertRegex(line, r"action=tempfail cause=greylist at=data")

    def assert_passes(self, d, how, **letter):
        reply, line = (self.attempt if how == "unknown" else self.answer)(d, **letter)
        self.assertTrue(reply.accepted, reply)
        self.assertIn(f"greylist={how}", line)

    def becomes(self, d, how, **letter):
        """Until the log says so; the store may need a moment to notice."""
        until(lambda: f"greylist={how}" in self.attempt(d, **letter)[1], how)

    def test_retry_at_the_other_mx(self):
        redis = self.redis()
        one, two = (self.mx(f"redis://127.0.0.1:{redis.port}/0") for _ in range(2))
        self.answer(two, address="198.18.0.1")  # both are connected
        self.answer(one, address="198.18.1.1")
        self.assert_deferred(one)
        self.assert_deferred(two)
        one.clock.go_on(31)
        two.clock.go_on(31)
        self.assert_passes(two, "pass(network 203.0.113.0/24)")
        self.assert_passes(one, "pass(network 203.0.113.0/24)", address="203.0.113.99")

    def test_retry_from_another_host_of_the_domain(self):
        redis = self.redis()
        one, two = (self.mx(f"redis://127.0.0.1:{redis.port}/0") for _ in range(2))
        self.answer(two, address="198.18.0.1")
        self.answer(one, address="198.18.1.1")
        self.assert_deferred(one, address="192.0.2.10", sender="<a@example.com>")
        two.clock.go_on(31)
        self.assert_passes(two, "pass(domain example.com)", address="198.51.100.7", sender="<b@example.com>")

    def test_redis_is_stopped_and_comes_back(self):
        redis = self.redis()
        d = self.mx(f"redis://127.0.0.1:{redis.port}/0")
        self.answer(d)
        redis.stop()
        self.becomes(d, "unknown")
        for _ in range(5):
            self.assert_passes(d, "unknown")
        self.assertEqual(len(d.lines(r"error: state store redis://")), 1, d.log())
        self.assertGreaterEqual(d.counters()["greylist-unknown"], 5)
        redis.start()

        def is_back():
            d.clock.go_on(6)
            return "greylist=unknown" not in self.attempt(d)[1]

        until(is_back, "Redis is used again")
        self.assertEqual(len(d.lines(r"state store redis://\S+: works again")), 1)

    def test_a_password_is_told_to_nobody(self):
        redis = self.redis()
        d = self.mx(f"redis://mx:s3cret@127.0.0.1:{redis.port}/0")
        self.becomes(d, "unknown")
        self.assertEqual(len(d.lines(r"error: state store redis://127")), 1)
        self.assertNotIn("s3cret", d.log())

    def test_a_callout_is_left_alone(self):
        d = self.mx()
        c = d.client(hello=False)
        c.hello(address="203.0.113.10")
        self.assertTrue(c.mail("<>").accepted)
        self.assertTrue(c.rcpt("<b@mx.test>").accepted)
        c.quit()
        self.assert_deferred(d)  # first contact
        d.clock.go_on(29)
        reply, _ = self.answer(d)
        self.assertEqual(reply.text, "451 4.7.1 Greylisted, please try again in 1 second")

    def test_a_restart_and_a_kill_lose_nothing(self):
        d = self.mx()
        self.assert_deferred(d)
        d.process.kill()
        d.process.wait()
        d.clock.go_on(30)
        d.log_path.unlink()
        d.start()
        self.assert_passes(d, "pass(network 203.0.113.0/24)")

    def test_the_store_is_missing_and_then_there(self):
        d = self.mx()
        os.rename(d.state, f"{d.state}.away")
        self.assert_passes(d, "unknown")
        self.assertEqual(len(d.lines(r"error: state store .*/state.db: No such file")), 1)
        os.rename(f"{d.state}.away", d.state)

        def is_back():
            d.clock.go_on(2)
            return "greylist=unknown" not in self.attempt(d)[1]

        until(is_back, "the store is used again")

    def turned_on_by_a_reload(self, state="local", made_at_start=True, more=""):
        d = self.daemon("", ZONE, base=BASE, start=False)
        d.state = d.directory / "state"
        if made_at_start:
            d.state.mkdir()
        d.configure(f'state-dir = "{d.state}";\n')
        d.start()
        kept = d.client(hello=False)  # negotiated without DATA
        kept.hello(address="203.0.113.10")
        self.assertTrue(kept.message().accepted)
        d.state.mkdir(exist_ok=True)
        more = more or f'state-dir = "{d.state}";'
        self.assertTrue(d.reload(f'{more}\nstate = "{state}";\ngreylist = {{ mode = "enforce"; }};\n'))

        def greylisted():
            reply = kept.message()
            return reply.text.startswith("451 4.7.1 Greylisted, please try again in ")

        until(greylisted, "greylisting at the end")
        self.assertRegex(d.wait_for_log(r"cause=greylist")[-1], r"greylist=\S+ action=tempfail cause=greylist client")
        return d

    def test_a_reload_turns_it_on(self):
        d = self.turned_on_by_a_reload()
        self.assertTrue((d.state / "state.db").exists())

    def test_a_reload_turns_it_on_in_a_directory_made_since_the_start(self):
        self.turned_on_by_a_reload(made_at_start=False)

    def test_a_reload_turns_it_on_with_redis(self):
        self.turned_on_by_a_reload(f"redis://127.0.0.1:{self.redis().port}/0")

    def test_a_reload_leaves_the_store_where_it_is(self):
        d = self.turned_on_by_a_reload(more='state-dir = "/nowhere";')
        self.assertTrue(d.lines("warning: state-dir has changed: that takes effect at the next start"))
        self.assertTrue((d.state / "state.db").exists())

    def tool(self, d, *words, status=0):
        done = subprocess.run([BINARY, "greylist", *words, "-c", d.path], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_the_command_beside_the_daemon(self):
        d = self.mx(wall=0)  # the command has no clock but the real one
        self.assert_deferred(d, address="192.0.2.10", sender="<a@example.com>")
        found = json.loads(self.tool(d, "list", "--json"))["keys"]
        self.assertEqual([(k["kind"], k["name"], k["passed"]) for k in found],
                         [("domain", "example.com", False), ("network", "192.0.2.0/24", False)])
        self.assertEqual([k["expires"] - k["first"] for k in found], [86400, 86400])
        self.assertRegex(self.tool(d, "list"), r"(?m)^waits   first seen \S+Z, until \S+Z  domain example.com$")
        self.assertEqual(len(self.tool(d, "list", "--at", str(found[0]["expires"] - 1)).splitlines()), 2)
        self.assertEqual(self.tool(d, "list", "--at", str(max(k["expires"] for k in found))), "")
        self.assertEqual(self.tool(d, "list", "--at", "2026-11-29T20:00:00Z"), "")
        self.assertEqual(self.tool(d, "add", "198.51.100.7", "Example.NET"),
                         "network 198.51.100.0/24: passes\ndomain example.net: passes\n")
        found = json.loads(self.tool(d, "list", "--json"))["keys"]
        self.assertEqual([(k["kind"], k["name"], k["passed"]) for k in found][-1:], [("network", "198.51.100.0/24", True)])
        self.becomes(d, "pass(network 198.51.100.0/24)", address="198.51.100.99")
        self.assertEqual(self.tool(d, "forget", "198.51.100.0/24", "example.org"),
                         "network 198.51.100.0/24: forgotten\ndomain example.org: was not known\n")
        until(lambda: "greylist=pass" not in self.answer(d, address="198.51.100.99")[1], "it is new again")
        self.assertIn("neither a domain nor an address", self.tool(d, "add", "198.51.100.0/23", status=64))
        self.assertIn('"198.51.100" is neither a domain nor an address', self.tool(d, "add", "198.51.100", status=64))
        for suffix in ("com", "CO.UK"):
            self.assertIn(f'below "{suffix.lower()}", and greylisting never asks', self.tool(d, "add", suffix, status=64))
        self.assertEqual(self.tool(d, "forget", "com"), "domain com: was not known\n")
        d.stop()
        shutil.rmtree(d.state)
        self.assertIn("No such file or directory", self.tool(d, "list", status=75))


if __name__ == "__main__":
    harness.main()
