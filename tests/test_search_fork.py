"""The client of Meilisearch in a process that was forked from one that has used it, as `registry demo` does."""

import os
import subprocess
import sys

from tests.conftest import ROOT, free_port

PROGRAM = """
import asyncio, os, time
from search.engine import EngineAway
from search.meilisearch import in_thread

async def ask():
    try:
        await asyncio.wait_for(in_thread(lambda client: client.health()), 10)
    except EngineAway:
        return
    raise SystemExit("somebody answered")

asyncio.run(ask())
time.sleep(0.5)  # until the thread waits for more to do
child = os.fork()
if child == 0:
    code = 1
    try:
        asyncio.run(ask())
        code = 0
    finally:
        os._exit(code)
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_forked_process_gets_an_answer() -> None:
    environment = os.environ | {"REGISTRY_MEILISEARCH_URL": f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, timeout=60, check=False)
    assert done.returncode == 0
