#!/usr/bin/python3
"""Our own door: several sockets, many connections with few threads, and what is done where there are no descriptors or
threads left. libmilter can do none of this, and does not play these."""

import os
import resource
import statistics
import subprocess
import tempfile
import time

import harness
from dns_server import SILENT
from harness import BINARY
from milter_client import Client, Vanished, plain_header
from zones import ZONE

THOUSAND = 1000


class SeveralSockets(harness.WireTest):
    def listening_on(self, *texts, config=""):
        d = self.daemon("", ZONE, start=False)
        names = ", ".join(f'"{text}"' for text in texts)
        d.listening = f"listen = [ {names} ];\n"
        d.path.write_text(d.path.read_text().replace(f'listen = "{d.listen}";\n', d.listening) + config)
        d.start()
        return d

    def test_of_each_kind(self):
        v4, v6, both = (harness.free_port() for _ in range(3))
        directory = self.enterContext(tempfile.TemporaryDirectory())
        paths = [f"{directory}/one", f"{directory}/two"]
        d = self.listening_on(f"inet:{v4}@127.0.0.1", f"inet6:{v6}@[::1]", f"unix:{paths[0]}", f"local:{paths[1]}",
                              f"inet:{both}", f"inet6:{both}@[::]")
        for address in (("127.0.0.1", v4), ("::1", v6), paths[0], paths[1], ("127.0.0.1", both), ("::1", both)):
            with self.subTest(address=address):
                c = Client(address)
                c.hello()
                self.assertEqual(len(c.message().edits), 2)
                c.quit()
        self.assertTrue(d.lines(rf"listening on inet:{v4}@127\.0\.0\.1, inet6:{v6}@\[::1\], unix:"))
        self.assertEqual(d.stop(), 0)
        self.assertEqual(os.listdir(directory), [])

    def test_one_that_cannot_be_opened(self):
        """Nothing is served, and nothing is left behind."""
        d = self.daemon("", ZONE, start=False)
        d.path.write_text(f'milter-library = "own"; listen = [ "unix:{d.address}",\n"unix:{d.directory}/none/sock" ];\n')
        self.assertEqual(d.launch().wait(harness.PATIENCE), 69)
        self.assertRegex(d.log(), "cannot listen on unix:.*/none/sock: No such file or directory")
        self.assertFalse(os.path.exists(d.address))
        d.process = None

    def test_one_limit_for_all(self):
        d = self.daemon("", ZONE, start=False)
        sockets = [f"{d.directory}/{n}" for n in range(3)]
        d.path.write_text(d.path.read_text().replace(f'"{d.listen}"', "[ " + ", ".join(f'"{s}"' for s in sockets) + " ]")
                          + "limits = { connections = 2; };\n")
        d.start()
        clients = [Client(sockets[n % 3]) for n in range(4)]
        self.assertEqual([c.hello().code for c in clients], ["", "", "451", "451"])
        with self.assertRaises((Vanished, OSError)):
            Client(sockets[2])
        d.wait_for_log("a milter connection is refused: too many are open")
        self.assertEqual(d.counters()["connections-refused"], 3)
        clients[0].quit()
        harness.until(lambda: self.served(sockets[1]), "room for another connection")

    def served(self, address):
        try:
            c = Client(address)
        except (Vanished, OSError):
            return False
        c.quit()
        return True

    def test_what_config_check_says(self):
        d = self.daemon("", ZONE, start=False)

        def check(text):
            d.path.write_text('authserv-id = "mx.test";\n' + text)
            done = subprocess.run([BINARY, "config", "check", "-c", d.path], capture_output=True, text=True, timeout=30)
            return done.returncode, done.stderr.replace(str(d.directory), "DIR")

        several = 'listen = [ "inet:8892@127.0.0.1",\n"inet6:8892@[::1]" ];\n'
        self.assertEqual(check('milter-library = "own";\n' + several), (0, ""))
        status, said = check('milter-library = "libmilter";\n' + several)
        self.assertEqual((status, said.count("\n")), (78, 1))
        self.assertRegex(said, r"^DIR/assay\.conf:3: listen: libmilter serves one socket only, and these are 2: .*milter-library = \"own\"")
        status, said = check('milter-library = "own"; listen = [ "inet:8892@127.0.0.1",\n"inet6:x@[::1]",\n"unix:/nowhere/at/all" ];\n')
        self.assertEqual(status, 78)
        self.assertRegex(said, r'^DIR/assay\.conf:3: listen: "inet6:x@\[::1\]" has no port')
        status, said = check('milter-library = "own"; listen = [ "inet:8892@127.0.0.1", "unix:/nowhere/at/all" ];\n')
        self.assertEqual((status, said), (78, "DIR/assay.conf:2: listen: there is no directory /nowhere/at: make it\n"))


class Threads(harness.WireTest):
    def threads(self, d):
        return len(os.listdir(f"/proc/{d.process.pid}/task"))

    def test_idle_connections_hold_none(self):
        d = self.daemon("limits = { connections = 2000; };\n", ZONE)
        clients = [d.client() for _ in range(10)]
        for c in clients:
            c.message()
        ten, before = self.threads(d), d.memory_kb()
        clients += [d.client() for _ in range(THOUSAND - 10)]
        for c in clients[10:]:
            c.message()
        self.assertLessEqual(self.threads(d), ten)
        grown = (d.memory_kb() - before) / (THOUSAND - 10)
        print(f"{grown:.1f} KB per idle connection, {ten} threads", flush=True)
        if not harness.SANITIZED:
            self.assertLessEqual(grown, 20)
        for c in clients:
            c.socket.close()

    def test_nobody_waits_for_the_silent(self):
        """Thirty messages wait for a name that never answers; ten others are served as if those were not there."""
        zone = dict(ZONE, **{f"{prefix}silent.test": SILENT for prefix in ("", "_dmarc.")})
        d = self.daemon('shutdown-grace = "100ms";\n', zone, dns='timeout = "60s"; deadline = "60s";')
        waiting = [d.client() for _ in range(30)]
        for c in waiting:
            c.mail("<x@silent.test>"), c.rcpt()
            for name, value in plain_header("x@silent.test"):
                c.header(name, value)
            c.end_of_header()
            c.send("E")
        good = [d.client() for _ in range(10)]
        for c in good:  # what these ask is known from now on
            c.message()
        took = []
        for _ in range(10):
            for c in good:
                start = time.monotonic()
                self.assertTrue(c.message().accepted)
                took.append(1000 * (time.monotonic() - start))
        print(f"median {statistics.median(took):.2f} ms beside thirty that wait", flush=True)
        self.assertLess(statistics.median(took), 100 if harness.SANITIZED else 10)
        self.assertGreaterEqual(self.threads(d), 30)  # they do wait
        self.assertFalse(d.lines("silent.test.*action="))
        for c in waiting:
            c.vanish()
        self.cut_expected = True  # they wait for 60 s

    def test_stops_though_some_wait(self):
        """Who waits for DNS is told that it cannot be known now."""
        self.cut_expected = True
        d = self.daemon('shutdown-grace = "100ms";\n', dict(ZONE, **{f"{prefix}silent.test": SILENT for prefix in ("", "_dmarc.")}),
                        dns='timeout = "60s"; deadline = "60s";')
        clients = [d.client() for _ in range(5)]
        for c in clients:
            c.mail("<x@silent.test>"), c.rcpt()
            for name, value in plain_header("x@silent.test"):
                c.header(name, value)
            c.end_of_header()
            c.send("E")
        harness.until(lambda: self.threads(d) >= 7, "five that wait")
        start = time.monotonic()
        self.assertEqual(d.stop(), 0)
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual([c.reply().code for c in clients], ["451"] * 5)


class Lack(harness.WireTest):
    """What the kernel gives no more."""

    def descriptors(self, d):
        return len(os.listdir(f"/proc/{d.process.pid}/fd"))

    def test_of_descriptors(self):
        """The connection is closed at once, told of and counted; those that there are go on; and all is well again."""
        for tcp in (False, True):
            with self.subTest(tcp=tcp):
                d = self.daemon("", ZONE, tcp=tcp)
                clients = [d.client() for _ in range(5)]
                clients[0].message()
                limits = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (self.descriptors(d) + 3, limits[1]))
                refused = 0
                for _ in range(20):
                    try:
                        clients.append(d.client())
                    except (Vanished, OSError):
                        refused += 1
                # Descriptors of DNS may be given back meanwhile, so a few more than three may be had.
                self.assertGreaterEqual(refused, 12)
                for c in clients:
                    self.assertEqual(len(c.message().edits), 2)
                self.assertEqual(d.counters()["connections-refused"], refused)
                self.assertTrue(d.lines("warning: a milter connection is refused: Too many open files"), d.log())
                resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, limits)
                clients += [d.client() for _ in range(20)]
                for c in clients:
                    self.assertEqual(len(c.message().edits), 2)
                    c.quit()


if __name__ == "__main__":
    harness.main()
