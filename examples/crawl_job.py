"""Submits a crawl job and prints a line for each page as soon as it is done. Standard library only.

    python3 examples/crawl_job.py https://example.com https://example.org

OPILIO is the server's address, default http://localhost:11235. If RECEIVER is set, e.g. to the address of
receiver.py, it is the job's webhook; NO_DATA=1 omits the results from the payload.
"""

import json
import os
import sys
import urllib.request

OPILIO = os.environ.get("OPILIO", "http://localhost:11235")


def request_json(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(OPILIO + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def events(task):
    """The events of the job until it settles. After a lost connection, a client continues by sending the last id in the
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
    task = request_json("/crawl/job", job)["task_id"]
    print("submitted", task)
    for name, event in events(task):
        if name == "page":
            print("crawled" if event["success"] else "failed", event["url"], event["error_message"])
    status = request_json(f"/crawl/job/{task}")
    print(status["status"], status.get("error", ""))
    for page in status["results"]:
        if page["success"]:
            print(f"{page['url']}: {page['metadata']['title']}, {len(page['links']['internal'])} links")


if __name__ == "__main__":
    main(sys.argv[1:])
