"""A service beside Opilio: pages to crawl, some behind a gate, and a webhook receiver.

GET /page            a page
GET /gated/…         a page once the gate is open
POST /gate/open|close
GET /waiting         the number of waiting requests per client address
POST /hook           a webhook
GET /webhooks        every webhook so far: its id and its body
"""

import collections
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!DOCTYPE html><title>The page</title><h1>A title</h1><p>Some words.</p>"

gate = threading.Event()
lock = threading.Lock()
waiting = collections.Counter()
webhooks = []


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/waiting":
            with lock:
                self.respond("application/json", json.dumps(+waiting).encode())
        elif self.path == "/webhooks":
            with lock:
                self.respond("application/json", json.dumps(webhooks).encode())
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
                webhooks.append({"id": self.headers["webhook-id"], "body": json.loads(body)})
        self.respond("text/plain", b"")

    def page(self, gated):
        """Sends a space every second while the gate is closed, so that the client does not time out."""
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

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def respond(self, kind, body):
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
        """Ignores connections of clients that were killed."""


print("listening", flush=True)
Server(("0.0.0.0", 8000), Site).serve_forever()
