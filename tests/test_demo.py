"""`registry demo` as a new user meets it: ready, data that stays, an end without leftovers, clear faults."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT, free_port
from tests.meilisearch_server import MeilisearchServer

REGISTRY = [sys.executable, "-m", "cli"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}


@dataclass
class Demo:
    process: subprocess.Popen[str]
    address: str
    seconds: float

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def start(data_dir: Path, port: int, **environment: str) -> Demo:
    began = time.monotonic()
    process = subprocess.Popen(
        [*REGISTRY, "demo", "--port", str(port), "--data-dir", str(data_dir)],
        cwd=ROOT,
        env=CLEAN | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ready on http://"):
            return Demo(process, line.split()[2], time.monotonic() - began)
    pytest.fail(f"the demo ended with status {process.wait()}")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*REGISTRY, *arguments],
        cwd=ROOT,
        env=CLEAN | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def processes_of(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    # The built-in PostgreSQL runs as a user of its own when the tests run as root.
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    return folder


def test_demo_starts_keeps_its_data_and_ends_without_leftovers(data_dir: Path) -> None:
    port = free_port()
    first = start(data_dir, port)
    assert first.address == f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=first.address, timeout=20) as client:
        assert client.get("/readyz").status_code == 200
        entries = client.get("/api/v1/entries", params={"page_size": 100}).json()
        assert entries["total"] >= 45
        assert entries["engine"] == "postgres"
        token = run("token", "create", "--email", "firm@demo.test", "--data-dir", str(data_dir))
        assert re.fullmatch(r"\S{40,}\n", token.stdout), token.stderr
        authorised = {"Authorization": f"Bearer {token.stdout.strip()}"}
        bookings = client.get("/api/v1/bookings", headers=authorised).json()
        assert len({item["state"] for item in bookings["items"]}) >= 4
        vehicle = client.get("/api/v1/environments/mobil-vardenhet/calendar").json()
        assert [season["name"]["en"] for season in vehicle["seasons"]] == ["Winter", "Summer"]
        assert (vehicle["closed_on_holidays"], vehicle["rules"]["step"], len(vehicle["blackouts"])) == (True, 60, 1)
        lab = client.get("/api/v1/environments/testa-center/calendar").json()
        assert "Closed for the summer holidays" in [closure["reason"]["en"] for closure in lab["closures"]]
    assert first.stop() == 0
    assert processes_of(data_dir) == []

    second = start(data_dir, port)
    with httpx.Client(base_url=second.address, timeout=20) as client:
        assert client.get("/api/v1/entries", params={"page_size": 100}).json()["total"] == entries["total"]
        assert client.get("/api/v1/bookings", headers=authorised).json()["total"] == bookings["total"]
    # The whole machine is busy with tests here, so the limit is generous; the figure itself is in the note.
    assert second.seconds < first.seconds
    assert second.stop() == 0
    assert processes_of(data_dir) == []


def test_demo_searches_in_meilisearch_with_an_index_of_its_own(tmp_path: Path, meilisearch: MeilisearchServer) -> None:
    for parent in [tmp_path, *tmp_path.parents][:3]:
        parent.chmod(0o755)
    named = {"REGISTRY_MEILISEARCH_URL": meilisearch.url, "REGISTRY_MEILISEARCH_KEY": meilisearch.key}
    port = free_port()
    first = start(tmp_path / "d", port, **named)

    def search() -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(
            f"{first.address}/api/v1/entries", params={"q": "testbana"}, timeout=20
        ).json()
        return answer

    found = search()
    assert (found["engine"], found["total"] > 0) == ("meilisearch", True)
    told = run("search", "status", "--json", "--data-dir", str(tmp_path / "d"), **named)
    assert told.returncode == 0, told.stdout
    index = json.loads(told.stdout)["index"]
    assert index.startswith("demo-")
    assert first.stop() == 0
    # What happens to the index while the demo is off is put right by the worker of the next start.
    meilisearch.do("DELETE", f"/indexes/{index}")
    second = start(tmp_path / "d", port, **named)
    deadline = time.monotonic() + 30
    assert [item["slug"] for item in search()["items"]]
    while search()["engine"] != "meilisearch":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert {item["slug"] for item in search()["items"]} == {item["slug"] for item in found["items"]}
    assert second.stop() == 0
    meilisearch.do("DELETE", f"/indexes/{index}")


def _one_line(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr + answer.stdout
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]


def test_demo_refuses_an_address_that_is_not_loopback(tmp_path: Path) -> None:
    assert "0.0.0.0" in _one_line(run("demo", "--host", "0.0.0.0", "--data-dir", str(tmp_path / "d")))  # noqa: S104
    assert not (tmp_path / "d").exists()


def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in _one_line(run("demo", "--port", port, "--data-dir", str(tmp_path)))


def test_missing_and_weak_settings_are_named() -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    assert "REGISTRY_DATABASE_URL" in _one_line(run("serve"))
    assert "REGISTRY_SECRET_KEY" in _one_line(run("serve", REGISTRY_DATABASE_URL=nowhere))
    weak = _one_line(run("serve", REGISTRY_DATABASE_URL=nowhere, REGISTRY_SECRET_KEY="secret"))
    assert "too weak" in weak
    assert "secret" not in weak


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_database_that_is_down_is_one_line(command: str) -> None:
    strong = "0123456789abcdefghijklmnopqrstuvwxyz-0123456789"
    line = _one_line(
        run(command, REGISTRY_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing", REGISTRY_SECRET_KEY=strong)
    )
    assert "does not answer" in line


def test_folder_without_a_database_is_named(tmp_path: Path) -> None:
    assert str(tmp_path) in _one_line(run("token", "create", "--email", "x@y.test", "--data-dir", str(tmp_path)))


def test_wrong_port_type_explains_the_option() -> None:
    answer = run("demo", "--port", "many")
    assert answer.returncode == 2
    assert "--port" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "command", [[], ["demo"], ["serve"], ["user", "create"], ["token", "create"], ["search"], ["search", "evaluate"]]
)
def test_help_explains_every_command(command: list[str]) -> None:
    answer = run(*command, "--help")
    assert answer.returncode == 0
    assert "Usage" in answer.stdout
