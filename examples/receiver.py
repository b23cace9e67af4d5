"""Takes webhooks and checks their signatures. Needs nothing but Python.

    WEBHOOK_SECRET=whsec_… python3 examples/receiver.py [port]

The secret is the one under `webhooks.secrets` of the server's config.yml. Without it every webhook is believed.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_")


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
    return any(hmac.compare_digest(f"v1,{ours}", one) for one in theirs)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        genuine = is_genuine(self.headers, body)
        # Answer first: what takes long is done afterwards. A webhook may come twice; its webhook-id tells.
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if genuine:
            told = json.loads(body)
            print(told["task_id"], told["status"], told.get("error", ""), flush=True)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
