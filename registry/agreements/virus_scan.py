"""Asking ClamAV (clamd) whether a file is harmful: its INSTREAM command over TCP or a Unix socket.

The protocol is of `man clamd`: each chunk has its length in front (four bytes, big-endian), an empty one ends it.
"""

import asyncio

from registry.errors import N_, DomainError, message

_CHUNK = 1024 * 1024
_LONGEST_ANSWER = 4096
SECONDS = 60


class ScannerAway(DomainError):
    """A scanner is configured and does not answer, so nothing is taken in."""

    status = 503
    type = "scanner-away"
    title = N_("Files cannot be checked now")


async def harm_in(content: bytes, address: str) -> str | None:
    """What ClamAV finds in a file, by its own name for it; None if nothing.

    `address` is `host:port`, or the path of a Unix socket.

    Raises:
        ScannerAway: it does not answer within a minute, or says something that is no answer.
    """
    try:
        answer = await asyncio.wait_for(_ask(content, address), SECONDS)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
        raise _away() from error
    if answer == "stream: OK":
        return None
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    raise _away()


def _away() -> ScannerAway:
    return ScannerAway(message(N_("The file could not be checked for viruses, so it was not added. Try again later.")))


async def _ask(content: bytes, address: str) -> str:
    if address.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"zINSTREAM\0")
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            writer.write(len(chunk).to_bytes(4, "big") + chunk)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
        return (await reader.read(_LONGEST_ANSWER)).rstrip(b"\0\n").decode(errors="replace").strip()
    finally:
        writer.close()
