"""Takes webhooks of both kinds of job: checks who sent them, does nothing twice, and fetches what is not in them. Needs
nothing but Python.

    WEBHOOK_SECRET=whsec_… python3 examples/receiver.py [port [address]]

The secret is the one under `webhooks.secrets` of the server's config.yml; without it every webhook is believed. OPILIO
is the server's address, http://localhost:11235 if it is not set.
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

# A real receiver keeps the ids where it keeps its work, and forgets them after some days.
seen = set()
one_at_a_time = threading.Lock()


def is_genuine(headers, body):
    """As the Standard Webhooks specification has it: a fresh time, and one signature that is ours."""
    if not SECRET:
        return True
    sent, name = headers.get("webhook-timestamp", "0"), headers.get("webhook-id", "")
    if not sent.isdigit() or abs(time.time() - int(sent)) > 300:
        return False
    signed = f"{name}.{sent}.".encode() + body
    ours = base64.b64encode(hmac.new(base64.b64decode(SECRET), signed, hashlib.sha256).digest()).decode()
    theirs = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{ours}".encode(), one.encode()) for one in theirs)


def fetch(told):
    family = "crawl" if told["task_type"] == "crawl" else "llm"
    with urllib.request.urlopen(f"{OPILIO}/{family}/job/{told['task_id']}", timeout=30) as answer:
        return json.load(answer)


def lines(told):
    """What there is to say of a job."""
    yield f"{told['task_type']} {told['task_id']} {told['status']} {told.get('error', '')}"
    if told["status"] != "completed":
        return
    data = told.get("data")
    if told["task_type"] == "crawl":
        for page in (data or fetch(told))["results"]:
            text = page["markdown"]["raw_markdown"]
            yield f"  {page['url']}: " + (f"{len(text)} characters" if page["success"] else page["error_message"])
    else:
        # The webhook has the content as extracted_content, the job's status has it as result.
        yield "  " + json.dumps(data["extracted_content"] if data else fetch(told)["result"])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_genuine(self.headers, body):
            return self.answer(401)
        # Answered first: what takes long is done afterwards.
        self.answer(204)
        with one_at_a_time:
            name = self.headers["webhook-id"]
            if name in seen:
                print("again", name, flush=True)
            else:
                seen.add(name)
                for line in lines(json.loads(body)):
                    print(line.rstrip(), flush=True)

    def answer(self, status):
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
