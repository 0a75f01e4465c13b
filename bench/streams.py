#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many streams at once through weir: none may be cut, none corrupted, every one has its row.

Each client sends a request of its own, hashes what it receives and compares with what the mock answers to
the same request without weir and without pauses (the mock's answers depend on the request alone).

    bench/streams.py [--streams 5000] [--seconds 60] [--weir PATH] [--workers N] [--no-bodies]
"""
import argparse
import hashlib
import http.client
import json
import pathlib
import re
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACCOUNT, TOKEN = "0123456789abcdef0123456789abcdef", "weir-bench-root-token-000000000000001"
BUDGET_KIB = 16


def start(args, log, env=None):
    with open(log, "wb") as out:
        p = subprocess.Popen(args, stdout=out, stderr=out, env=env)
    end = time.monotonic() + 10
    while time.monotonic() < end and p.poll() is None:
        m = re.search(r"listening on http://\S*:(\d+)", pathlib.Path(log).read_text(errors="replace"))
        if m:
            return p, int(m.group(1))
        time.sleep(0.01)
    raise SystemExit(f"streams: {args[1]} did not start:\n{pathlib.Path(log).read_text(errors='replace')}")


def rss_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))


def body_of(i):
    return json.dumps({"model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True}, "user": f"client-{i}",
                       "messages": [{"role": "user", "content": f"Tell client {i} a story. \U0001f30d"}]}).encode()


class Stream:
    """One client: takes the chunked framing away as the bytes come, hashes the rest."""

    def __init__(self, i, port, words, payload):
        self.sock = socket.create_connection(("127.0.0.1", port))
        body = body_of(i)
        self.sock.sendall((f"POST /v1/{ACCOUNT}/default/openai/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                           f"cf-aig-authorization: Bearer {TOKEN}\r\nX-Mock: {words}\r\nConnection: close\r\n"
                           f"cf-aig-collect-log-payload: {payload}\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        self.sock.setblocking(False)
        self.raw, self.hash, self.left, self.status, self.done, self.events = b"", hashlib.sha256(), 0, None, False, 0

    def feed(self, data):
        self.raw += data
        if self.status is None:
            end = self.raw.find(b"\r\n\r\n")
            if end < 0:
                return
            self.status = int(self.raw[9:12])
            self.raw = self.raw[end + 4:]
        while self.raw:
            if self.left:
                piece, self.raw = self.raw[:self.left], self.raw[self.left:]
                self.left -= len(piece)
                self.hash.update(piece if self.left > 1 else piece[:len(piece) - (2 - self.left)])
                self.events += piece.count(b"\n\n")
                continue
            end = self.raw.find(b"\r\n")
            if end < 0:
                return
            size, self.raw = int(self.raw[:end], 16), self.raw[end + 2:]
            if size == 0:
                self.done = True
                return
            self.left = size + 2


def expected(port, n, events):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    out = []
    for i in range(n):
        c.request("POST", "/v1/chat/completions", body_of(i), {"Content-Type": "application/json", "X-Mock": f"events-{events}"})
        out.append(hashlib.sha256(c.getresponse().read()).hexdigest())
    return out


def rows(port):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    c.request("GET", f"/client/v4/accounts/{ACCOUNT}/ai-gateway/gateways/default/logs?per_page=1", headers={"Authorization": f"Bearer {TOKEN}"})
    return json.loads(c.getresponse().read())["result_info"]["total_count"]


def watch(streams, pid, seconds):
    """Reads until all are over; returns the largest RSS seen."""
    selector, peak, end, look = selectors.DefaultSelector(), 0, time.monotonic() + seconds, 0
    for s in streams:
        selector.register(s.sock, selectors.EVENT_READ, s)
    while selector.get_map() and time.monotonic() < end:
        for key, _ in selector.select(1):
            try:
                data = key.fileobj.recv(65536)
            except ConnectionResetError:
                data = b""
            if data:
                key.data.feed(data)
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()
        if time.monotonic() > look:
            peak, look = max(peak, rss_kib(pid)), time.monotonic() + 1
    return peak


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--streams", type=int, default=5000)
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--workers", type=int, default=1)
    p.add_argument("--no-bodies", action="store_true", help="log rows without bodies: what a stream costs by itself")
    p.add_argument("--weir", default=str(ROOT / "build/weir"))
    args = p.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="weir-streams-") as d:
        directory = pathlib.Path(d)
        mock, mock_port = start([args.weir, "mock", "--listen", "127.0.0.1:0"], directory / "mock.log")
        config = directory / "weir.jsonc"
        config.write_text(json.dumps({"listen": "127.0.0.1:0", "data": str(directory / "data"), "workers": args.workers,
                                      "providers": {"openai": {"origin": f"http://127.0.0.1:{mock_port}"}}}))
        weir, port = start([args.weir, "serve", "--config", str(config)], directory / "weir.log",
                           {"PATH": "/usr/bin:/bin", "WEIR_ACCOUNT_ID": ACCOUNT, "WEIR_ROOT_TOKEN": TOKEN})
        try:
            events = 2 * args.seconds
            want = expected(mock_port, args.streams, events)
            # the mock's opening and closing events come at once, the others one after the other
            words = f"events-{events}-ttft-500-tps-{max(1, tokens_of(mock_port, events) // args.seconds)}"
            before, began = rss_kib(weir.pid), time.monotonic()
            streams = [Stream(i, port, words, "false" if args.no_bodies else "true") for i in range(args.streams)]
            peak = watch(streams, weir.pid, args.seconds * 2 + 60)
            took = time.monotonic() - began
            cut = sum(not s.done for s in streams)
            wrong = sum(s.done and (s.status != 200 or s.hash.hexdigest() != w) for s, w in zip(streams, want))
            logged, per_stream = rows(port), (peak - before) / args.streams
        finally:
            for process in (weir, mock):
                process.send_signal(signal.SIGTERM)
                process.wait(60)
    ok = cut == 0 and wrong == 0 and logged == args.streams and per_stream <= BUDGET_KIB
    print(f"{args.streams} streams of {events} events in {took:.0f} s: {cut} cut, {wrong} corrupted, {logged} rows, "
          f"{per_stream:.1f} KiB a stream (budget {BUDGET_KIB}): {'ok' if ok else 'MISSED'}")
    sys.exit(0 if ok else 1)


def tokens_of(port, events):
    """How many tokens the mock makes of such a stream: what tps is counted in."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    c.request("POST", "/v1/chat/completions", body_of(0), {"Content-Type": "application/json", "X-Mock": f"events-{events}"})
    return int(re.findall(rb'"completion_tokens":(\d+)', c.getresponse().read())[-1])


main()
