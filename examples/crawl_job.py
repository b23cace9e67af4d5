"""Submits a crawl job and prints a line for each page as soon as it is crawled. Needs only Python.

    python3 examples/crawl_job.py https://example.com https://example.org

OPILIO is the server's URL (default http://localhost:11235). RECEIVER, for example the URL of receiver.py, is the webhook URL;
with NO_DATA=1 the webhook does not contain the results.
"""

import json
import os
import sys
import urllib.request

OPILIO = os.environ.get("OPILIO", "http://localhost:11235")


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(OPILIO + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def events(task):
    """The events of the job as (name, data), up to the terminal one. To resume after a disconnect, send the last event id in the
    header Last-Event-ID."""
    name = ""
    with urllib.request.urlopen(f"{OPILIO}/jobs/{task}/events") as stream:
        for line in stream:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def main(urls):
    job = {"urls": urls}
    if "RECEIVER" in os.environ:
        job["webhook_config"] = {
            "webhook_url": os.environ["RECEIVER"],
            "webhook_data_in_payload": "NO_DATA" not in os.environ,
        }
    task = call("/crawl/job", job)["task_id"]
    print("submitted", task)
    for name, data in events(task):
        if name == "page":
            print("crawled" if data["success"] else "failed", data["url"], data["error_message"])
    status = call(f"/crawl/job/{task}")
    print(status["status"], status.get("error", ""))
    for page in status["results"]:
        if page["success"]:
            print(f"{page['url']}: {page['metadata']['title']}, {len(page['links']['internal'])} links")


if __name__ == "__main__":
    main(sys.argv[1:])
