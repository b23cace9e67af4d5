"""A service beside Opilio: pages to crawl, some behind a gate, and a receiver that remembers what it is told.

GET /page            a page at once
GET /gated/…         a page once the gate is open
POST /gate/open|close
GET /waiting         who waits for pages: how many for each address
POST /hook           a webhook
GET /told            every webhook so far: its id and its body
"""

import collections
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html><title>The page</title><h1>A title</h1><p>Some words.</p>"

gate = threading.Event()
lock = threading.Lock()
waiting = collections.Counter()
told = []


class Neighbour(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/waiting":
            with lock:
                self.answer("application/json", json.dumps(+waiting).encode())
        elif self.path == "/told":
            with lock:
                self.answer("application/json", json.dumps(told).encode())
        else:
            self.page(gated=self.path.startswith("/gated/"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path == "/gate/open":
            gate.set()
        elif self.path == "/gate/close":
            gate.clear()
        else:
            with lock:
                told.append({"id": self.headers["webhook-id"], "body": json.loads(body)})
        self.answer("text/plain", b"")

    def page(self, gated):
        """A space now and then, as long as the gate is closed: who reads it is not to give up."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        client = self.client_address[0]
        with lock:
            waiting[client] += 1
        try:
            while gated and not gate.wait(1):
                self.chunk(b" ")
        finally:
            with lock:
                waiting[client] -= 1
        self.chunk(PAGE)
        self.chunk(b"")

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_):
        """A client that was killed is no error of ours."""


print("listening", flush=True)
Server(("0.0.0.0", 8000), Neighbour).serve_forever()
