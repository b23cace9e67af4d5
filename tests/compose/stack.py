"""Checks of the stack of docker-compose.yml on a real Docker engine: stack.py CHECKOUT [CHECK…]. Started by run.sh.

Runs the named checks, or all, and prints a line for each."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from docker import COMPOSE, Container, compose, containers, docker, inspect, request, run, until
from jobs import Ledger, Site
from printed import SEED, shown

CHECKOUT = Path(sys.argv[1])
# Adds a service with pages and a webhook receiver.
WITH_SITE = """
services:
  site:
    image: python:3-slim
    command: python3 /site.py
    volumes: ["./tests/compose/site.py:/site.py:ro"]
  opilio:
    environment: {OPILIO__EGRESS__ALLOW: "[site]"}
"""
PORTS = {f"http://127.0.0.1:{port}" for port in (11235, 11236, 11237)}
BUSY = 150  # jobs for three nodes, each of which runs up to 64
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def up(*more, settings="", override=""):
    """Starts the stack as shipped with this `.env` and override file, and waits until it is healthy."""
    Path(".env").write_text(settings)
    override_file = Path("docker-compose.override.yml")
    override_file.write_text(override) if override else override_file.unlink(missing_ok=True)
    compose("up", "--detach", "--remove-orphans", *more)
    nodes = containers("opilio")
    until("all are healthy", lambda: all(container.is_healthy() for container in [*nodes, *containers("redis")]))
    return nodes


def built(image, **builder):
    docker("build", "--build-arg", "BINARY=target/image/opilio", "--tag", image, ".", env={**os.environ, **builder})
    return inspect(image)


@check
def classic_builder_and_buildkit_make_the_same_small_image():
    images = [built("opilio:classic", DOCKER_BUILDKIT="0"), built("opilio:buildkit", DOCKER_BUILDKIT="1")]
    for config in (image["Config"] for image in images):
        assert config["User"] == "65532:65532" and config["StopSignal"] == "SIGTERM", config
        assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/opilio", "health"], config
    binary = Path("target/image/opilio").stat().st_size
    for image in images:
        assert image["Size"] - binary < 10_000_000, f"{image['Size']} bytes, of them {binary} the binary"
    second = docker("build", "--build-arg", "BINARY=target/image/opilio", ".", env={**os.environ, "DOCKER_BUILDKIT": "0"})
    steps = second.count("\n ---> Using cache"), second.count("\n ---> Running in")
    assert steps[1] == 0 < steps[0], f"a second build does not use the cache: {second}"


@check
def single_container_requires_a_token_and_stores_in_a_volume():
    refused = subprocess.run(["docker", "run", "--rm", "opilio:classic"], capture_output=True, text=True)
    assert refused.returncode == 1 and "security.api_token" in refused.stderr, refused
    options = ["--env", "OPILIO__SECURITY__API_TOKEN=t", "--volume", "alone:/data", "--read-only"]
    ids = []
    for _ in range(2):
        docker("run", "--detach", "--name", "alone", "--publish", "127.0.0.1:11235:11235", *options, "opilio:classic")
        alone, token = Container("alone"), {"Authorization": "Bearer t"}
        until("the server responds", lambda: request(alone.base + "/health")[0] == 200)
        if not ids:
            ids.append(request(alone.base + "/crawl/job", {"urls": ["raw:<p>x"]}, token)[1]["task_id"])
        status = until("the job settles", lambda: request(f"{alone.base}/crawl/job/{ids[0]}", headers=token)[1])
        docker("stop", "alone")
        assert alone.state()["ExitCode"] == 0, f"{alone.state()} {alone.log()}"
        assert status["task_id"] == ids[0], status
        docker("rm", "alone")


@check
def default_stack_is_open_on_loopback_only_and_warns():
    (node,), (redis,) = up(), containers("redis")
    assert node.published() == {"11235/tcp": {("127.0.0.1", 11235)}}, node.published()
    assert not any(redis.published().values()), redis.published()
    assert "API is open" in node.log()
    assert "Redis at redis:6379" not in node.log(), "a warning about the durability of Redis"


@check
def containers_are_unprivileged_read_only_and_limited():
    for container in containers("opilio") + containers("redis"):
        host = inspect(container.name)["HostConfig"]
        assert host["ReadonlyRootfs"] and host["Memory"] > 0, container
        assert host["RestartPolicy"]["Name"] == "unless-stopped", container
        assert host["SecurityOpt"] == ["no-new-privileges:true"], container
        process = Path(f"/proc/{container.state()['Pid']}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in process.splitlines())
        assert "0" not in fields["Uid"].split() and int(fields["CapEff"], 16) == 0 == int(fields["CapBnd"], 16), container


@check
def printed_job_requests_are_accepted():
    for path, body in SEED:
        status, response = request(f"http://localhost:11235{path}", body)
        assert status == 202, response
        assert request(f"http://localhost:11235{path}/{response['task_id']}")[0] == 200


@check
def token_in_the_env_file_is_required():
    example = Path(".env.example").read_text()
    (node,) = up(settings=example.replace("#OPILIO__SECURITY__API_TOKEN", "OPILIO__SECURITY__API_TOKEN"))
    job, token = {"urls": ["raw:<p>x"]}, {"Authorization": "Bearer change-me"}
    assert request(node.base + "/crawl/job", job)[0] == 401
    assert request(node.base + "/crawl/job", job, token)[0] == 202
    assert "API is open" not in node.log()


def submitted_by(curl):
    """Runs a printed curl with a page that needs no network, and returns the id of its job."""
    curl = curl.replace("https://example.com", "raw:<h1>A title</h1>").replace("curl ", "curl --silent --show-error ")
    response = run("sh", "-c", curl)
    assert "task_id" in response, response
    return json.loads(response)["task_id"]


@check
def documented_receiver_on_the_host_gets_webhooks():
    setting, start = shown("sh", "host.docker.internal]"), shown("sh", "receiver.py 8080 172.17.0.1")
    receiver = subprocess.Popen(start.replace("python3", "exec python3 -u"), shell=True, text=True, stdout=subprocess.PIPE)
    try:
        assert "172.17.0.1:8080" in receiver.stdout.readline()
        up()
        run("sh", "-c", setting.replace("docker compose", " ".join(COMPOSE)))
        until("the node is healthy", containers("opilio")[0].is_healthy)
        task = submitted_by(shown("sh", "host.docker.internal:8080"))
        assert receiver.stdout.readline().strip() == f"crawl {task} completed"
        assert "10 characters" in receiver.stdout.readline(), "the receiver fetches the page from the published port"
    finally:
        receiver.kill()
        receiver.wait()


@check
def documented_receiver_in_a_service_gets_webhooks():
    up(override=shown("yaml", "receiver:"))
    (receiver,) = containers("receiver")
    until("it listens", lambda: "listening" in receiver.log())
    first = shown("sh", "localhost:8080/hook").replace("http://localhost:8080", "http://receiver:8080")
    for curl in [first, shown("sh", "http://receiver:8080")]:
        task = submitted_by(curl)
        until("the receiver prints the job", lambda: f"crawl {task} completed\n  raw:" in receiver.log())
    (node,) = containers("opilio")
    status, response = request(node.base + "/crawl/job", {"urls": ["http://redis:6379/"]})
    assert status == 422 and response["detail"][0]["msg"] == "URL blocked", f"only the receiver is allowed: {response}"


class Scaled:
    """Three nodes, the site, and all accepted jobs."""

    def __init__(self):
        compose("down", "--volumes")
        self.nodes = up("--scale", "opilio=3", settings="OPILIO_PORTS=11235-11237\n", override=WITH_SITE)
        (site,) = containers("site")
        self.site = Site(site.address("opilio_default"))
        until("the site is up", self.site.is_up)
        self.ledger = Ledger(self.site)

    def submit(self, count, page, nodes=None):
        self.ledger.submit([node.base for node in nodes or self.nodes], count, page)

    def occupy_all_nodes(self):
        """Submits gated jobs until every node runs some, and returns the nodes."""
        self.site.gate("close")
        self.submit(BUSY, "/gated/page")
        addresses = [node.address("opilio_default") for node in self.nodes]
        until("every node waits at the gate", lambda: all(self.site.waiting().get(each) for each in addresses))
        return self.nodes

    def wait_until_all_ready(self):
        until("every node is ready", lambda: all(node.is_ready() for node in self.nodes))

    def check_all_delivered(self):
        self.site.gate("open")
        self.ledger.check_all_delivered([node.base for node in self.nodes if node.is_ready()])


scaled = None


@check
def three_nodes_share_the_work_on_separate_ports():
    global scaled
    scaled = Scaled()
    assert {node.base for node in scaled.nodes} == PORTS
    scaled.occupy_all_nodes()
    scaled.check_all_delivered()


@check
def killed_node_loses_no_job():
    victim, *others = scaled.occupy_all_nodes()
    docker("kill", victim.name)
    scaled.submit(10, "/page", others)
    scaled.check_all_delivered()
    docker("start", victim.name)
    scaled.wait_until_all_ready()


@check
def restart_of_redis_loses_no_job():
    scaled.occupy_all_nodes()
    restart = threading.Thread(target=docker, args=("restart", containers("redis")[0].name))
    restart.start()
    scaled.submit(20, "/page")
    restart.join()
    scaled.wait_until_all_ready()
    scaled.check_all_delivered()


@check
def stopped_node_releases_its_jobs_within_the_grace():
    before = len(scaled.ledger.accepted)
    _, victim, _ = scaled.occupy_all_nodes()
    base, began = victim.base, time.monotonic()
    stop = threading.Thread(target=docker, args=("stop", victim.name))
    stop.start()
    until("the node rejects new jobs", lambda: request(base + "/crawl/job", {"urls": ["raw:<p>x"]})[0] == 503)
    stop.join()
    took = time.monotonic() - began
    state = victim.state()
    assert state["ExitCode"] == 0 and 20 < took, f"exit code {state['ExitCode']} after {took:.1f} s"
    scaled.check_all_delivered()
    ((base, *_), tasks) = ([node.base for node in scaled.nodes if node.is_ready()], scaled.ledger.accepted[before:])
    attempts = {request(f"{base}/crawl/job/{task}")[1]["attempt"] for task in tasks}
    assert attempts == {1}, f"a drain uses no attempt: {attempts}"
    docker("start", victim.name)
    scaled.wait_until_all_ready()


@check
def node_without_redis_loses_its_jobs_and_recovers():
    *others, victim = scaled.occupy_all_nodes()
    docker("network", "disconnect", "opilio_store", victim.name)
    until("the node is not ready", lambda: request(victim.base + "/ready")[0] == 503)
    assert request(victim.base + "/health")[0] == 200
    scaled.submit(10, "/page", others)
    scaled.check_all_delivered()
    docker("network", "connect", "opilio_store", victim.name)
    scaled.wait_until_all_ready()
    scaled.submit(10, "/page", [victim])
    scaled.check_all_delivered()
    assert {node.base for node in containers("opilio")} == PORTS, "each node has kept its port"


@check
def down_and_up_keeps_all_jobs():
    compose("down")
    assert docker("ps", "--all", "--quiet") == ""
    scaled.nodes = up("--scale", "opilio=3", settings="OPILIO_PORTS=11235-11237\n", override=WITH_SITE)
    for task in scaled.ledger.accepted:
        status, response = request(f"{scaled.nodes[0].base}/crawl/job/{task}")
        assert (status, response["status"]) == (200, "completed"), response
    lines = run("sh", "-c", f"docker logs {scaled.nodes[0].name} 2>&1 | grep -ic webhook || true")
    assert lines.strip().isdigit()


def main(wanted):
    os.chdir(CHECKOUT)
    failed = 0
    checks = [function for function in CHECKS if not wanted or function.__name__ in wanted]
    for function in checks:
        began, failure = time.monotonic(), None
        try:
            function()
        except Exception as error:
            failure, failed = error, failed + 1
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{'FAIL' if failure else 'ok  '} {function.__name__.replace('_', ' ')} ({took})", flush=True)
        if failure:
            print(f"     {type(failure).__name__}: {failure}", flush=True)
            print(compose("ps"), compose("logs", "--no-color", "--tail", "30"), flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
