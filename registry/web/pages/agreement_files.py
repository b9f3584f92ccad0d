"""An agreement as PDF or Word document, from the pages and over the API."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from pydantic import Field

from registry.access import Actor
from registry.agreements import rules
from registry.web.agreement_files import FileKind, make_file
from registry.web.attachments import attachment
from registry.web.authentication import API_PREFIX, CurrentActor
from registry.web.input import Input, read_query

AnyRequest = Request[Any, Any, Any]
_MEDIA_TYPES = {FileKind.PDF: rules.PDF, FileKind.DOCX: rules.DOCX}
_PATHS = ["/agreements/{agreement_id:uuid}/agreement.", f"{API_PREFIX}/agreements/{{agreement_id:uuid}}/agreement."]


class FileFilter(Input):
    """Which text: its language, and the number of the version (the newest unless given)."""

    language: Literal["sv", "en"] = "sv"
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


@get([path + "pdf" for path in _PATHS], include_in_schema=False)
async def as_pdf(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Response[bytes]:
    """The agreement as PDF."""
    return await _file(request, actor, agreement_id, FileKind.PDF)


@get([path + "docx" for path in _PATHS], include_in_schema=False)
async def as_docx(request: AnyRequest, actor: CurrentActor, agreement_id: FromPath[UUID]) -> Response[bytes]:
    """The agreement as a Word document."""
    return await _file(request, actor, agreement_id, FileKind.DOCX)


async def _file(request: AnyRequest, actor: Actor, agreement_id: UUID, kind: FileKind) -> Response[bytes]:
    wanted = read_query(request, FileFilter)
    name, content = await make_file(actor, agreement_id, kind, wanted.language, wanted.version)
    return attachment(name, content, _MEDIA_TYPES[kind])


HANDLERS: list[ControllerRouterHandler] = [as_pdf, as_docx]
