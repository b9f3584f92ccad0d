"""A real Meilisearch on loopback, with a master key, that can die and come back on the same folder."""

import contextlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

PROGRAM = Path(__file__).parent.parent / "node_modules" / "@gaubee" / "meilisearch-linux-amd64" / "meilisearch"
_LONGEST_START = 60


class MeilisearchServer:
    """The server; `url` and `key` stay the same over every restart."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.key = secrets.token_urlsafe(24)
        self._folder = Path(tempfile.mkdtemp(prefix="registry-meilisearch-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=20)

    def start(self) -> None:
        """Start it and wait until it answers; one that runs goes on."""
        if self._process is not None and self._process.poll() is None:
            return
        PROGRAM.chmod(0o755)
        command = [str(PROGRAM), "--http-addr", f"127.0.0.1:{self.port}", "--db-path", str(self._folder / "data")]
        command += ["--env", "production", "--no-analytics", "--log-level", "ERROR"]
        # With its own choice, two thirds of the memory, every twentieth small change takes seconds.
        command += ["--max-indexing-memory", "500MB"]
        self._process = subprocess.Popen(
            command,
            cwd=self._folder,
            env={"MEILI_MASTER_KEY": self.key},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _LONGEST_START
        while True:
            assert self._process.poll() is None, f"Meilisearch ended with status {self._process.returncode}"
            assert time.monotonic() < deadline, "Meilisearch does not answer"
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health", timeout=2).status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def pause(self) -> None:
        """Let it take connections, but answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again after a pause."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def damage(self) -> None:
        """Crash it, spoil the data of every index, and start it again."""
        self.kill()
        for path in (self._folder / "data" / "indexes").glob("*/data.mdb"):
            with path.open("r+b") as file:
                file.write(b"\xff" * path.stat().st_size)
        self.start()

    def start_empty(self) -> None:
        """Start it on an empty folder."""
        self.kill()
        shutil.rmtree(self._folder / "data")
        self.start()

    def copy(self) -> None:
        """Keep a copy of its folder as it is now."""
        self.kill()
        shutil.rmtree(self._folder / "copy", ignore_errors=True)
        shutil.copytree(self._folder / "data", self._folder / "copy")
        self.start()

    def put_back(self) -> None:
        """Start it on the copy of its folder."""
        self.kill()
        shutil.rmtree(self._folder / "data")
        shutil.copytree(self._folder / "copy", self._folder / "data")
        self.start()

    def stop(self) -> None:
        """End it and remove what it has stored."""
        self._client.close()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask it something past our own code."""
        return self._client.request(method, path, json=body)

    def do(self, method: str, path: str, body: object = None) -> None:
        """Have it do a task past our own code, and wait until that has succeeded."""
        state = self._done(method, path, body)
        assert state == "succeeded", f"{method} {path} {state}"

    def remove(self, index: str) -> None:
        """Remove an index, unless it is gone when its turn comes."""
        self._done("DELETE", f"/indexes/{index}")

    def _done(self, method: str, path: str, body: object = None) -> str:
        answer = self.request(method, path, body)
        answer.raise_for_status()
        task = answer.json()["taskUid"]
        deadline = time.monotonic() + _LONGEST_START
        while (state := self.request("GET", f"/tasks/{task}").json()["status"]) in {"enqueued", "processing"}:
            assert time.monotonic() < deadline, f"task {task} is still {state}"
            time.sleep(0.02)
        return str(state)

    def document(self, index: str, id: int) -> dict[str, Any] | None:
        """A document of an index; None if there is none."""
        answer = self.request("GET", f"/indexes/{index}/documents/{id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def has(self, index: str) -> bool:
        """Whether there is such an index."""
        return self.request("GET", f"/indexes/{index}").status_code == httpx.codes.OK
