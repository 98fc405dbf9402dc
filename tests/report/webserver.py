"""assay-web for a test: started on a free port of loopback, asked, and ended."""

import atexit
import http.client
import json
import os
import re
import socket
import subprocess


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Web:
    def __init__(self, program, conf, *words, user=None):
        def become():
            if user is not None:
                os.setgroups([user[1]])
                os.setgid(user[0])
                os.setuid(user[0])
        self.process = subprocess.Popen([program, "-c", str(conf), "--listen", f"inet:{free_port()}@127.0.0.1", *words], preexec_fn=become,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # of a test that fails before end()
        line = self.process.stdout.readline()
        found = re.search(r"port (\d+)", line)
        if not found:
            raise RuntimeError(f"assay-web: {line} {self.process.stderr.read()}")
        self.port = int(found.group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(self, path, method="GET", headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, dict(answer.getheaders()), text

    def json(self, path):
        status, headers, text = self.ask(path)
        if status != 200 or headers["Content-Type"] != "application/json":
            raise RuntimeError(f"{path}: {status} {headers} {text[:500]}")
        return json.loads(text)

    def end(self):
        self.process.terminate()
        status = self.process.wait(30)
        rest = self.process.stderr.read()
        return status, rest
