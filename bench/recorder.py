"""Stands between the program and Meilisearch and writes down what is asked, byte by byte."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Recorder:
    """Passes everything on. `messages` are the requests that were not taken yet, `connections` counts those opened."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.messages: list[str] = []
        self.connections = 0

    def take(self) -> list[str]:
        """The requests since the last time, as HTTP messages."""
        taken, self.messages = self.messages, []
        return taken

    def cut(self) -> None:
        """Close every connection, as a server does with one that was silent for long."""
        for writer in self._open:
            writer.close()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the program."""
        self.connections += 1
        self._open.add(writer)
        answers, onward = await asyncio.open_connection("127.0.0.1", self._port)
        back = asyncio.create_task(_copy(answers, writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                message = head + await reader.readexactly(int(length.group(1)) if length else 0)
                self.messages.append(message.decode())
                onward.write(message)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            back.cancel()
            onward.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def recording(port: int) -> AsyncIterator[tuple[Recorder, int]]:
    """A recorder before the server at a port, and the recorder's own port."""
    recorder = Recorder(port)
    server = await asyncio.start_server(recorder.accept, "127.0.0.1", 0)
    try:
        yield recorder, server.sockets[0].getsockname()[1]
    finally:
        server.close()
