"""The processes of a benchmark run, and what the kernel says they used."""

import http.client
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
VESTIBULE = TARGET / "release/vestibule"
PEERS = TARGET / "peers/release/peers"
API = "/callosum/v1/tspublic/v1"
KEY = "f0b3c9d2-5a1e-4b7c-8d9e-0123456789ab"
PASSWORD = "bench pass+word"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Part:
    """A process that listens on a port."""

    def __init__(self, words, port, folder, env=None):
        self.port = port
        self.log = open(pathlib.Path(folder) / f"{pathlib.Path(words[0]).name}-{port}.log", "w+")
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [str(word) for word in words], stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})}
        )

    def wait(self, seconds=30):
        """Waits for the listener; answers how long that took, in seconds."""
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return time.perf_counter() - self.begun
            except OSError:
                if self.process.poll() is not None or time.perf_counter() - self.begun > seconds:
                    self.log.seek(0)
                    raise RuntimeError(f"{self.process.args[0]} did not start:\n{self.log.read()}") from None
                time.sleep(0.0005)

    def cpu(self):
        """Seconds of processor time so far, user and system, all threads."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def settle(self, within=60):
        """Waits until it does next to nothing of its own."""
        until = time.perf_counter() + within
        while time.perf_counter() < until:
            before = self.cpu()
            time.sleep(2)
            if self.cpu() - before < 0.02:
                return

    def rss(self):
        """Resident memory in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def request(self, method, path, form=None, headers=None):
        """One request; answers (status, headers, body)."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = urllib.parse.urlencode(form) if form is not None else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        link.request(method, path, body, {**kind, **(headers or {})})
        reply = link.getresponse()
        return reply.status, reply.headers, reply.read().decode()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def redis(folder):
    port = free_port()
    data = tempfile.mkdtemp(dir=folder)
    part = Part(["redis-server", "--port", port, "--save", "", "--dir", data], port, folder)
    part.wait()
    return part


def vestibule(folder, store="embedded", data=None, settings=()):
    """One worker, no access log, plain HTTP; everything else as it comes."""
    port = free_port()
    data = data or tempfile.mkdtemp(dir=folder)
    words = [VESTIBULE, "--http", f"127.0.0.1:{port}", "--https", "off"]
    for setting in (f"data_dir={data}", "server.workers=1", "log.level=warn", "tokens.lifetime=12h", *settings):
        words += ["--set", setting]
    env = {
        "VESTIBULE__SESSIONS__STORE": store,
        "VESTIBULE__BOOTSTRAP__SECRET_KEY": KEY,
        "VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD": PASSWORD,
    }
    part = Part(words, port, folder, env)
    part.data = data
    return part


def mint(server, user):
    form = {"secret_key": KEY, "username": user, "access_level": "FULL", "autocreate": "true"}
    status, _, token = server.request("POST", f"{API}/session/auth/token", form)
    assert status == 200, (status, token)
    return token


def start_wrk(script, url, *words, seconds=3, connections=64):
    """Starts a load from one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", ROOT / "benches/wrk" / script, url, "--", *words]
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)


def wrk(script, url, *words, seconds=3, connections=64):
    """Load from one thread: (requests, requests per second, p50 ms, p99 ms, errors)."""
    return result(start_wrk(script, url, *words, seconds=seconds, connections=connections))


def result(load):
    """What became of a load that was started, once it is over."""
    text, _ = load.communicate()
    assert load.returncode == 0, load.args
    numbers = [int(number) for number in re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", text).groups()]
    requests, micros, p50, p99, errors = numbers
    return requests, requests / (micros / 1e6), p50 / 1000, p99 / 1000, errors
