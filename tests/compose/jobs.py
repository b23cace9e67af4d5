"""The accepted jobs. Each must settle once, send one webhook, and be recorded as delivered."""

import itertools

from docker import request, until


class Site:
    """A client of site.py."""

    def __init__(self, address):
        self.base = f"http://{address}:8000"

    def is_up(self):
        return request(self.base + "/page")[0] == 200

    def gate(self, action):
        assert request(f"{self.base}/gate/{action}", {}) == (200, "")

    def waiting(self):
        return request(self.base + "/waiting")[1]

    def webhooks(self):
        return request(self.base + "/webhooks")[1]


class Ledger:
    """All accepted jobs."""

    def __init__(self, site):
        self.site = site
        self.accepted = []
        self.keys = itertools.count()

    def submit(self, bases, count, page):
        """Submits `count` jobs, to each node in turn, with retries at the next node."""
        job = {
            "urls": [f"http://site:8000{page}"],
            "crawler_config": {"page_timeout": 300_000},
            "webhook_config": {"webhook_url": "http://site:8000/hook"},
        }
        nodes = itertools.cycle(bases)
        for _ in range(count):
            key = {"Idempotency-Key": f"job-{next(self.keys)}"}
            self.accepted.append(until("a job is accepted", lambda: self.try_to_submit(next(nodes), job, key)))

    @staticmethod
    def try_to_submit(base, job, key):
        status, response = request(base + "/crawl/job", job, key)
        assert status in (0, 202, 503), response
        return response["task_id"] if status == 202 else None

    def check_all_delivered(self, bases):
        """Waits until every job has sent its webhook, and checks each."""
        by_job = {}

        def is_complete():
            by_job.clear()
            for webhook in self.site.webhooks():
                by_job.setdefault(webhook["body"]["task_id"], []).append(webhook)
            return set(by_job) >= set(self.accepted)

        until("every accepted job has sent a webhook", is_complete)
        assert set(by_job) == set(self.accepted), "a webhook names a job that was not accepted"
        assert len(set(self.accepted)) == len(self.accepted), "two submissions became one job"
        for task, webhooks in by_job.items():
            assert len({webhook["id"] for webhook in webhooks}) == 1, f"{task} has more than one delivery"
            bodies = [webhook["body"] for webhook in webhooks]
            assert all(body == bodies[0] for body in bodies), f"{task} settled more than once"
            assert bodies[0]["status"] == "completed", bodies[0]
        for task, base in zip(self.accepted, itertools.cycle(bases)):
            until(f"{task} is recorded as delivered", lambda: self.is_delivered(base, task))

    @staticmethod
    def is_delivered(base, task):
        status, job = request(f"{base}/crawl/job/{task}")
        assert (status, job["status"]) == (200, "completed"), job
        return job["webhook"]["state"] == "delivered"
