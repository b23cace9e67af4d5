"""Jobs that were accepted, and what must become of each: settled once, told, and known."""

import itertools

from docker import ask, until


class Neighbour:
    """neighbour.py, as seen from here."""

    def __init__(self, address):
        self.base = f"http://{address}:8000"

    def answers(self):
        return ask(self.base + "/page")[0] == 200

    def gate(self, what):
        assert ask(f"{self.base}/gate/{what}", {}) == (200, "")

    def waiting(self):
        return ask(self.base + "/waiting")[1]

    def told(self):
        return ask(self.base + "/told")[1]


class Ledger:
    """Every job that was accepted."""

    def __init__(self, neighbour):
        self.neighbour = neighbour
        self.accepted = []
        self.keys = itertools.count()

    def submit(self, bases, count, page):
        """Until so many are accepted, asking one node after the other, and the next where one cannot."""
        job = {
            "urls": [f"http://neighbour:8000{page}"],
            "crawler_config": {"page_timeout": 300_000},
            "webhook_config": {"webhook_url": "http://neighbour:8000/hook"},
        }
        nodes = itertools.cycle(bases)
        for _ in range(count):
            key = {"Idempotency-Key": f"job-{next(self.keys)}"}
            self.accepted.append(until("a job is accepted", lambda: self.try_to_submit(next(nodes), job, key)))

    @staticmethod
    def try_to_submit(base, job, key):
        status, answer = ask(base + "/crawl/job", job, key)
        assert status in (0, 202, 503), answer
        return answer["task_id"] if status == 202 else None

    def all_is_told(self, bases):
        """Waits until every job is, and looks at each."""
        told = {}

        def is_complete():
            told.clear()
            for one in self.neighbour.told():
                told.setdefault(one["body"]["task_id"], []).append(one)
            return set(told) >= set(self.accepted)

        until("every accepted job is told", is_complete)
        assert set(told) == set(self.accepted), "nobody is told of what was not accepted"
        assert len(set(self.accepted)) == len(self.accepted), "one id a job"
        for task, tellings in told.items():
            assert len({one["id"] for one in tellings}) == 1, f"{task} has one delivery"
            bodies = [one["body"] for one in tellings]
            assert all(body == bodies[0] for body in bodies), f"{task} is settled once"
            assert bodies[0]["status"] == "completed", bodies[0]
        for task, base in zip(self.accepted, itertools.cycle(bases)):
            until(f"{task} is known to be delivered", lambda: self.is_delivered(base, task))

    @staticmethod
    def is_delivered(base, task):
        status, answer = ask(f"{base}/crawl/job/{task}")
        assert (status, answer["status"]) == (200, "completed"), answer
        return answer["webhook"]["state"] == "delivered"
