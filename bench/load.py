"""The load generator: a process of its own that sends ready-made requests over connections that stay open.

It reads a plan from standard input and writes what it measured to standard output, both as JSON. It looks at no more
of an answer than its status and where it ends, so that it costs the servers beside it as little as it can.
"""

import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_CHUNKS = b"0\r\n\r\n"
_GOOD = range(200, 300)


@dataclass(frozen=True)
class Target:
    """A server on loopback and what it is asked; a request is one or more HTTP messages, sent one after the other."""

    name: str
    port: int
    requests: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Plan:
    """With one connection each request is sent `rounds` times; with more, as many as they can for `seconds` a round.

    Then each round goes on in the list of requests where the last one stopped, and begins anew at its end. Targets take
    turns: with one connection after every request, otherwise after every round.
    """

    targets: Sequence[Target]
    rounds: int
    connections: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Of one target: times in milliseconds and, where they were counted, requests a second by round.

    With one connection the times are in the order of the requests, round by round; otherwise in that of the answers.
    """

    name: str
    times: list[float]
    rates: list[float]
    bytes_received: int
    faults: int


class _Connection(asyncio.Protocol):
    """One connection; answers come in the order of the requests, one at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._needed: int | None = None
        self._answer: asyncio.Future[bool] | None = None
        self.transport: asyncio.Transport | None = None
        self.bytes_received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # what `create_connection` makes
        self.transport = transport

    def ask(self, message: bytes) -> "asyncio.Future[bool]":
        """Send a request; the result says whether the status was one of success."""
        assert self.transport is not None  # noqa: S101  # connected before it is used
        self._received.clear()
        self._needed = None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._needed is None:
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self._received, 0, head)
            self._needed = head + 4 + int(length.group(1)) if length else 0
        is_whole = len(self._received) >= self._needed if self._needed else self._received.endswith(_END_OF_CHUNKS)
        if is_whole and self._answer is not None:
            self.bytes_received += len(self._received)
            self._answer.set_result(int(self._received[9:12]) in _GOOD)
            self._answer = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None:
            self._answer.set_exception(exc or ConnectionResetError("the server has closed the connection"))


async def _connect(target: Target) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", target.port)
    return connection


async def _timed(plan: Plan) -> list[Measured]:
    connections = [await _connect(target) for target in plan.targets]
    requests = [[[step.encode() for step in request] for request in target.requests] for target in plan.targets]
    times: list[list[float]] = [[] for _ in plan.targets]
    faults = [0] * len(plan.targets)
    for round_number in range(plan.rounds):
        for place in range(len(requests[0])):
            # Who comes first changes, so that none finds the caches always warm.
            for turn in range(len(plan.targets)):
                one = (turn + round_number + place) % len(plan.targets)
                start = time.perf_counter()
                for step in requests[one][place]:
                    faults[one] += not await connections[one].ask(step)
                times[one].append((time.perf_counter() - start) * 1000)
    return [
        Measured(target.name, times[n], [], connections[n].bytes_received, faults[n])
        for n, target in enumerate(plan.targets)
    ]


async def _counted(plan: Plan) -> list[Measured]:
    waiting = [cycle([[step.encode() for step in request] for request in target.requests]) for target in plan.targets]
    measured = [Measured(target.name, [], [], 0, 0) for target in plan.targets]
    for _ in range(plan.rounds):
        for n, target in enumerate(plan.targets):
            measured[n] = await _flood(plan, target, waiting[n], measured[n])
    return measured


async def _flood(plan: Plan, target: Target, waiting: Iterator[Sequence[bytes]], before: Measured) -> Measured:
    """One more round for a target, with all connections busy all the time."""
    opened = [await _connect(target) for _ in range(plan.connections)]
    times: list[float] = []
    wrong = 0
    start = time.perf_counter()

    async def keep_asking(connection: _Connection) -> None:
        nonlocal wrong
        while (began := time.perf_counter()) - start < plan.seconds:
            for step in next(waiting):
                wrong += not await connection.ask(step)
            times.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*map(keep_asking, opened))
    took = time.perf_counter() - start
    for connection in opened:
        assert connection.transport is not None  # noqa: S101  # connected above
        connection.transport.close()
    return Measured(
        target.name,
        before.times + times,
        [*before.rates, len(times) / took],
        before.bytes_received + sum(connection.bytes_received for connection in opened),
        before.faults + wrong,
    )


async def run(plan: Plan) -> list[Measured]:
    """Let a process of its own carry out a plan.

    Raises:
        RuntimeError: it did not end well.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise RuntimeError(f"The load generator ended with status {process.returncode}.")
    return [Measured(**one) for one in json.loads(output)]


async def floor(size: int) -> tuple[float, float]:
    """What the generator itself takes: milliseconds (median) and requests a second for answers that cost nothing.

    `size` is how many bytes an answer has.
    """
    answer = f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n".encode() + bytes(size)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        target = Target("floor", server.sockets[0].getsockname()[1], [["GET / HTTP/1.1\r\n\r\n"]])
        (timed,) = await run(Plan([target], rounds=500))
        (counted,) = await run(Plan([target], rounds=1, connections=16, seconds=1.0))
    return statistics.median(timed.times), counted.rates[0]


def _main() -> None:
    given = json.load(sys.stdin)
    plan = Plan(**{**given, "targets": [Target(**target) for target in given["targets"]]})
    measured = asyncio.run(_timed(plan) if plan.connections == 1 else _counted(plan))
    json.dump([asdict(one) for one in measured], sys.stdout)


if __name__ == "__main__":
    _main()
