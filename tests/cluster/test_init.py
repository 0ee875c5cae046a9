"""A compose file with much of what compose has is made ready by asking it; what cannot start is one sentence."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import docker
import pytest
import yaml

from harness.weave.pods import LABEL_RUN
from tests.cluster.experiments import left_of

# Everything that the web service must find where its file says it is; else it has no page for its health.
SERVER = """
import http.server, os, pathlib, urllib.request

def right():
    return (os.environ["FROM_FILE"], os.environ["EXTENDED"], pathlib.Path("/conf").read_text(),
            pathlib.Path("/run/secrets/s").read_text(), pathlib.Path("/bound/x").read_text(),
            pathlib.Path("/named").is_mount()) == ("5$", "yes", "c", "s", "b", True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"up"
        if self.path == "/":
            body = urllib.request.urlopen("http://till:8000/", timeout=1).read()
        self.send_response(200 if self.path == "/" or (self.path == "/healthz" and right()) else 404)
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
BASE = "services: {base: {environment: {EXTENDED: 'yes'}, restart: unless-stopped}}\n"
FILE = """
services:
  web_app:
    extends: {file: base.yml, service: base}
    build: {context: ., args: {FROM: "%s"}}
    container_name: one-and-only
    env_file: [some.env]
    configs: [{source: c, target: /conf}]
    secrets: [s]
    volumes: ["./bound:/bound:ro", "named:/named", "/anonymous"]
    ports: ["8080:8080", "8081:8080"]
    networks: [front, back]
    depends_on:
      store: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
  log: {image: chaos-harness/client, network_mode: "service:web_app"}
  store:
    image: chaos-harness/client
    entrypoint: [python3, -m, http.server, "8000", --directory, /srv]
    networks: {back: {aliases: [till]}}
    tmpfs: [/srv]
    logging: {driver: none}
    deploy: {replicas: 2, resources: {limits: {memory: 200M}}}
    healthcheck:
      test: [CMD, python3, -c, "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/')"]
      interval: 500ms
  migrate: {image: chaos-harness/client, entrypoint: ["true"], networks: [back]}
  never: {image: chaos-harness/nothing-of-that-name, profiles: [never]}
networks: {front: {}, back: {internal: true, name: pinned}}
volumes: {named: {name: pinned}}
configs: {c: {file: ./c}}
secrets: {s: {file: ./s}}
"""


def harness(folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words], cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_file_with_much_of_what_compose_has_is_made_ready(
    tmp_path: Path, engine: docker.DockerClient, images: Mapping[str, str]
) -> None:
    files = {
        "base.yml": BASE,
        "docker-compose.yml": FILE % images["client"],
        "server.py": SERVER,
        "Dockerfile": 'ARG FROM\nFROM ${FROM}\nCOPY server.py /\nENTRYPOINT ["python3", "/server.py"]\n',
        "some.env": "FROM_FILE='5$'\n",
        "c": "c",
        "s": "s",
        "bound/x": "b",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    code, output = harness(tmp_path, "init", "docker-compose.yml")
    assert code == 0, output
    beside = yaml.safe_load((tmp_path / "docker-compose.harness.yml").read_text())["services"]
    assert {name: block["x-harness"] for name, block in beside.items()} == {
        "web_app": {"name": "web-app", "port": 8080, "ready": {"client": "http", "path": "/healthz"}},
        "store": {"port": 8000, "ready": {"client": "http", "path": "/"}},
        "migrate": {"job": True},
    }, output
    assert "fault   store-1 is cut off; seen: " in output or "fault   store-2 is cut off; seen: " in output
    assert (tmp_path / "docker-compose.yml").read_text() == files["docker-compose.yml"]
    code, output = harness(tmp_path, "check", "first.yaml")
    assert code == 0 and "first.yaml: well (1 fault, 4 objectives, 5 nodes)" in output
    _nothing_is_left(engine, "chaos-init-")


COMPOSE = """
services:
  app:
    image: {image}
    entrypoint: {entrypoint}
    ports: ["80"]
"""
SCENARIO = """
scenario: bad
about: It never starts.
cluster: mine.yml
phases: {warmup: 1s, faults: 1s, recovery: 1s}
traffic: [{name: web, client: http, to: app, rate: 5/s}]
objectives: [{name: ok, of: web, success: ">= 99%", in: all}]
"""


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    ("image", "entrypoint", "sentence"),
    [
        ("127.0.0.1:9/nobody/has-this:1", '["true"]', r"Image 127.0.0.1:9/nobody/has-this:1 \(of app\) is not on this"),
        ("chaos-harness/client", '["/no/such/program"]', r"the engine could not start app: .*no such file"),
        ("chaos-harness/client", '["false"]', r"app ended by itself with exit code 1 before it was ready"),
    ],
)
def test_what_cannot_start_is_said_in_a_sentence_and_nothing_stays(
    image: str, entrypoint: str, sentence: str, tmp_path: Path, engine: docker.DockerClient
) -> None:
    (tmp_path / "mine.yml").write_text(COMPOSE.format(image=image, entrypoint=entrypoint))
    (tmp_path / "bad.yaml").write_text(SCENARIO)
    code, output = harness(tmp_path, "run", "bad.yaml")
    assert code == 4, output
    assert re.search(sentence, output.splitlines()[-1]), output
    _nothing_is_left(engine, "chaos-bad-")


def _nothing_is_left(engine: docker.DockerClient, prefix: str) -> None:
    projects = {c.labels[LABEL_RUN] for c in engine.containers.list(all=True, filters={"label": LABEL_RUN})}
    assert [left_of(engine, project) for project in projects if project.startswith(prefix)] == []
