"""What OpenAPI says beyond what Litestar finds out by itself: the query parameters that a Pydantic model reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from pydantic import BaseModel


def reads_query(model: type[BaseModel]) -> type[Operation]:
    """An `operation_class` for a handler that reads its query string with `read_query(request, model)`."""
    described = model.model_json_schema()
    kinds = described.get("$defs", {})
    parameters = [
        Parameter(
            name=name,
            param_in="query",
            required=name in described.get("required", ()),
            description=part.get("description", ""),
            schema=_schema(part, kinds),
        )
        for name, part in described["properties"].items()
    ]

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.parameters = [*(self.parameters or []), *parameters]

    return Described


def _schema(part: Mapping[str, Any], kinds: Mapping[str, Any]) -> Schema:
    if "$ref" in part:
        part = kinds[part["$ref"].rpartition("/")[2]]
    if "anyOf" in part:
        # "or null" is how a parameter that may be left out reads.
        part = next(option for option in part["anyOf"] if option.get("type") != "null")
        return _schema(part, kinds)
    return Schema(
        type=OpenAPIType(part["type"]),
        enum=part.get("enum"),
        items=_schema(part["items"], kinds) if "items" in part else None,
        minimum=part.get("minimum"),
        maximum=part.get("maximum"),
        max_length=part.get("maxLength"),
        format=part.get("format"),
        default=part.get("default"),
    )
