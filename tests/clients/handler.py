"""A webhook handler as users of the job API write them in Flask: it takes webhooks of both kinds of job, fetches what
is not in them, and prints one line a finding. Arguments: the server's address."""

import sys

import requests
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

SERVER = sys.argv[1]
app = Flask(__name__)


def say(*words):
    # In one piece: the handlers run side by side.
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def outcome(webhook):
    """What the job came to: from the webhook, or else from the API."""
    if "data" in webhook:
        return webhook["data"]
    family = {"crawl": "crawl"}.get(webhook["task_type"], "llm")
    return requests.get(f"{SERVER}/{family}/job/{webhook['task_id']}", timeout=10).json()


@app.route("/webhooks/crawl-complete", methods=["POST"])
def on_webhook():
    if request.headers.get("X-Webhook-Secret") != "my-secret":
        say("not for us")
        return jsonify({"status": "forbidden"}), 403
    webhook = request.json
    job, kind = webhook["task_id"], webhook["task_type"]
    if webhook["status"] == "failed":
        say("failed", kind, job, webhook.get("error", "Unknown error"))
    elif webhook["status"] == "completed":
        data = outcome(webhook)
        if kind == "crawl":
            for page in data.get("results", []):
                # Readers take the length of whatever `markdown` is, for pages that failed as well.
                say("page", job, page.get("url"), len(page.get("markdown", "")) > 0, page["success"])
        elif kind == "llm_extraction":
            say("extracted", job, data.get("extracted_content", data.get("result", {})))
        say("done", kind, job)
    return jsonify({"status": "received"}), 200


server = make_server("127.0.0.1", 0, app, threaded=True)
say("listening", server.server_port)
server.serve_forever()
