"""Access to Docker, Compose and Opilio."""

import functools
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

COMPOSE = os.environ.get("COMPOSE", "docker-compose").split()


def run(*command, **more):
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()[-2000:]}"
    return done.stdout


def docker(*arguments, **more):
    return run("docker", *arguments, **more)


def compose(*arguments):
    return run(*COMPOSE, *arguments)


def inspect(container):
    return json.loads(docker("inspect", container))[0]


def until(what, condition, within=120):
    """Waits until `condition()` is true, and returns its value."""
    end = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {within} s: {what}; last value: {value!r}"
        time.sleep(0.1)
    return value


def request(url, body=None, headers=(), method=None):
    """Status and JSON of the response; status 0 if there is none."""
    data = None if body is None else json.dumps(body).encode()
    prepared = urllib.request.Request(url, data, {"Content-Type": "application/json", **dict(headers)}, method=method)
    try:
        with urllib.request.urlopen(prepared, timeout=10) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except (OSError, ValueError) as error:
        return 0, str(error)
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
        """The published ports: container port to a set of (address, port) of the host."""
        ports = inspect(self.name)["NetworkSettings"]["Ports"]
        return {port: {(at["HostIp"], int(at["HostPort"])) for at in where or ()} for port, where in ports.items()}

    @functools.cached_property
    def base(self):
        """The URL of its API, which a restart does not change."""
        ((host, port),) = self.published()["11235/tcp"]
        return f"http://{host}:{port}"

    def is_healthy(self):
        state = self.state()
        return state["Running"] and state["Health"]["Status"] == "healthy"

    def is_ready(self):
        return request(self.base + "/ready")[0] == 200

    def log(self):
        return docker("logs", self.name)


def containers(service):
    """The containers of a service, sorted by name."""
    names = compose("ps", "--quiet", service).split()
    return sorted((Container(inspect(name)["Name"].lstrip("/")) for name in names), key=str)


os.environ["no_proxy"] = "*"
