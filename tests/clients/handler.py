"""A Flask handler for webhooks of both job kinds, as users of the job API write it. It fetches data that a webhook does not
contain, and prints a line per result. Argument: the server's URL."""

import sys

import requests
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

SERVER = sys.argv[1]
app = Flask(__name__)


def show(*words):
    # One write, because the handlers run concurrently.
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def outcome(webhook):
    """The result, from the webhook or from the API."""
    if "data" in webhook:
        return webhook["data"]
    family = {"crawl": "crawl"}.get(webhook["task_type"], "llm")
    return requests.get(f"{SERVER}/{family}/job/{webhook['task_id']}", timeout=10).json()


@app.route("/webhooks/crawl-complete", methods=["POST"])
def on_webhook():
    if request.headers.get("X-Webhook-Secret") != "my-secret":
        show("wrong secret")
        return jsonify({"status": "forbidden"}), 403
    webhook = request.json
    job, kind = webhook["task_id"], webhook["task_type"]
    if webhook["status"] == "failed":
        show("failed", kind, job, webhook.get("error", "Unknown error"))
    elif webhook["status"] == "completed":
        data = outcome(webhook)
        if kind == "crawl":
            for page in data.get("results", []):
                # Existing handlers call `len` on `markdown`, for failed pages as well.
                show("page", job, page.get("url"), len(page.get("markdown", "")) > 0, page["success"])
        elif kind == "llm_extraction":
            show("extracted", job, data.get("extracted_content", data.get("result", {})))
        show("done", kind, job)
    return jsonify({"status": "received"}), 200


server = make_server("127.0.0.1", 0, app, threaded=True)
show("listening", server.server_port)
server.serve_forever()
