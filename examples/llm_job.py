"""Submits an LLM job with a schema and waits for its webhook. Needs only Python.

    python3 examples/llm_job.py https://example.com/article

OPILIO is the server's URL (default http://localhost:11235). With NO_DATA=1 the webhook does not contain the result, which is
then fetched.
"""

import json
import os
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

OPILIO = os.environ.get("OPILIO", "http://localhost:11235")
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "author": {"type": "string"}},
    "required": ["title"],
}


class Receiver(BaseHTTPRequestHandler):
    """Receives one webhook and shuts down its server."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.webhook = json.loads(body)
        threading.Thread(target=self.server.shutdown).start()

    def log_message(self, *_):
        pass


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def main(page):
    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    job = {
        "url": page,
        "q": "Extract the article's title and author",
        "schema": SCHEMA,
        "webhook_config": {
            "webhook_url": f"http://127.0.0.1:{receiver.server_port}/hook",
            "webhook_data_in_payload": "NO_DATA" not in os.environ,
        },
    }
    task = call(f"{OPILIO}/llm/job", job)
    print("submitted", task["task_id"])
    receiver.serve_forever()
    webhook = receiver.webhook
    if webhook["status"] != "completed":
        sys.exit(f"{webhook['status']}: {webhook['error']} ({webhook.get('error_type')})")
    if "data" in webhook:
        content = webhook["data"]["extracted_content"]
    else:
        # The job's `result` is what the webhook calls `extracted_content`.
        content = call(f"{OPILIO}/llm/job/{webhook['task_id']}")["result"]
    print("extracted", json.dumps(content))


if __name__ == "__main__":
    main(sys.argv[1])
