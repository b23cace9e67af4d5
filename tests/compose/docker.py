"""What the checks ask Docker, Compose and Opilio."""

import functools
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

COMPOSE = os.environ.get("COMPOSE", "docker-compose").split()


def run(*command, **more):
    """What the command prints; fails with what it complains of."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()[-2000:]}"
    return done.stdout


def docker(*arguments, **more):
    return run("docker", *arguments, **more)


def compose(*arguments):
    return run(*COMPOSE, *arguments)


def inspect(container):
    return json.loads(docker("inspect", container))[0]


def until(what, holds, within=120):
    """The first thing that `holds` finds true."""
    end = time.monotonic() + within
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end, f"not within {within} s: {what}"
        time.sleep(0.1)


def ask(url, body=None, headers=(), method=None):
    """Status and JSON of the answer; status 0 where there is none."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **dict(headers)}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        status, text = refusal.code, refusal.read()
    except (OSError, ValueError) as silence:
        return 0, str(silence)
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode(errors="replace")


class Container:
    """One container of a service."""

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return self.name

    def state(self):
        return inspect(self.name)["State"]

    def address(self, network):
        return inspect(self.name)["NetworkSettings"]["Networks"][network]["IPAddress"]

    def published(self):
        """Where it is published: container port to (address, port)s of the host."""
        ports = inspect(self.name)["NetworkSettings"]["Ports"]
        return {port: {(at["HostIp"], int(at["HostPort"])) for at in where or ()} for port, where in ports.items()}

    @functools.cached_property
    def base(self):
        """Its API; the same after a restart."""
        ((host, port),) = self.published()["11235/tcp"]
        return f"http://{host}:{port}"

    def is_healthy(self):
        state = self.state()
        return state["Running"] and state["Health"]["Status"] == "healthy"

    def is_ready(self):
        return ask(self.base + "/ready")[0] == 200

    def log(self):
        return docker("logs", self.name)


def containers(service):
    """Those of a service, by name."""
    names = compose("ps", "--quiet", service).split()
    return sorted((Container(inspect(name)["Name"].lstrip("/")) for name in names), key=str)


os.environ["no_proxy"] = "*"
