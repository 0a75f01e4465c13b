#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures weir beside nginx as a plain reverse proxy, both in front of the same mock provider.

The process under test has core 0 to itself, the load and the mock share core 1. Every round runs all
contestants one after the other, so that a ratio compares neighbours in time; the table shows the median
of the rounds' ratios with their range, beside the budget of docs/architecture.md. CPU is the scheduler's
own account of every thread of the process under test, divided by the requests that were answered.

    bench/run.py [--quick] [--rounds N] [--seconds S] [--only NAME] [--weir PATH]
"""
import argparse
import contextlib
import glob
import http.client
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACCOUNT, TOKEN = "0123456789abcdef0123456789abcdef", "weir-bench-root-token-000000000000001"
TEST_CORE, LOAD_CORE = "0", "1" if (os.cpu_count() or 1) > 1 else "0"

# name: body bytes, words for the mock, stream, pause between a connection's requests (ms), connections, TLS
SCENARIOS = {
    "small": dict(body=2048, mock="big-160", conns=64),
    "small-8": dict(body=2048, mock="big-160", conns=8, pause=2),
    "large": dict(body=100_000, mock="big-160", conns=16),
    "sse": dict(body=2048, mock="events-64-tps-1000", conns=64, stream=True),  # one event at a time
    "burst": dict(body=2048, mock="events-64", conns=32, stream=True),         # all of them at once
    "tls": dict(body=2048, mock="big-160", conns=64, tls=True),
}
SSE_EVENTS = 64


class Process:
    """A program pinned to a core, its output in a file."""

    def __init__(self, core, args, log, env=None):
        self.log = pathlib.Path(log)
        with open(self.log, "wb") as out:
            self.popen = subprocess.Popen(["taskset", "-c", core, *map(str, args)], stdout=out, stderr=out,
                                          env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def wait_for(self, pattern, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            m = re.search(pattern, self.log.read_text(errors="replace"))
            if m:
                return m
            if self.popen.poll() is not None:
                break
            time.sleep(0.005)
        raise SystemExit(f"bench: no {pattern!r} from {self.popen.args}:\n{self.log.read_text(errors='replace')}")

    def pids(self):
        """This process and its children (nginx's worker)."""
        kids = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, kids)]

    def cpu_ns(self):
        total = 0
        for pid in self.pids():
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                with contextlib.suppress(OSError):
                    total += int(open(path).read().split()[0])
        return total

    def settled_cpu_ns(self, seconds=3):
        """CPU once the process has gone quiet: rows that are still being written belong to the requests."""
        last, end = self.cpu_ns(), time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
            now = self.cpu_ns()
            if now - last < 500_000:
                return now
            last = now
        return last

    def rss_kib(self):
        return sum(int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) for pid in self.pids())

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


class Bench:
    def __init__(self, args, stack):
        self.args, self.stack = args, stack
        self.dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-bench-")))
        self.mock = self.start(LOAD_CORE, [args.weir, "mock", "--listen", "127.0.0.1:0"], "mock.log")
        self.mock_port = int(self.mock.wait_for(r"listening on http://\S*:(\d+)").group(1))
        self.tls_port, self.nginx_port, self.nginx_tls_port = free_ports(3)
        self.make_certificate()
        self.start(LOAD_CORE, self.nginx_command("front", f"""server {{
            listen 127.0.0.1:{self.tls_port} ssl; ssl_certificate {self.dir}/leaf.pem; ssl_certificate_key {self.dir}/leaf.key;
            location / {{ proxy_pass http://mock; proxy_buffering off; }} }}"""), "front.log")
        self.nginx = self.start(TEST_CORE, self.nginx_command("nginx", f"""
        server {{ listen 127.0.0.1:{self.nginx_port}; location / {{ proxy_pass http://mock; }}
                  location /stream/ {{ proxy_pass http://mock/; proxy_buffering off; }} }}
        server {{ listen 127.0.0.1:{self.nginx_tls_port}; location / {{ proxy_pass https://mock_tls;
                  proxy_ssl_verify on; proxy_ssl_trusted_certificate {self.dir}/ca.pem; proxy_ssl_name localhost; }} }}"""), "nginx.log")
        self.weir = self.start_weir("weir")
        self.weir_port = listening_port(self.weir)
        for port in (self.tls_port, self.nginx_port, self.nginx_tls_port):
            wait_port(port)
        self.create_gateway()

    def start(self, core, command, log, env=None):
        p = Process(core, command, self.dir / log, env)
        self.stack.callback(p.stop)
        return p

    def start_weir(self, name, tls=True):
        config = self.dir / f"{name}.jsonc"
        config.write_text(json.dumps({
            "listen": "127.0.0.1:0", "data": str(self.dir / f"{name}-data"), "workers": 1,
            **({"upstream": {"ca_file": str(self.dir / "ca.pem")}} if tls else {}),
            "providers": {"openai": {"origin": f"http://127.0.0.1:{self.mock_port}"},
                          "fireworks": {"origin": f"https://localhost:{self.tls_port}"}}}))
        return self.start(TEST_CORE, [self.args.weir, "serve", "--config", config], f"{name}.log",
                          {"WEIR_ACCOUNT_ID": ACCOUNT, "WEIR_ROOT_TOKEN": TOKEN})

    def nginx_command(self, name, role):
        directory = self.dir / name
        directory.mkdir()
        text = (ROOT / "bench/nginx.conf.in").read_text()
        for key, value in {"DIR": directory, "MOCK": self.mock_port, "TLS": self.tls_port, "ROLE": role}.items():
            text = text.replace(f"@{key}@", str(value))
        conf = directory / "nginx.conf"
        conf.write_text(text)
        return ["nginx", "-p", directory, "-c", conf, "-e", directory / "error.log"]

    def make_certificate(self):
        def openssl(*command):
            subprocess.run(["openssl", *command], cwd=self.dir, check=True, capture_output=True)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench authority")
        openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
        (self.dir / "leaf.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem",
                "-days", "2", "-extfile", "leaf.ext")

    def create_gateway(self):
        """A gateway that neither authenticates nor logs: weir as a bare proxy."""
        body = {"id": "bare", "authentication": False, "collect_logs": False, "cache_ttl": 0, "cache_invalidate_on_update": False,
                "rate_limiting_interval": 0, "rate_limiting_limit": 0}
        status, text = post(self.weir_port, f"/client/v4/accounts/{ACCOUNT}/ai-gateway/gateways", json.dumps(body),
                            {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        if status != 200:
            raise SystemExit(f"bench: creating a gateway: {status} {text}")

    def contestants(self, s):
        """name -> (process under test or None, url, with token)"""
        stream = s.get("stream")
        slug, path = ("fireworks", "/inference/v1/chat/completions") if s.get("tls") else ("openai", "/v1/chat/completions")
        nginx = self.nginx_tls_port if s.get("tls") else self.nginx_port
        weir = f"http://127.0.0.1:{self.weir_port}/v1/{ACCOUNT}"
        out = {
            "nginx": (self.nginx, f"http://127.0.0.1:{nginx}{'/stream' if stream else ''}{path}", False),
            "weir-off": (self.weir, f"{weir}/bare/{slug}/chat/completions", False),
            "weir-on": (self.weir, f"{weir}/default/{slug}/chat/completions", True),
        }
        if s.get("pause"):
            out["direct"] = (None, f"http://127.0.0.1:{self.mock_port}{path}", False)
        return out

    def load(self, s, url, token, seconds):
        env = {**os.environ, "BENCH_BODY": str(s["body"]), "BENCH_MOCK": s["mock"], "BENCH_STREAM": str(int(s.get("stream", False))),
               "BENCH_PAUSE": str(s.get("pause", 0)), **({"BENCH_TOKEN": TOKEN} if token else {})}
        out = subprocess.run(["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{s['conns']}", f"-d{seconds}s", "--timeout", "10s",
                              "-s", ROOT / "bench/load.lua", url], env=env, capture_output=True, text=True)
        lines = [line for line in out.stdout.splitlines() if line.startswith("{")]
        if not lines:
            raise SystemExit(f"bench: wrk failed:\n{out.stdout}{out.stderr}")
        return json.loads(lines[-1])

    def measure(self, name, s, seconds):
        """One run: CPU per request, rate, latencies."""
        process, url, token = self.contestants(s)[name]
        before = process.settled_cpu_ns() if process else 0
        got = self.load(s, url, token, seconds)
        after = process.settled_cpu_ns() if process else 0
        if got["requests"] == 0:
            raise SystemExit(f"bench: {name} answered nothing at {url}")
        return {"cpu_us": (after - before) / 1000 / got["requests"], "rps": got["requests"] / got["seconds"], "bad": got["bad"],
                "p50_us": got["p50_us"], "p99_us": got["p99_us"]}

    def run(self, scenario):
        s = SCENARIOS[scenario]
        names = list(self.contestants(s))
        for name in names:  # warm connections, caches and branch predictors
            self.load(s, *self.contestants(s)[name][1:], "1")
        rounds = []
        for i in range(self.args.rounds):
            order = names[i % len(names):] + names[:i % len(names)]
            rounds.append({name: self.measure(name, s, self.args.seconds) for name in order})
            print(".", end="", flush=True)
        return rounds


def free_ports(n):
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def wait_port(port):
    for _ in range(1000):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.005)
    raise SystemExit(f"bench: nothing listens on {port}")


def listening_port(process):
    return int(process.wait_for(r"listening on http://\S*:(\d+)").group(1))


def post(port, path, body, headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    c.request("POST", path, body, headers)
    r = c.getresponse()
    return r.status, r.read().decode()


# ---- memory and start ----------------------------------------------------------------------------

def open_and_ask(port, n, request, enough):
    """n connections that each sent `request` and got at least the bytes `enough` back."""
    socks = []
    for _ in range(n):
        s = socket.create_connection(("127.0.0.1", port))
        s.settimeout(10)
        socks.append(s)
        s.sendall(request)
    for s in socks:
        got = b""
        while enough not in got:
            piece = s.recv(65536)
            if not piece:
                raise SystemExit(f"bench: connection closed after {got!r}")
            got += piece
    return socks


def memory(bench, n_idle, n_streams):
    """RSS of a fresh weir and nginx: idle, per idle connection, per open stream."""
    out = {}
    weir = bench.start_weir("memory", tls=False)
    port = listening_port(weir)
    wait_port(port)
    time.sleep(0.3)
    out["idle_kib"] = weir.rss_kib()
    for name, process, where in (("weir", weir, port), ("nginx", bench.nginx, bench.nginx_port)):
        path = "/healthz" if name == "weir" else "/v1/models"
        before = process.rss_kib()
        socks = open_and_ask(where, n_idle, f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode(), b"\r\n\r\n")
        time.sleep(0.2)
        out[f"{name}_idle_conn_kib"] = (process.rss_kib() - before) / n_idle
        for s in socks:
            s.close()
        time.sleep(0.2)
        before = process.rss_kib()
        body = '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}]}'
        path = f"/v1/{ACCOUNT}/default/openai/chat/completions" if name == "weir" else "/stream/v1/chat/completions"
        request = (f"POST {path} HTTP/1.1\r\nHost: h\r\ncf-aig-authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
                   f"X-Mock: stall-2\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
        socks = open_and_ask(where, n_streams, request, b"data: ")
        time.sleep(0.2)
        out[f"{name}_stream_kib"] = (process.rss_kib() - before) / n_streams
        for s in socks:
            s.close()
    weir.stop()
    return out


def cold_start(bench, times):
    """Milliseconds from exec to the first answer, on a new data directory and on an existing one."""
    out = {"first": [], "again": []}
    for i in range(times):
        data = bench.dir / f"cold-{i}"
        for kind in ("first", "again"):
            port = free_ports(1)[0]
            began = time.monotonic()
            p = bench.start(TEST_CORE, [bench.args.weir, "serve", "--listen", f"127.0.0.1:{port}", "--data", data, "--workers", "1"],
                            "cold.log")
            while True:
                with contextlib.suppress(OSError):
                    with socket.create_connection(("127.0.0.1", port)) as s:
                        s.sendall(b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
                        if s.recv(4096).startswith(b"HTTP/1.1 200"):
                            break
                if time.monotonic() - began > 10:
                    raise SystemExit("bench: weir did not start")
                time.sleep(0.0005)
            out[kind].append((time.monotonic() - began) * 1000)
            p.stop()
    return out


# ---- the table -----------------------------------------------------------------------------------

def ratios(rounds, name, key, per=1, base=None):
    """(median of weir, median of nginx, median ratio, least, most); base: subtract the direct path."""
    def value(r, who):
        return r[who][key] - (r["direct"][key] if base else 0)
    pairs = [(value(r, name), value(r, "nginx")) for r in rounds]
    quotients = sorted(a / b for a, b in pairs if b > 0) or [float("nan")]
    return (statistics.median(a for a, _ in pairs) / per, statistics.median(b for _, b in pairs) / per,
            statistics.median(quotients), quotients[0], quotients[-1])


ROWS = [  # what, scenario, contestant, key, divisor, relative to direct, budget (ratio)
    ("CPU us/request, 64 conns, log off", "small", "weir-off", "cpu_us", 1, False, 1.0),
    ("CPU us/request, 64 conns, all on", "small", "weir-on", "cpu_us", 1, False, 1.5),
    ("CPU us/request, 8 conns, log off", "small-8", "weir-off", "cpu_us", 1, False, 1.0),
    ("CPU us/request, 8 conns, all on", "small-8", "weir-on", "cpu_us", 1, False, 1.5),
    ("CPU us/request, 100 KB, log off", "large", "weir-off", "cpu_us", 1, False, 1.0),
    ("CPU us/request, 100 KB, all on", "large", "weir-on", "cpu_us", 1, False, 1.5),
    ("CPU us/request, TLS up, log off", "tls", "weir-off", "cpu_us", 1, False, 1.0),
    ("CPU us/request, TLS up, all on", "tls", "weir-on", "cpu_us", 1, False, 1.5),
    ("CPU us/SSE event, log off", "sse", "weir-off", "cpu_us", SSE_EVENTS, False, 1.3),
    ("CPU us/SSE event, all on", "sse", "weir-on", "cpu_us", SSE_EVENTS, False, 1.3),
    ("CPU us/SSE event in a burst, log off", "burst", "weir-off", "cpu_us", SSE_EVENTS, False, 1.3),
    ("CPU us/SSE event in a burst, all on", "burst", "weir-on", "cpu_us", SSE_EVENTS, False, 1.3),
    ("added latency p50 us, 8 conns, all on", "small-8", "weir-on", "p50_us", 1, True, 1.0),
    ("added latency p99 us, 8 conns, all on", "small-8", "weir-on", "p99_us", 1, True, 1.2),
]


def report(results):
    lines, rows = [], []

    def add(what, weir, nginx, ratio, budget, ok):
        rows.append({"what": what, "weir": weir, "nginx": nginx, "ratio": ratio, "budget": budget, "ok": ok})
        lines.append(f"{what:40} {weir:>12} {nginx:>12} {ratio:>22} {budget:>10}  {'' if ok is None else 'ok' if ok else 'MISSED'}")
    head = f"{'':40} {'weir':>12} {'nginx':>12} {'ratio [min-max]':>22} {'budget':>10}"
    for what, scenario, name, key, per, base, budget in ROWS:
        if scenario in results["rounds"]:
            w, n, mid, low, high = ratios(results["rounds"][scenario], name, key, per, base)
            add(what, f"{w:.2f}", f"{n:.2f}", f"{mid:.2f} [{low:.2f}-{high:.2f}]", f"<= {budget}", mid <= budget)
    for scenario, rounds in results["rounds"].items():
        for name in ("weir-off", "weir-on"):
            w, n, mid, low, high = ratios(rounds, name, "rps")
            add(f"requests/s, {scenario}, {name}", f"{w:.0f}", f"{n:.0f}", f"{mid:.2f} [{low:.2f}-{high:.2f}]", "", None)
    if "memory" in results:
        m = results["memory"]
        add("idle RSS, MiB", f"{m['idle_kib'] / 1024:.1f}", "", "", "<= 8", m["idle_kib"] <= 8 * 1024)
        for key, what, budget in (("idle_conn", "RSS per idle connection, KiB", 4), ("stream", "RSS per open stream, KiB", 16)):
            add(what, f"{m[f'weir_{key}_kib']:.1f}", f"{m[f'nginx_{key}_kib']:.1f}", "", f"<= {budget}", m[f"weir_{key}_kib"] <= budget)
    if "cold_start_ms" in results:
        first, again = (statistics.median(results["cold_start_ms"][kind]) for kind in ("first", "again"))
        add("first start (makes the databases), ms", f"{first:.1f}", "", "", "", None)
        add("cold start to first answer, ms", f"{again:.1f}", "", "", "<= 30", again <= 30)
    bad = sum(r[name]["bad"] for rounds in results["rounds"].values() for r in rounds for name in r)
    results["rows"], results["failed_requests"] = rows, bad
    return "\n".join(["", head, *lines, "", f"failed requests: {bad}"])


def machine():
    model = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo").read())
    return {"cpu": model.group(1) if model else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0],
            "nginx": subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="one short round: shows that everything works, not a measurement")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", help="length of a run")
    p.add_argument("--only", action="append", choices=[*SCENARIOS, "memory", "start"])
    p.add_argument("--weir", default=str(ROOT / "build/weir"))
    args = p.parse_args()
    args.rounds = args.rounds or (1 if args.quick else 5)
    args.seconds = args.seconds or ("1" if args.quick else "2")
    for program in ("wrk", "nginx", "taskset", "openssl", args.weir):
        if not shutil.which(program):
            raise SystemExit(f"bench: {program} is missing; ./dev bench installs and builds what is needed")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    results = {"machine": machine(), "settings": {"rounds": args.rounds, "seconds": args.seconds, "scenarios": SCENARIOS}, "rounds": {}}
    if results["machine"]["load_before"] > 0.5:
        print(f"note: the machine is busy (load {results['machine']['load_before']:.1f}); ratios will scatter")
    wanted = args.only or [*SCENARIOS, "memory", "start"]
    with contextlib.ExitStack() as stack:
        bench = Bench(args, stack)
        for scenario in SCENARIOS:
            if scenario in wanted:
                print(f"{scenario:8} ", end="", flush=True)
                results["rounds"][scenario] = bench.run(scenario)
                print()
        if "memory" in wanted:
            results["memory"] = memory(bench, *((200, 100) if args.quick else (2000, 1000)))
        if "start" in wanted:
            results["cold_start_ms"] = cold_start(bench, 1 if args.quick else 5)
    print(report(results))
    (ROOT / "bench/results.json").write_text(json.dumps(results, indent=1) + "\n")
    print("wrote bench/results.json")


main()
