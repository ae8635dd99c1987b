"""The OpenAPI document, made of the operations and their types."""

from __future__ import annotations

import inspect
import json
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.services.people.tokens import SCOPES
from app.web.api import shapes
from app.web.api.operations import BASE, OPERATIONS, Operation, room
from app.web.api.rates import REQUESTS_PER_MINUTE

_ABOUT = f"""What Picward's pages use, for programs.

Send a token as `Authorization: Bearer picward_…`; an owner makes one on the page “Programs”. No cookie is read, and no page of
another origin may read an answer. A token is limited to its scopes, and may be limited to one site: what belongs to others is
answered as if it were not there. Every error is a problem document (RFC 9457). One token may ask {REQUESTS_PER_MINUTE} times a
minute of one web process; then it is answered 429 with Retry-After. Answers may gain fields."""

_REF = "#/components/schemas/{model}"

Mode = Literal["validation", "serialization"]


@room.get("/openapi.json")
def openapi() -> Response:
    """Serve the document; it needs no token."""
    return Response(text(), mimetype="application/json")


@cache
def text() -> str:
    """Write the document as it is served and kept in docs/openapi.json."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    """Make the document: OpenAPI 3.1, whose schemas are JSON Schema 2020-12."""
    refs, definitions = models_json_schema(_models(), ref_template=_REF)
    for made in OPERATIONS:
        definitions["$defs"] |= _query_schema(made).get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for made in OPERATIONS:
        paths.setdefault(made.path, {})[made.method.lower()] = _operation(made, refs)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Picward", "version": version("picward"), "description": _ABOUT, "license": _LICENCE},
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions["$defs"].items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": _scopes()}},
        },
    }


_LICENCE = {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"}


def _scopes() -> str:
    return "\n".join(f"- `{scope}`: {said}" for scope, said in SCOPES.items())


def _models() -> list[tuple[type[BaseModel], Mode]]:
    models: dict[tuple[type[BaseModel], Mode], None] = {(shapes.Problem, "serialization"): None}
    for made in OPERATIONS:
        models |= {(shape, "validation"): None for shape in (made.body,) if shape}
        models |= {(shape, "serialization"): None for shape in (made.answer,) if shape}
    return list(models)


def _operation(made: Operation, refs: Any) -> dict[str, Any]:
    summary, _, more = inspect.cleandoc(made.view.__doc__ or "").partition("\n")
    described: dict[str, Any] = {
        "operationId": made.name,
        "summary": summary,
        "description": (more.strip() + f"\n\nNeeds the scope `{made.scope}`.").strip(),
        "parameters": [*_in_path(made), *_in_query(made)],
        "responses": _responses(made, refs),
        "x-scope": made.scope.value,
    }
    if made.body:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[made.body, "validation"]}},
        }
    return described


def _in_path(made: Operation) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": kind}} for name, kind in made.parameters.items()]


def _query_schema(made: Operation) -> dict[str, Any]:
    return made.query.model_json_schema(ref_template=_REF) if made.query else {}


def _in_query(made: Operation) -> list[dict[str, Any]]:
    schema = _query_schema(made)
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": shape}
        for name, shape in schema.get("properties", {}).items()
    ]


def _responses(made: Operation, refs: Any) -> dict[str, Any]:
    good: dict[str, Any] = {"description": made.status.phrase}
    if made.answer:
        good["content"] = {"application/json": {"schema": refs[made.answer, "serialization"]}}
    if made.paged:
        good["headers"] = {"Link": {"description": 'The next page, as rel="next" (RFC 8288).', "schema": {"type": "string"}}}
    bad: dict[str, Any] = {
        str(status): {
            "description": "; ".join(titles),
            "content": {"application/problem+json": {"schema": refs[shapes.Problem, "serialization"]}},
        }
        for status, titles in sorted(made.refusals.items())
    }
    bad["429"]["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {str(made.status.value): good, **bad}
