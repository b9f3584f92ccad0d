"""The page at /api: the operations of the API in words, from its own OpenAPI description."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router
from litestar.openapi.plugins import OpenAPIRenderPlugin

from registry.errors import NotFound
from registry.web import language
from registry.web.authentication import API_PREFIX
from registry.web.rendering import page

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class FieldInWords:
    """A parameter or a field of a body; `values` are the codes it may have, if they are counted up."""

    name: str
    type: str
    required: bool
    description: str
    values: list[str]


@dataclass(frozen=True)
class OperationInWords:
    """One operation. `anchor` is its place on the page."""

    anchor: str
    method: str
    path: str
    description: str
    parameters: list[FieldInWords]
    body: list[FieldInWords]


class ApiPage(OpenAPIRenderPlugin):
    """Shows the description as a page of the site, without scripts of others."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page, for a reader's request."""
        template = page(
            request,
            "pages/api.html",
            groups=groups_of(openapi_schema),
            examples=_examples(str(request.base_url).rstrip("/") + API_PREFIX),
            breadcrumbs=[(None, language.gettext("API"))],
        )
        engine = request.app.template_engine
        if engine is None or template.template_name is None:
            msg = "The application has no template engine."
            raise RuntimeError(msg)
        rendered: str = engine.get_template(template.template_name).render(**template.create_template_context(request))
        return rendered.encode()


def _examples(address: str) -> list[str]:
    return [
        f'curl -H "Accept-Language: {language.current_language()}" "{address}/entries?q=labb&sector=healthcare"',
        f'curl -H "Authorization: Bearer TOKEN" "{address}/bookings"',
    ]


def api_router() -> Router:
    """The router of the description; what is not below it is not found in the way of the site, not of Litestar."""

    async def check(response: Response[Any]) -> Response[Any]:
        if response.status_code == NotFound.status:
            raise NotFound
        return response

    return Router("/api", route_handlers=[], include_in_schema=False, after_request=check)


def groups_of(schema: Mapping[str, Any]) -> dict[str, list[OperationInWords]]:
    """The operations by their tag, each tag and operation in the order of the description."""
    schemas = schema.get("components", {}).get("schemas", {})
    groups: dict[str, list[OperationInWords]] = {}
    for path, item in schema.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                tag = next(iter(operation.get("tags") or []), "other")
                groups.setdefault(tag, []).append(_operation(method, path, operation, schemas))
    return groups


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> OperationInWords:
    return OperationInWords(
        anchor=operation.get("operationId") or f"{method}{path}",
        method=method.upper(),
        path=path,
        description=operation.get("description") or operation.get("summary") or "",
        parameters=[
            _field(part["name"], part.get("schema", {}), schemas, required=part.get("required", False), of=part)
            for part in operation.get("parameters", [])
        ],
        body=_body(operation.get("requestBody", {}), schemas),
    )


def _body(body: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[FieldInWords]:
    for content in body.get("content", {}).values():
        described = _resolved(content.get("schema", {}), schemas)
        required = described.get("required", [])
        return [
            _field(name, part, schemas, required=name in required, of=part)
            for name, part in described.get("properties", {}).items()
        ]
    return []


def _field(
    name: str, part: Mapping[str, Any], schemas: Mapping[str, Any], *, required: bool, of: Mapping[str, Any]
) -> FieldInWords:
    found = _resolved(part, schemas)
    inner = _resolved(found.get("items", {}), schemas)
    kind = found.get("format") or found.get("type") or "object"
    return FieldInWords(
        name=name,
        type=f"{kind} of {inner.get('format') or inner.get('type', 'object')}" if inner else str(kind),
        required=required,
        description=of.get("description") or "",
        values=[str(value) for value in found.get("enum") or inner.get("enum") or [] if value is not None],
    )


def _resolved(part: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its reference followed, and without the "or null" of what may be left out."""
    for choice in ("oneOf", "anyOf"):
        if choice in part:
            part = next((option for option in part[choice] if option.get("type") != "null"), {})
    if "$ref" in part:
        return _resolved(schemas.get(part["$ref"].rpartition("/")[2], {}), schemas)
    return part
