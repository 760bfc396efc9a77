#!/usr/bin/env python3
"""`make bench`: the server beside its peers, in one run on one machine.

Every figure is a median over rounds in which all parts take their turn in a shuffled order. Processor time is the
kernel's account of the process, so that other work on the machine disturbs it little; ratios are taken per round.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import parts
from parts import API, KEY, PASSWORD, PEERS, ROOT, Part, VESTIBULE, free_port, mint, redis, vestibule
from parts import result, start_wrk, wrk

CHECK = f"{API}/session/isactive"


def say(text):
    print(text, file=sys.stderr, flush=True)


def cookies_of(server, path, form, name, how_many):
    """That many sessions, as "name=value" texts."""
    found = []
    for _ in range(how_many):
        status, headers, body = server.request("POST", path, form)
        assert status == 204, (status, body)
        found.append(re.search(rf"{re.escape(name)}=[^;]+", str(headers.get_all("set-cookie")))[0])
    return found


def our_cookies(server, how_many):
    form = {"auth_token": mint(server, "bench"), "username": "bench", "no_url_redirection": "true"}
    return cookies_of(server, f"{API}/session/login/token", form, "JSESSIONID", how_many)


class Table:
    """Rows of text under a heading, in Markdown."""

    def __init__(self, title, *columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])
        say("  " + " | ".join(self.rows[-1]))

    def text(self):
        lines = [f"### {self.title}", "", "| " + " | ".join(self.columns) + " |", "| --- " * len(self.columns) + "|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows])


def checks(folder, rounds, seconds):
    """What one session check costs, ours and the peers'."""
    store = redis(folder)
    url = f"redis://127.0.0.1:{store.port}"
    subjects = {}

    def subject(name, server, path, cookies):
        file = pathlib.Path(folder) / f"cookies-{len(subjects)}"
        file.write_text("\n".join(cookies) + "\n")
        subjects[name] = (server, path, file)

    def peer(name, words, cookie=None):
        port = free_port()
        server = Part([*words, port, url] if cookie else [*words, port], port, folder)
        server.wait()
        cookies = cookies_of(server, "/login", {}, cookie, 100) if cookie else ["x=y"]
        subject(name, server, "/check", cookies)

    peer("bare actix route", [PEERS, "bare"])
    peer("actix-session + Redis", [PEERS, "stock"], "id")
    peer("actix-session + Redis, sliding timeout", [PEERS, "sliding"], "id")
    peer("express-session + connect-redis", ["node", ROOT / "benches/express/server.mjs"], "connect.sid")
    ours = {
        "**vestibule, embedded**": ("embedded", ()),
        "**vestibule, Redis**": (url, ()),
        "vestibule, embedded, with its access log": ("embedded", ("log.level=info", "log.format=json")),
    }
    if has_setting("sessions.cache"):
        ours["**vestibule, Redis, client-side caching**"] = (url, ("sessions.cache=true",))
    for name, (where, settings) in ours.items():
        server = vestibule(folder, where, settings=settings)
        server.wait()
        subject(name, server, CHECK, our_cookies(server, 100))

    figures = {name: [] for name in subjects}
    for turn in range(rounds):
        order = list(subjects)
        random.shuffle(order)
        for name in order:
            say(f"round {turn + 1}/{rounds}: {name}")
            server, path, file = subjects[name]
            target = f"http://127.0.0.1:{server.port}{path}"
            wrk("check.lua", target, file, seconds=1)
            before, store_before = server.cpu(), store.cpu()
            requests, rate, _, p99, errors = wrk("check.lua", target, file, seconds=seconds)
            assert errors == 0, (name, errors)
            used = (server.cpu() - before) / requests * 1e6
            figures[name].append((used, rate, p99, (store.cpu() - store_before) / requests * 1e6))
    for server, _, _ in subjects.values():
        server.stop()
    store.stop()

    def median(name, column):
        return statistics.median(figure[column] for figure in figures[name])

    def ratio(name, to):
        return statistics.median(a[0] / b[0] for a, b in zip(figures[name], figures[to], strict=True))

    table = Table(
        f"A session check (medians of {rounds} rounds)",
        "server, one worker", "CPU µs per request", "x bare", "x actix-session sliding", "x express", "Redis CPU µs",
        "requests/s", "p99 ms",
    )
    for name in subjects:
        table.add(
            name, f"{median(name, 0):.1f}", f"{ratio(name, 'bare actix route'):.2f}",
            f"{ratio(name, 'actix-session + Redis, sliding timeout'):.2f}",
            f"{ratio(name, 'express-session + connect-redis'):.3f}", f"{median(name, 3):.1f}",
            f"{median(name, 1):,.0f}", f"{median(name, 2):.2f}",
        )
    sliding, express = "actix-session + Redis, sliding timeout", "express-session + connect-redis"
    goals = [
        ("embedded check, x a bare route", 1.6, ratio("**vestibule, embedded**", "bare actix route"), "≤"),
        ("Redis check, x actix-session sliding", 1.0, ratio("**vestibule, Redis**", sliding), "≤"),
        ("less CPU than express, Redis", 12, 1 / ratio("**vestibule, Redis**", express), "≥"),
    ]
    if "**vestibule, Redis, client-side caching**" in figures:
        cached = ratio("**vestibule, Redis, client-side caching**", sliding)
        goals.append(("cached check, x actix-session sliding", 0.8, cached, "≤"))
    return [table], goals


def has_setting(name):
    """Whether the server knows a setting."""
    shown = subprocess.run([str(VESTIBULE), "config", "show"], capture_output=True, text=True, cwd="/").stdout
    return name in shown


def tokens(folder, rounds, seconds):
    """Mint and redeem, per second of one core."""
    table = Table(
        "Mint a token and redeem it", "store", "pairs/s of one core", "CPU µs per pair", "pairs/s reached", "p99 ms"
    )
    store = redis(folder)
    goals = []
    for name, where in (("embedded", "embedded"), ("Redis", f"redis://127.0.0.1:{store.port}")):
        server = vestibule(folder, where)
        server.wait()
        mint(server, "bench")
        figures = []
        for _ in range(rounds):
            before = server.cpu()
            url = f"http://127.0.0.1:{server.port}/"
            requests, rate, _, p99, errors = wrk("mint_redeem.lua", url, KEY, "bench", seconds=seconds)
            assert errors == 0, (name, errors)
            figures.append(((server.cpu() - before) / (requests / 2) * 1e6, rate / 2, p99))
        used, rate, p99 = (statistics.median(column) for column in zip(*figures, strict=True))
        table.add(name, f"{1e6 / used:,.0f}", f"{used:.1f}", f"{rate:,.0f}", f"{p99:.1f}")
        goals.append((f"mint + redeem per second and core, {name}", 5000, 1e6 / used, "≥"))
        server.stop()
    store.stop()
    return [table], goals


def password(folder, rounds):
    """What a password login costs beyond the bare hash, one at a time."""
    server = vestibule(folder)
    server.wait()
    form = urllib.parse.urlencode({"username": "tsadmin", "password": PASSWORD})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    link = http.client.HTTPConnection("127.0.0.1", server.port)
    over = []
    for _ in range(rounds):
        hashes = subprocess.run([str(PEERS), "hash", "15"], capture_output=True, text=True, check=True).stdout.split()
        logins = []
        for _ in range(15):
            begun = time.perf_counter()
            link.request("POST", f"{API}/session/login", form, headers)
            reply = link.getresponse()
            reply.read()
            logins.append((time.perf_counter() - begun) * 1e3)
            assert reply.status == 204, reply.status
        over.append((statistics.median(map(float, hashes)), statistics.median(logins)))
    server.stop()
    bare, login = (statistics.median(column) for column in zip(*over, strict=True))
    beyond = statistics.median(whole - part for part, whole in over)
    table = Table("A password login, one at a time", "bare hash ms", "login ms", "beyond the hash ms")
    table.add(f"{bare:.1f}", f"{login:.1f}", f"{beyond:.2f}")
    return [table], [("login beyond the hash, ms", 3, beyond, "≤")]


def flood(folder, rounds, seconds):
    """Whether session checks keep their pace while password logins flood: workers and hashing pool as they come."""
    settings = ("server.workers=0", "server.trusted_proxies=127.0.0.1")
    server = vestibule(folder, settings=settings)
    server.wait()
    file = pathlib.Path(folder) / "cookies"
    file.write_text("\n".join(our_cookies(server, 100)) + "\n")
    check, login = (f"http://127.0.0.1:{server.port}{path}" for path in (CHECK, f"{API}/session/login"))
    words = ("check.lua", check, file, 5)
    figures = {"quiet": [], "flood": []}
    for turn in range(rounds):
        for name in random.sample(list(figures), 2):
            say(f"round {turn + 1}/{rounds}: {name}")
            # As many as wait at most, so that all are hashed and none is turned away.
            words_of_flood = ("flood.lua", login, turn)
            logins = start_wrk(*words_of_flood, seconds=seconds + 2, connections=60) if name == "flood" else None
            time.sleep(1)
            _, rate, p50, p99, errors = wrk(*words, seconds=seconds, connections=20)
            assert errors == 0, (name, errors)
            figures[name].append((p50, p99, rate, result(logins)[1] if logins else 0))
            # Those who wait are hashed though wrk has gone.
            server.settle()
    server.stop()
    table = Table("Session checks while password logins flood", "when", "p50 ms", "p99 ms", "checks/s", "logins judged/s")
    for name, rows in figures.items():
        p50, p99, rate, judged = (statistics.median(column) for column in zip(*rows, strict=True))
        table.add(name, f"{p50:.2f}", f"{p99:.2f}", f"{rate:,.0f}", f"{judged:,.0f}")
    ratio = statistics.median(b[1] / a[1] for a, b in zip(figures["quiet"], figures["flood"], strict=True))
    return [table], [("p99 of checks in a flood of logins, x quiet", 2, ratio, "≤")]


def memory(folder):
    """Resident memory, idle and loaded; time to the first answer."""
    starts = {"first start, empty data folder": [], "later starts": []}
    data = None
    for _ in range(8):
        server = vestibule(folder, data=data)
        taken = None
        while taken is None:
            server.wait()
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _, _ = server.request("GET", "/health/live")
                assert status == 200, status
                taken = (time.perf_counter() - server.begun) * 1e3
        starts["later starts" if data else "first start, empty data folder"].append(taken)
        data = server.data
        server.stop()
    table = Table("Time from exec to the first answer", "start", "median ms", "fastest ms")
    for name, times in starts.items():
        table.add(name, f"{statistics.median(times):.1f}", f"{min(times):.1f}")

    server = vestibule(folder)
    server.wait()
    server.request("GET", "/health/live")
    time.sleep(6)
    idle = server.rss()
    fill(server, folder, 9_999, sample=1)
    time.sleep(6)
    filled = server.rss()
    links = []
    for _ in range(1000):
        link = socket.create_connection(("127.0.0.1", server.port))
        link.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        links.append(link)
    for link in links:
        assert link.recv(4096).startswith(b"HTTP/1.1 200")
    connected = server.rss()
    for link in links:
        link.close()
    server.stop()
    weight = Table("Resident memory, embedded store", "when", "MiB")
    weight.add("idle", f"{idle:.1f}")
    weight.add("10 000 sessions", f"{filled:.1f}")
    weight.add("and 1000 connections", f"{connected:.1f}")
    goals = [
        ("10 000 sessions above idle, MiB", 15, filled - idle, "≤"),
        ("in all, MiB", 50, connected, "≤"),
        ("first answer, ms", 25, statistics.median(starts["later starts"]), "≤"),
    ]
    return [table, weight], goals


def fill(server, folder, total, sample=500, users=1000):
    """Opens sessions of many users up to `total`; answers a file of cookies of some more."""
    pairs = pathlib.Path(folder) / f"tokens-{server.port}"
    if not pairs.exists():
        users = min(users, max(1, total // 10))
        pairs.write_text("".join(f"{mint(server, f'user{n}')} user{n}\n" for n in range(users)))
        server.opened, server.open_rate = 0, None
    url = f"http://127.0.0.1:{server.port}{API}/session/login/token"
    while server.opened < total:
        left = total - server.opened
        seconds = 1 if left < 20_000 else 20
        requests, rate, _, _, errors = wrk("redeem.lua", url, pairs, left, seconds=seconds, connections=128)
        assert errors == 0, errors
        server.opened += min(requests, left)
        # Of a round that had nothing left to open, the rate is that of something else.
        if requests <= left:
            server.open_rate = rate
        say(f"  {server.opened:,} sessions")
    found = []
    for pair in random.choices(pairs.read_text().splitlines(), k=sample):
        token, user = pair.split()
        form = {"auth_token": token, "username": user}
        found += cookies_of(server, f"{API}/session/login/token", form, "JSESSIONID", 1)
    server.opened += len(found)
    cookies = pathlib.Path(folder) / f"filled-{server.port}"
    cookies.write_text("\n".join(found) + "\n")
    return cookies


def growth(folder, sizes, seconds):
    """What a check costs as sessions accumulate, and what a million weigh."""
    table = Table(
        "Growth", "store", "sessions", "opened/s", "check CPU µs", "Redis CPU µs", "server MiB", "Redis MiB",
        "count them all s",
    )
    store = redis(folder)
    goals = []
    for name, where in (("embedded", "embedded"), ("Redis", f"redis://127.0.0.1:{store.port}")):
        server = vestibule(folder, where, settings=("sessions.embedded_max=4000000",))
        server.wait()
        costs = []
        for size in sizes:
            say(f"{name}: {size:,} sessions")
            cookies = fill(server, folder, size)
            target = f"http://127.0.0.1:{server.port}{CHECK}"
            # Not while the openings are still being written: it is checks that are measured.
            server.settle()
            runs = []
            for _ in range(3):
                wrk("check.lua", target, cookies, seconds=1)
                before, store_before = server.cpu(), store.cpu()
                requests, _, _, _, errors = wrk("check.lua", target, cookies, seconds=seconds)
                assert errors == 0, (name, errors)
                runs.append(((server.cpu() - before) / requests * 1e6, (store.cpu() - store_before) / requests * 1e6))
            check, there = (statistics.median(column) for column in zip(*runs, strict=True))
            costs.append(check)
            begun = time.perf_counter()
            counted = count_sessions(server)
            listed = time.perf_counter() - begun
            assert counted >= server.opened * 0.999, (counted, server.opened)
            is_redis = where != "embedded"
            rate = f"{server.open_rate:,.0f}" if server.open_rate else "-"
            table.add(
                name, f"{server.opened:,}", rate, f"{check:.1f}", f"{there:.1f}" if is_redis else "-",
                f"{server.rss():.0f}", f"{store.rss():.0f}" if is_redis else "-", f"{listed:.1f}",
            )
        goals.append((f"check at the most sessions, x at the fewest, {name}", 1.25, costs[-1] / costs[0], "≤"))
        server.stop()
    store.stop()
    return [table], goals


def count_sessions(server):
    """Lists every session as an operator does, and counts them."""
    words = [VESTIBULE, "session", "list", "--json", "--set", f"data_dir={server.data}"]
    listing = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout
    return len(json.loads(listing))


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    total = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    versions = {
        "redis": subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()[2],
        "node": subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip(),
    }
    return (
        f"{datetime.date.today()}, {os.cpu_count()} cores ({model[1] if model else platform.machine()}), "
        f"{int(total[1]) // 2**20} GiB, Linux {platform.release()}, Redis {versions['redis']}, node {versions['node']}; "
        f"load average at the start {os.getloadavg()[0]:.1f}"
    )


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rounds", type=int, default=6, help="rounds of each comparison (6)")
    ask.add_argument("--seconds", type=int, default=3, help="seconds of load per measurement (3)")
    ask.add_argument("--sessions", type=int, default=1_000_000, help="the most sessions of the growth part (1000000)")
    ask.add_argument("--only", help="parts to run, of: checks,tokens,password,flood,memory,growth")
    wanted = ask.parse_args()
    rounds, seconds = wanted.rounds, wanted.seconds
    sizes = [size for size in (1_000, 100_000, 1_000_000) if size <= wanted.sessions] or [wanted.sessions]
    todo = {
        "checks": lambda folder: checks(folder, rounds, seconds),
        "tokens": lambda folder: tokens(folder, rounds, seconds),
        "password": lambda folder: password(folder, rounds),
        "flood": lambda folder: flood(folder, rounds, seconds),
        "memory": memory,
        "growth": lambda folder: growth(folder, sizes, seconds),
    }
    chosen = wanted.only.split(",") if wanted.only else list(todo)
    print(f"Measured {machine()}.\n")
    verdict = Table("Goals", "goal", "wanted", "measured", "met")
    for name in chosen:
        say(f"== {name}")
        with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as folder:
            tables, goals = todo[name](folder)
        for table in tables:
            print(table.text() + "\n", flush=True)
        for goal, limit, value, sign in goals:
            is_met = value <= limit if sign == "≤" else value >= limit
            verdict.add(goal, f"{sign} {limit}", f"{value:,.2f}", "yes" if is_met else "**no**")
    print(verdict.text())


if __name__ == "__main__":
    main()
