"""Submits a crawl job and follows it, a line for each page as soon as it is done. Needs nothing but Python.

    python3 examples/crawl_job.py https://example.com https://example.org

OPILIO is the server's address, http://localhost:11235 if it is not set. Where RECEIVER is set, e.g. to the address of
receiver.py, a webhook goes there when the job has ended; NO_DATA=1 leaves the results out of it.
"""

import json
import os
import sys
import urllib.request

OPILIO = os.environ.get("OPILIO", "http://localhost:11235")


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(OPILIO + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def events(task):
    """What happens to the job, by name, until it has ended. Who is cut off comes again with the last id that was sent,
    as the header Last-Event-ID."""
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
    task = ask("/crawl/job", job)["task_id"]
    print("submitted", task)
    for name, what in events(task):
        if name == "page":
            print("crawled" if what["success"] else "failed", what["url"], what["error_message"])
    status = ask(f"/crawl/job/{task}")
    print(status["status"], status.get("error", ""))
    for page in status["results"]:
        if page["success"]:
            print(f"{page['url']}: {page['metadata']['title']}, {len(page['links']['internal'])} links")


if __name__ == "__main__":
    main(sys.argv[1:])
