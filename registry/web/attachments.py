"""Files that are handed out to be saved rather than shown."""

from urllib.parse import quote

from litestar import Response


def attachment(filename: str, content: bytes, media_type: str) -> Response[bytes]:
    """A confidential file under its name; no cache keeps it."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in filename)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": disposition, "Cache-Control": "private, no-store"},
    )
