"""What the stack of docker-compose.yml promises, seen on a real Docker engine: stack.py CHECKOUT [CHECK…]. run.sh starts it,
in namespaces where the engine is. A line for each check; those named, or all."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from docker import COMPOSE, Container, ask, compose, containers, docker, inspect, run, until
from jobs import Ledger, Neighbour
from printed import SEED, shown

CHECKOUT = Path(sys.argv[1])
# The stack with a service beside it that has pages and hears webhooks.
WITH_A_NEIGHBOUR = """
services:
  neighbour:
    image: python:3-slim
    command: python3 /neighbour.py
    volumes: ["./tests/compose/neighbour.py:/neighbour.py:ro"]
  opilio:
    environment: {OPILIO__EGRESS__ALLOW: "[neighbour]"}
"""
PORTS = {f"http://127.0.0.1:{port}" for port in (11235, 11236, 11237)}
BUSY = 150  # jobs that keep all three nodes at work: each takes up to 64
CHECKS = []


def check(promise):
    CHECKS.append(promise)
    return promise


def up(*more, settings="", override=""):
    """The stack as shipped, with this `.env` and this file beside it; all of it healthy."""
    Path(".env").write_text(settings)
    beside = Path("docker-compose.override.yml")
    beside.write_text(override) if override else beside.unlink(missing_ok=True)
    compose("up", "--detach", "--remove-orphans", *more)
    nodes = containers("opilio")
    until("all are healthy", lambda: all(one.is_healthy() for one in [*nodes, *containers("redis")]))
    return nodes


def built(image, **builder):
    docker("build", "--build-arg", "BINARY=target/image/opilio", "--tag", image, ".", env={**os.environ, **builder})
    return inspect(image)


@check
def the_classic_builder_and_buildkit_make_the_same_small_image():
    images = [built("opilio:classic", DOCKER_BUILDKIT="0"), built("opilio:buildkit", DOCKER_BUILDKIT="1")]
    for config in (image["Config"] for image in images):
        assert config["User"] == "65532:65532" and config["StopSignal"] == "SIGTERM", config
        assert config["Healthcheck"]["Test"] == ["CMD", "/usr/bin/opilio", "health"], config
    binary = Path("target/image/opilio").stat().st_size
    for image in images:
        assert image["Size"] - binary < 10_000_000, f"{image['Size']} bytes, of them {binary} the binary"
    again = docker("build", "--build-arg", "BINARY=target/image/opilio", ".", env={**os.environ, "DOCKER_BUILDKIT": "0"})
    steps = again.count("\n ---> Using cache"), again.count("\n ---> Running in")
    assert steps[1] == 0 < steps[0], f"a second build runs steps anew: {again}"


@check
def the_image_alone_wants_a_token_and_keeps_its_store_in_a_volume():
    refused = subprocess.run(["docker", "run", "--rm", "opilio:classic"], capture_output=True, text=True)
    assert refused.returncode == 1 and "security.api_token" in refused.stderr, refused
    options = ["--env", "OPILIO__SECURITY__API_TOKEN=t", "--volume", "alone:/data", "--read-only"]
    ids = []
    for _ in range(2):
        docker("run", "--detach", "--name", "alone", "--publish", "127.0.0.1:11235:11235", *options, "opilio:classic")
        alone, token = Container("alone"), {"Authorization": "Bearer t"}
        until("it answers", lambda: ask(alone.base + "/health")[0] == 200)
        if not ids:
            ids.append(ask(alone.base + "/crawl/job", {"urls": ["raw:<p>x"]}, token)[1]["task_id"])
        status = until("the job ends", lambda: ask(f"{alone.base}/crawl/job/{ids[0]}", headers=token)[1])
        docker("stop", "alone")
        assert alone.state()["ExitCode"] == 0, f"{alone.state()} {alone.log()}"
        assert status["task_id"] == ids[0], status
        docker("rm", "alone")


@check
def the_stack_as_shipped_is_healthy_open_on_loopback_only_and_says_so():
    (node,), (redis,) = up(), containers("redis")
    assert node.published() == {"11235/tcp": {("127.0.0.1", 11235)}}, node.published()
    assert not any(redis.published().values()), redis.published()
    assert "API is open" in node.log()
    assert "Redis at redis:6379" not in node.log(), "what is unsafe about Redis would stand here"


@check
def nothing_in_it_is_root_can_write_beside_its_volume_or_take_all_memory():
    for one in containers("opilio") + containers("redis"):
        host = inspect(one.name)["HostConfig"]
        assert host["ReadonlyRootfs"] and host["Memory"] > 0, one
        assert host["RestartPolicy"]["Name"] == "unless-stopped" and host["SecurityOpt"] == ["no-new-privileges:true"], one
        process = Path(f"/proc/{one.state()['Pid']}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in process.splitlines())
        assert "0" not in fields["Uid"].split() and int(fields["CapEff"], 16) == 0 == int(fields["CapBnd"], 16), one


@check
def every_request_of_the_job_apis_examples_is_accepted_as_printed():
    for path, body in SEED:
        status, answer = ask(f"http://localhost:11235{path}", body)
        assert status == 202, answer
        assert ask(f"http://localhost:11235{path}/{answer['task_id']}")[0] == 200


@check
def a_token_in_the_env_file_closes_it():
    example = Path(".env.example").read_text()
    (node,) = up(settings=example.replace("#OPILIO__SECURITY__API_TOKEN", "OPILIO__SECURITY__API_TOKEN"))
    job, token = {"urls": ["raw:<p>x"]}, {"Authorization": "Bearer change-me"}
    assert ask(node.base + "/crawl/job", job)[0] == 401
    assert ask(node.base + "/crawl/job", job, token)[0] == 202
    assert "API is open" not in node.log()


def submitted_by(curl):
    """The job that a printed curl submits, its page being one that needs no network."""
    curl = curl.replace("https://example.com", "raw:<h1>A title</h1>").replace("curl ", "curl --silent --show-error ")
    answer = run("sh", "-c", curl)
    assert "task_id" in answer, answer
    return json.loads(answer)["task_id"]


@check
def the_readmes_receiver_on_the_host_is_told():
    setting, start = shown("sh", "host.docker.internal]"), shown("sh", "receiver.py 8080 172.17.0.1")
    receiver = subprocess.Popen(start.replace("python3", "exec python3 -u"), shell=True, text=True, stdout=subprocess.PIPE)
    try:
        assert "172.17.0.1:8080" in receiver.stdout.readline()
        up()
        run("sh", "-c", setting.replace("docker compose", " ".join(COMPOSE)))
        until("it is healthy", containers("opilio")[0].is_healthy)
        task = submitted_by(shown("sh", "host.docker.internal:8080"))
        assert receiver.stdout.readline().strip() == f"crawl {task} completed"
        assert "10 characters" in receiver.stdout.readline(), "the receiver fetches the page from the published port"
    finally:
        receiver.kill()
        receiver.wait()


@check
def the_readmes_receiver_in_a_neighbouring_service_is_told_of_its_first_curl_and_of_its_own():
    up(override=shown("yaml", "receiver:"))
    (receiver,) = containers("receiver")
    until("it listens", lambda: "listening" in receiver.log())
    first = shown("sh", "localhost:8080/hook").replace("http://localhost:8080", "http://receiver:8080")
    for curl in [first, shown("sh", "http://receiver:8080")]:
        task = submitted_by(curl)
        until("it is told", lambda: f"crawl {task} completed\n  raw:" in receiver.log())
    (node,) = containers("opilio")
    status, answer = ask(node.base + "/crawl/job", {"urls": ["http://redis:6379/"]})
    assert status == 422 and answer["detail"][0]["msg"] == "URL blocked", f"only the receiver was opened: {answer}"


class Scaled:
    """Three nodes, a neighbour, and all jobs so far."""

    def __init__(self):
        compose("down", "--volumes")
        self.nodes = up("--scale", "opilio=3", settings="OPILIO_PORTS=11235-11237\n", override=WITH_A_NEIGHBOUR)
        (neighbour,) = containers("neighbour")
        self.neighbour = Neighbour(neighbour.address("opilio_default"))
        until("it listens", self.neighbour.answers)
        self.ledger = Ledger(self.neighbour)

    def submit(self, count, page, nodes=None):
        self.ledger.submit([node.base for node in nodes or self.nodes], count, page)

    def all_at_work(self):
        """Every node is in the middle of jobs; the nodes."""
        self.neighbour.gate("close")
        self.submit(BUSY, "/gated/page")
        addresses = [node.address("opilio_default") for node in self.nodes]
        until("every node waits at the gate", lambda: all(self.neighbour.waiting().get(each) for each in addresses))
        return self.nodes

    def all_ready(self):
        until("every node is ready", lambda: all(node.is_ready() for node in self.nodes))

    def all_is_told(self):
        self.neighbour.gate("open")
        self.ledger.all_is_told([node.base for node in self.nodes if node.is_ready()])


scaled = None


@check
def three_nodes_share_the_work_on_ports_of_their_own():
    global scaled
    scaled = Scaled()
    assert {node.base for node in scaled.nodes} == PORTS
    scaled.all_at_work()
    scaled.all_is_told()


@check
def a_killed_node_loses_no_job():
    victim, *others = scaled.all_at_work()
    docker("kill", victim.name)
    scaled.submit(10, "/page", others)
    scaled.all_is_told()
    docker("start", victim.name)
    scaled.all_ready()


@check
def a_restart_of_redis_loses_no_job():
    scaled.all_at_work()
    restart = threading.Thread(target=docker, args=("restart", containers("redis")[0].name))
    restart.start()
    scaled.submit(20, "/page")
    restart.join()
    scaled.all_ready()
    scaled.all_is_told()


@check
def a_stopped_node_hands_its_jobs_back_within_its_grace():
    before = len(scaled.ledger.accepted)
    _, victim, _ = scaled.all_at_work()
    base, began = victim.base, time.monotonic()
    stop = threading.Thread(target=docker, args=("stop", victim.name))
    stop.start()
    until("it refuses new jobs", lambda: ask(base + "/crawl/job", {"urls": ["raw:<p>x"]})[0] == 503)
    stop.join()
    took = time.monotonic() - began
    state = victim.state()
    assert state["ExitCode"] == 0 and 20 < took, f"exit code {state['ExitCode']} after {took:.1f} s"
    scaled.all_is_told()
    ((base, *_), tasks) = ([node.base for node in scaled.nodes if node.is_ready()], scaled.ledger.accepted[before:])
    attempts = {ask(f"{base}/crawl/job/{task}")[1]["attempt"] for task in tasks}
    assert attempts == {1}, f"a drain costs no attempt: {attempts}"
    docker("start", victim.name)
    scaled.all_ready()


@check
def a_node_that_is_cut_off_from_redis_loses_its_jobs_to_the_others_and_comes_back():
    *others, victim = scaled.all_at_work()
    docker("network", "disconnect", "opilio_store", victim.name)
    until("it is not ready", lambda: ask(victim.base + "/ready")[0] == 503)
    assert ask(victim.base + "/health")[0] == 200
    scaled.submit(10, "/page", others)
    scaled.all_is_told()
    docker("network", "connect", "opilio_store", victim.name)
    scaled.all_ready()
    scaled.submit(10, "/page", [victim])
    scaled.all_is_told()
    assert {node.base for node in containers("opilio")} == PORTS, "each has kept its port"


@check
def down_and_up_again_forgets_nothing():
    compose("down")
    assert docker("ps", "--all", "--quiet") == ""
    scaled.nodes = up("--scale", "opilio=3", settings="OPILIO_PORTS=11235-11237\n", override=WITH_A_NEIGHBOUR)
    for task in scaled.ledger.accepted:
        status, answer = ask(f"{scaled.nodes[0].base}/crawl/job/{task}")
        assert (status, answer["status"]) == (200, "completed"), answer
    lines = run("sh", "-c", f"docker logs {scaled.nodes[0].name} 2>&1 | grep -ic webhook || true")
    assert lines.strip().isdigit()


def main(wanted):
    os.chdir(CHECKOUT)
    failed = 0
    checks = [each for each in CHECKS if not wanted or each.__name__ in wanted]
    for each in checks:
        began, trouble = time.monotonic(), None
        try:
            each()
        except Exception as error:
            trouble, failed = error, failed + 1
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{'FAIL' if trouble else 'ok  '} {each.__name__.replace('_', ' ')} ({took})", flush=True)
        if trouble:
            print(f"     {type(trouble).__name__}: {trouble}", flush=True)
            print(compose("ps"), compose("logs", "--no-color", "--tail", "30"), flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
