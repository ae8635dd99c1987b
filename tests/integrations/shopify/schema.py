"""The real schema of the Admin API, from Shopify's own npm package, and what the documents that we send must fulfil there."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    validate,
    visit,
)

from tests.support.fetched import fetched

VERSIONS = ("2026-07", "2026-10")
"""The oldest version that our documents must still be valid in, and the one that we ask for."""

_FETCH = Path(__file__).parent / "fetch_schema.sh"
MAX_BULK_CONNECTIONS = 5
MAX_BULK_NESTING = 2
"""Connections inside one another, the outermost counted too: the stricter reading of "two levels deep".
https://shopify.dev/docs/api/usage/bulk-operations/queries"""


def folder() -> Path:
    """Give where both versions lie: 14 MB from npm, 1.9 MB kept."""
    return fetched(_FETCH)


@functools.cache
def _introspection(version: str) -> dict[str, Any]:
    return json.loads(gzip.decompress((folder() / f"admin_{version}.json.gz").read_bytes()))


@functools.cache
def load(version: str) -> GraphQLSchema:
    """Build the schema of a version; about half a second, once in a process."""
    return build_client_schema(_introspection(version)["data"], assume_valid=True)


class NothingDeprecated(NoDeprecatedCustomRule):
    """Report what is deprecated. graphql-core's own rule asks for syntax nodes, which a schema from an introspection has not."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        argument = self.context.get_argument()
        if argument and argument.deprecation_reason is not None:
            self.report_error(GraphQLError(f"The argument {node.name.value} is deprecated. {argument.deprecation_reason}", node))


@functools.cache
def _access(version: str) -> dict[tuple[str, str], tuple[frozenset[str], str]]:
    items = _introspection(version)["offline_scopes"]["items"]
    return {
        (item["typeName"], item.get("fieldName", "")): (frozenset(item["offlineScopes"]), item["requiredAccess"])
        for item in items
        if item["offlineScopes"]
    }


def access(version: str, type_name: str, field_name: str = "") -> tuple[frozenset[str], str]:
    """Give the scopes of which any one opens a field, or a type where no field is named, and Shopify's words for it."""
    return _access(version).get((type_name, field_name), (frozenset(), ""))


def problems(document: str, version: str) -> list[str]:
    """Say what is wrong with a document in a version, deprecations included; each is a reason not to send it."""
    schema, parsed = load(version), parse(document)
    found = validate(schema, parsed) or validate(schema, parsed, [NothingDeprecated])
    return [error.message for error in found]


def deprecated_inputs(type_: Any, value: Any, path: str) -> Iterator[str]:
    """Name what is deprecated in the value of a variable, which no look at the document can find."""
    if isinstance(value, list):
        for one in value:
            yield from deprecated_inputs(type_, one, path)
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        for name in value.keys() & named.fields.keys():
            field = named.fields[name]
            if field.deprecation_reason is not None:
                yield f"{path}.{name} is deprecated. {field.deprecation_reason}"
            yield from deprecated_inputs(field.type, value[name], f"{path}.{name}")
    if isinstance(named, GraphQLEnumType) and isinstance(value, str) and named.values[value].deprecation_reason is not None:
        yield f"{path} {value} is deprecated. {named.values[value].deprecation_reason}"


def scopes_of(document: str, version: str) -> list[frozenset[str]]:
    """Collect what a document needs: one set for each thing that it touches, of which any one scope is enough."""
    schema, needed = load(version), []
    types = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent, type_ = types.get_parent_type(), types.get_type()
            needed.append(access(version, parent.name if parent else "", node.name.value)[0])
            needed.append(access(version, get_named_type(type_).name)[0] if type_ else frozenset())

    visit(parse(document), TypeInfoVisitor(types, Collect()))
    return [one for one in dict.fromkeys(needed) if one]


def pages(document: str, version: str) -> list[bool]:
    """Say of each connection in a document whether it asks for pages: what is not a bulk query must."""
    found: list[bool] = []
    types = TypeInfo(load(version))

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            type_ = types.get_type()
            if type_ is not None and get_named_type(type_).name.endswith("Connection"):
                found.append(any(argument.name.value in ("first", "last") for argument in node.arguments))

    visit(parse(document), TypeInfoVisitor(types, Collect()))
    return found


def bulk_problems(query: str, version: str) -> list[str]:
    """Say why `bulkOperationRunQuery` would refuse this query; a valid one has connections, not too many nor too deep."""
    found = [error.message for error in validate(load(version), parse(query))]
    depths = list(_connection_depths(parse(query), load(version))) if not found else [0]
    if not depths:
        found.append("Bulk queries must contain at least one connection.")
    if len(depths) > MAX_BULK_CONNECTIONS:
        found.append(f"Bulk queries cannot contain more than {MAX_BULK_CONNECTIONS} connections.")
    if max(depths, default=0) > MAX_BULK_NESTING:
        found.append(f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_BULK_NESTING}.")
    return found


def _connection_depths(document: DocumentNode, schema: GraphQLSchema) -> Iterator[int]:
    types, depths, depth = TypeInfo(schema), [], 0

    class Walk(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            nonlocal depth
            if self._is_connection():
                depth += 1
                depths.append(depth)

        def leave_field(self, node: FieldNode, *_: Any) -> None:
            nonlocal depth
            depth -= self._is_connection()

        @staticmethod
        def _is_connection() -> bool:
            type_ = types.get_type()
            return type_ is not None and get_named_type(type_).name.endswith("Connection")

    visit(document, TypeInfoVisitor(types, Walk()))
    yield from depths
