"""Versions over the API: the ETag of an answer, and the If-Match of a change (RFC 9110), so that nobody overwrites."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from registry.errors import N_, EditedMeanwhile, VersionDiffers, VersionMissing, invalid

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=100,
        description="The ETag of the calendar that the change was made from, or * for whichever is stored.",
    ),
]


@dataclass(frozen=True)
class Problem:
    """Why a request was refused, as application/problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


# What a change that replaces something may answer beside its result.
VERSION_REFUSALS = {
    status: ResponseSpec(
        data_container=Problem, description=text, generate_examples=False, media_type="application/problem+json"
    )
    for status, text in (
        (412, "Somebody else was first, and nothing has been overwritten. Read the calendar again."),
        (428, "If-Match is missing."),
    )
}
_TAG = re.compile(r'"(\d{1,9})"')


def etag(version: int) -> dict[str, str]:
    """The header that names a version."""
    return {"ETag": f'"{version}"'}


def required_version(if_match: str | None, stored: int) -> int:
    """The version that a change was made from.

    Raises:
        VersionMissing: none is given. InvalidInput: it is not one that we have named.
    """
    if if_match is None:
        raise VersionMissing
    return given_version(if_match, stored)


def given_version(if_match: str | None, stored: int) -> int:
    """The version that a change was made from, or the stored one where none is given. Raises InvalidInput."""
    if if_match is None or if_match.strip() == "*":
        return stored
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise invalid("If-Match", N_("Write the ETag of the answer that you have read, in its quotation marks."))
    return int(tag[1])


@contextmanager
def as_precondition(if_match: str | None) -> Iterator[None]:
    """Around a change that named its version: that somebody else was first is a precondition that failed."""
    try:
        yield
    except EditedMeanwhile as error:
        if if_match is None:
            raise
        raise VersionDiffers(error.detail) from error
