#!/usr/bin/env python3
"""Compares servers with Crawl4AI's job API: latency, memory, and jobs lost after kill -9.

Usage: compare.py --port PORT [--jobs 50] [--rounds 50] -- COMMAND [ARGUMENT…]

COMMAND starts the server in the foreground on 127.0.0.1:PORT. The script starts it, serves a small page itself, measures, kills
the server with SIGKILL while jobs are accepted but not finished, starts it again and counts the jobs that complete. Run it once
for each server on the same machine and compare the printed lines. Standard library only.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html><title>Page</title><h1>Title</h1><p>Some words and <a href='/other'>a link</a>.</p>"
START_DEADLINE = 120
JOB_DEADLINE = 60


class Origin(BaseHTTPRequestHandler):
    """Serves the page; `/slow` takes two seconds."""

    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(2)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_):
        """The killed server closed its connections."""


class Server:
    """The server under test and its process group."""

    def __init__(self, port, command):
        self.base, self.command, self.process = f"http://127.0.0.1:{port}", command, None

    def start(self):
        self.process = subprocess.Popen(self.command, start_new_session=True, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline:
            try:
                self.request("/health")
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"no answer from {self.base} within {START_DEADLINE} s")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def request(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def submit(self, url):
        return self.request("/crawl/job", {"urls": [url]})["task_id"]

    def status(self, job):
        try:
            return self.request(f"/crawl/job/{job}")["status"].lower()
        except urllib.error.HTTPError as error:
            return f"HTTP {error.code}"

    def memory_mib(self):
        """Resident memory of every process in the server's session."""
        listed = subprocess.run(["ps", "-o", "rss=", "-s", str(self.process.pid)], capture_output=True, text=True)
        return sum(int(size) for size in listed.stdout.split()) / 1024


def completes(server, job, deadline):
    while time.monotonic() < deadline:
        status = server.status(job)
        if status not in ("processing", "queued", "running"):
            return status == "completed"
        time.sleep(0.002)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    origin = QuietServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{origin.server_port}"
    server = Server(options.port, options.command)
    server.start()
    try:
        latencies = []
        for number in range(options.rounds):
            began = time.perf_counter()
            if not completes(server, server.submit(f"{site}/page?{number}"), time.monotonic() + JOB_DEADLINE):
                raise SystemExit("a job did not complete; may the server crawl 127.0.0.1?")
            latencies.append((time.perf_counter() - began) * 1000)
        print(f"latency, median of {options.rounds} jobs: {statistics.median(latencies):.1f} ms")
        print(f"memory after them: {server.memory_mib():.0f} MiB")
        jobs = [server.submit(f"{site}/slow?{number}") for number in range(options.jobs)]
        server.kill()
        server.start()
        deadline = time.monotonic() + JOB_DEADLINE + 2 * options.jobs
        lost = sum(not completes(server, job, deadline) for job in jobs)
        print(f"lost after kill -9: {lost} of {options.jobs} accepted jobs")
    finally:
        server.kill()


if __name__ == "__main__":
    main()
