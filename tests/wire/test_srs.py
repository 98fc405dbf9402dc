#!/usr/bin/python3
"""The socketmap door: what it answers, what it does not take, many clients at once, secrets that are not there.

DAY is that of the vectors in tests/unit/test_srs.c."""

import contextlib
import json
import socket
import subprocess
import threading
import time

import harness
from harness import BINARY, LOOPBACK, PATIENCE, free_port

DAY = 86400
NOW = 20000 * DAY + 43210
ALICE = "SRS0=71em=RA=example.com=alice@srs.example.org"
SECRETS = "tops3cr3t\nolder\n"


def netstring(text):
    data = text.encode() if isinstance(text, str) else text
    return b"%d:%s," % (len(data), data)


class Map:
    """A client, as both MTAs are one."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.kept = b""

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next one; None: the connection has ended."""
        while True:
            digits, colon, rest = self.kept.partition(b":")
            if colon and len(rest) > int(digits):
                end = int(digits)
                assert rest[end : end + 1] == b",", rest
                self.kept = rest[end + 1 :]
                return rest[:end].decode()
            try:
                came = self.socket.recv(65536)
            except ConnectionResetError:
                came = b""
            if not came:
                assert not self.kept, self.kept
                return None
            self.kept += came

    def ask(self, query):
        self.send(netstring(query))
        return self.answer()

    def close(self):
        self.socket.close()


def send_all(client, data):
    with contextlib.suppress(OSError):  # it ends before all is taken
        client.send(data)


def send_beside(client, data):
    """The thread that sends it, for as long as that takes."""
    client.socket.settimeout(None)
    sender = threading.Thread(target=send_all, args=(client, data), daemon=True)
    sender.start()
    return sender


class Srs(harness.WireTest):
    def srs_daemon(self, secrets=SECRETS, more="", **options):
        d = self.daemon("", start=False, **options)
        d.secrets = d.directory / "secrets"
        d.srs = (LOOPBACK, free_port())
        d.control = d.directory / "control.sock"
        d.srs_config = f"""control = "unix:{d.control}";
            srs = {{ listen = "inet:{d.srs[1]}@{LOOPBACK}"; domain = "srs.example.org"; secrets = "{d.secrets}";
                     local-domains = [ "example.org" ]; hash-length = 4; {more} }};\n"""
        if secrets is not None:
            self.write_secrets(d, secrets)
        d.configure(d.srs_config)
        d.start()
        return d

    def write_secrets(self, d, text, mode=0o600):
        d.secrets.write_text(text)
        d.secrets.chmod(mode)

    def map(self, d):
        m = Map(d.srs)
        self.addCleanup(m.close)
        return m

    def figures(self, d):
        done = subprocess.run([BINARY, "status", "--json", "-c", d.path], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def test_answers(self):
        d = self.srs_daemon(wall=NOW)
        m = self.map(d)
        for query, answer in (
            ("forward alice@example.com", f"OK {ALICE}"),
            ("forward <alice@example.com>", f"OK {ALICE}"),
            ("forward SRS0=71em=RA=example.com=alice@fwd.example",
             "OK SRS1=mM++=fwd.example==71em=RA=example.com=alice@srs.example.org"),
            ('forward "a@b"@example.com', 'OK "SRS0=rl7K=RA=example.com=a@b"@srs.example.org'),
            ("forward bob@example.org", "NOTFOUND "),
            ("forward " + ALICE, "NOTFOUND "),
            ("forward <>", "NOTFOUND "),
            ("forward ", "NOTFOUND "),
            ("forward", "NOTFOUND "),
            ("forward @example.com", "NOTFOUND "),
            ("forward example.com", "NOTFOUND "),
            ("forward " + 64 * "x" + "@example.com", "NOTFOUND "),
            (b"forward a\0b@example.com", "NOTFOUND "),
            (b"forward a\nb@example.com", "NOTFOUND "),
            (b"forward \xff@example.com", "NOTFOUND "),
            ("reverse " + ALICE, "OK alice@example.com"),
            ("reverse " + ALICE.lower(), "OK alice@example.com"),
            ("reverse " + ALICE.replace("71em", "71en"), "NOTFOUND "),
            ("reverse " + ALICE.replace("srs.example.org", "other.example"), "NOTFOUND "),
            ("reverse bob@srs.example.org", "NOTFOUND "),
            ("reverse @srs.example.org", "NOTFOUND "),
            ("reverse srs.example.org", "NOTFOUND "),
            ("", "NOTFOUND "),
            (" ", "NOTFOUND "),
            ("forwar alice@example.com", "NOTFOUND "),
            ("other alice@example.com", "NOTFOUND "),
            ("forward " + 9992 * "x", "NOTFOUND "),
        ):
            self.assertEqual(m.ask(query), answer, query)
        self.assertEqual(len(d.lines("asks for the map")), 1)
        d.wait_for_log(r"srs: x+\S* is not rewritten: its local part would be longer than 64 octets")
        d.wait_for_log(r"srs: SRS0=71en=RA=\S+ is refused: its hash is not of our making")
        srs = self.figures(d)["srs"]
        self.assertEqual(srs.pop("listen"), f"inet:{d.srs[1]}@{LOOPBACK}")
        self.assertEqual(srs, {"domain": "srs.example.org", "forwarded": 4, "too_long": 1, "reversed": 2, "refused": 1,
                               "unavailable": 0})
        self.assertIn(f"inet:{d.srs[1]}@{LOOPBACK}", self.figures(d)["listeners"])
        text = subprocess.run([BINARY, "status", "-c", d.path], capture_output=True, text=True, check=True).stdout
        self.assertRegex(text, r"(?m)^SRS +inet:\d+@127\S+, for srs.example.org, 4 forwarded, 1 too long, 2 reversed")

    def test_days_pass(self):
        d = self.srs_daemon(clock=True, wall=NOW)
        m = self.map(d)
        d.clock.go_on(21 * DAY)
        m = self.map(d)  # the other one was silent for weeks
        self.assertEqual(m.ask("reverse " + ALICE), "OK alice@example.com")
        d.clock.go_on(DAY)
        self.assertEqual(self.map(d).ask("reverse " + ALICE), "NOTFOUND ")
        d.wait_for_log("is refused: it has expired")

    def test_days_to_come(self):
        d = self.srs_daemon(wall=NOW - 2 * DAY)
        m = self.map(d)
        for _ in range(3):  # the MTA comes again
            self.assertEqual(m.ask("reverse " + ALICE), "TEMP it is of a day to come: is a clock wrong?")
        d.wait_for_log(r"SRS0=\S+ is put off: it is of a day to come")
        self.assertEqual(len(d.lines("is put off")), 1)
        self.assertEqual(self.figures(d)["srs"]["unavailable"], 3)

    def test_pieces(self):
        d = self.srs_daemon(wall=NOW)
        m = self.map(d)
        query = netstring("forward alice@example.com")
        for i in range(len(query)):
            m.send(query[i : i + 1])
        self.assertEqual(m.answer(), f"OK {ALICE}")
        m.send(200 * (query + netstring("reverse x@y")) + query[:7])
        for _ in range(200):
            self.assertEqual((m.answer(), m.answer()), (f"OK {ALICE}", "NOTFOUND "))
        m.send(query[7:])
        self.assertEqual(m.answer(), f"OK {ALICE}")

    def test_no_netstrings(self):
        d = self.srs_daemon(wall=NOW)
        for data, why in (
            (b"get alice@example.com\n", "no netstring"),
            (b":,", "no netstring"),
            (b"03:a b,", "no netstring"),
            (b"3 :a b,", "no netstring"),
            (b"-3:a b,", "no netstring"),
            (b"3:a bc", "has no end"),
            (b"10001:", "too long"),
            (b"99999999999999999999999:", "too long"),
            (b"000000", "too long"),
            (b"\0\0\0\x0dO\0\0\0\6", "no netstring"),
        ):
            count = len(d.lines(rf"socketmap connection of 127\S*:.*{why}"))
            m = self.map(d)
            m.send(netstring("forward alice@example.com") + data)
            self.assertEqual(m.answer(), f"OK {ALICE}", data)
            self.assertIsNone(m.answer(), data)
            d.wait_for_log(rf"socketmap connection of 127\S*:.* is closed: .*{why}", count + 1)
        self.assertEqual(self.map(d).ask("forward alice@example.com"), f"OK {ALICE}")

    def test_a_slow_one_ends(self):
        d = self.srs_daemon(clock=True, wall=NOW)
        m = self.map(d)
        m.send(b"25:forward")
        harness.until(lambda: self.figures(d)["workers"]["all"], "served")
        self.assertEqual(self.map(d).ask("forward alice@example.com"), f"OK {ALICE}")
        d.clock.go_on(11)
        self.assertIsNone(m.answer())
        d.wait_for_log("socketmap connection .* the rest of a command does not come")

    def stands_still(self, d):
        before = self.figures(d)["srs"]["forwarded"]
        time.sleep(0.3)
        return self.figures(d)["srs"]["forwarded"] == before

    def test_who_takes_no_answers_is_told_so(self):
        d = self.srs_daemon(clock=True, wall=NOW)
        m = self.map(d)
        m.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sender = send_beside(m, 400000 * netstring("forward alice@example.com"))
        m.socket.recv(1, socket.MSG_PEEK)
        harness.until(lambda: self.stands_still(d), "no more answers fit")
        d.clock.go_on(11)
        d.wait_for_log("socketmap connection .* is closed: it takes no answers")
        sender.join()

    def test_two_hundred(self):
        d = self.srs_daemon(wall=NOW)
        maps = [self.map(d) for _ in range(200)]
        query = netstring("forward alice@example.com")
        for m in maps[:100]:
            m.send(query[:9])
        for _ in range(5):
            for m in maps[100:]:
                m.send(10 * query)
            for m in maps[100:]:
                self.assertEqual({m.answer() for _ in range(10)}, {f"OK {ALICE}"})
        for m in maps[:100]:
            m.send(query[9:])
        for m in maps[:100]:
            self.assertEqual(m.answer(), f"OK {ALICE}")

    def test_who_asks_much_at_once_keeps_no_mail_waiting(self):
        """Sixteen clients send 20,000 questions each, and read no answer: mail comes in between."""
        d = self.srs_daemon()
        maps = [self.map(d) for _ in range(16)]
        c = d.client()
        questions = 20000 * netstring("forward alice@example.com")
        senders = [send_beside(m, questions) for m in maps]
        for m in maps:
            self.assertTrue(m.socket.recv(1, socket.MSG_PEEK))
        self.assertTrue(c.message().accepted)
        answered = self.figures(d)["srs"]["forwarded"]
        print(f"{answered} of 320000 questions were answered when the mail was", flush=True)
        self.assertLess(answered, 320000 / 2)
        for m in maps:
            m.socket.shutdown(socket.SHUT_RDWR)
        for sender in senders:
            sender.join()

    def test_without_secrets(self):
        d = self.srs_daemon(secrets=None, wall=NOW)
        d.wait_for_log("srs.secrets: .*No such file")
        m = self.map(d)
        self.assertRegex(m.ask("forward alice@example.com"), "^TEMP .*secret")
        self.assertRegex(m.ask("reverse " + ALICE), "^TEMP .*secret")
        self.assertEqual(m.ask("forward bob@example.org"), "NOTFOUND ")
        self.assertEqual(m.ask("reverse bob@example.com"), "NOTFOUND ")
        self.assertEqual(self.figures(d)["srs"]["unavailable"], 2)
        self.write_secrets(d, SECRETS, 0o644)
        self.assertFalse(d.reload(d.srs_config))
        self.write_secrets(d, SECRETS)
        self.assertTrue(d.reload(d.srs_config))
        self.assertEqual(m.ask("forward alice@example.com"), f"OK {ALICE}")

    def test_secrets_change(self):
        d = self.srs_daemon(wall=NOW)
        m = self.map(d)
        self.write_secrets(d, "fresh\n" + SECRETS)
        self.assertEqual(m.ask("forward alice@example.com"), f"OK {ALICE}")
        self.assertTrue(d.reload(d.srs_config))
        fresh = m.ask("forward alice@example.com")
        self.assertNotEqual(fresh, f"OK {ALICE}")
        self.assertEqual(m.ask("reverse " + ALICE), "OK alice@example.com")
        self.write_secrets(d, "fresh\n")
        self.assertTrue(d.reload(d.srs_config))
        self.assertEqual(m.ask("reverse " + ALICE), "NOTFOUND ")
        self.assertEqual(m.ask("reverse " + fresh[3:]), "OK alice@example.com")
        self.write_secrets(d, "# nothing\n")
        self.assertFalse(d.reload(d.srs_config))
        self.assertEqual(m.ask("forward alice@example.com"), fresh)
        self.assertTrue(d.reload(f'control = "unix:{d.control}";\n'))
        self.assertEqual(m.ask("forward alice@example.com"), "NOTFOUND ")
        d.wait_for_log("srs.listen has changed")


if __name__ == "__main__":
    harness.main()
