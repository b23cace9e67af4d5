"""Receives webhooks of both job kinds: verifies their signatures, ignores repetitions, and fetches results that they do not
contain. Needs only Python.

    WEBHOOK_SECRET=whsec_… python3 examples/receiver.py [port [address]]

The secret is that of `webhooks.secrets` in the server's config.yml; without it signatures are not verified. OPILIO is the
server's URL (default http://localhost:11235).
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OPILIO = os.environ.get("OPILIO", "http://localhost:11235")
SECRET = os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_")

# In production, store the ids with the work that they cause, and delete them after some days.
seen = set()
one_at_a_time = threading.Lock()


def is_genuine(headers, body):
    """Verifies the timestamp and the signature as defined by Standard Webhooks."""
    if not SECRET:
        return True
    sent, name = headers.get("webhook-timestamp", "0"), headers.get("webhook-id", "")
    if not sent.isdigit() or abs(time.time() - int(sent)) > 300:
        return False
    signed = f"{name}.{sent}.".encode() + body
    ours = base64.b64encode(hmac.new(base64.b64decode(SECRET), signed, hashlib.sha256).digest()).decode()
    theirs = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{ours}".encode(), signature.encode()) for signature in theirs)


def fetch(webhook):
    family = "crawl" if webhook["task_type"] == "crawl" else "llm"
    with urllib.request.urlopen(f"{OPILIO}/{family}/job/{webhook['task_id']}", timeout=30) as response:
        return json.load(response)


def lines(webhook):
    """The lines to print for a job."""
    yield f"{webhook['task_type']} {webhook['task_id']} {webhook['status']} {webhook.get('error', '')}"
    if webhook["status"] != "completed":
        return
    data = webhook.get("data")
    if webhook["task_type"] == "crawl":
        for page in (data or fetch(webhook))["results"]:
            text = page["markdown"]["raw_markdown"]
            yield f"  {page['url']}: " + (f"{len(text)} characters" if page["success"] else page["error_message"])
    else:
        # The job's `result` is what the webhook calls `extracted_content`.
        yield "  " + json.dumps(data["extracted_content"] if data else fetch(webhook)["result"])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_genuine(self.headers, body):
            return self.respond(401)
        # Respond first, because the sender does not wait for long.
        self.respond(204)
        with one_at_a_time:
            name = self.headers["webhook-id"]
            if name in seen:
                print("repeated", name, flush=True)
            else:
                seen.add(name)
                for line in lines(json.loads(body)):
                    print(line.rstrip(), flush=True)

    def respond(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    server = ThreadingHTTPServer((address, port), Receiver)
    print(f"listening on http://{address}:{server.server_port}", flush=True)
    server.serve_forever()
