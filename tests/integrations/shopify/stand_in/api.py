"""POST graphql.json: who may, at what price, executed against the real schema, answered as Shopify answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    execute,
    get_named_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.utilities import get_operation_ast, type_from_ast

from tests.integrations.shopify import schema
from tests.integrations.shopify.stand_in import answers
from tests.integrations.shopify.stand_in.answers import Answer
from tests.integrations.shopify.stand_in.cost import MAX_QUERY_COST, Counter
from tests.integrations.shopify.stand_in.model import Request
from tests.integrations.shopify.stand_in.mutations import MUTATIONS
from tests.integrations.shopify.stand_in.reads import Context, type_of, value_of
from tests.integrations.shopify.stand_in.search import NotBuilt

if TYPE_CHECKING:
    from tests.integrations.shopify.stand_in.shop import Shop

_DOCUMENTATION = "https://shopify.dev/api/usage/access-scopes"


@dataclass(frozen=True, slots=True)
class Asked:
    """Be a valid operation, ready to be executed."""

    document: DocumentNode
    operation: OperationDefinitionNode
    name: str
    variables: Mapping[str, Any]
    coerced: Mapping[str, Any]


def version_of(asked: str) -> str:
    """Fall forward to the oldest version there is when asked for one that is not supported."""
    return asked if asked in schema.VERSIONS else schema.VERSIONS[0]


def answer(shop: Shop, asked_version: str, token: str, body: bytes) -> Answer:
    """Answer one request of the Admin API."""
    version = version_of(asked_version)
    with shop.lock:
        scripted = shop.scripts.next("graphql")
        if scripted is not None and not scripted.done and not scripted.failing:
            shop.requests.append(Request(_name(body), 0, 0, scripted.status, _variables(body)))
            return scripted
        made = _answer(shop, version, token, body, scripted.failing if scripted else ())
        return scripted if scripted is not None and scripted.done else _with_version(made, version)


def _with_version(made: Answer, version: str) -> Answer:
    return Answer(made.status, {**made.headers, "X-Shopify-API-Version": version}, made.body)


def _answer(shop: Shop, version: str, token: str, body: bytes, failing: tuple[str, ...]) -> Answer:
    grant = shop.grants.holder(token) if token else None
    if grant is None:
        shop.requests.append(Request(_name(body), 0, 0, 401, _variables(body)))
        return answers.UNAUTHORIZED
    if not grant.expiring:
        text = "[API] Non-expiring access tokens are no longer accepted for the Admin API."
        return Answer(403, answers.JSON, json.dumps({"errors": text}).encode())
    try:
        asked = _read(version, body)
    except GraphQLErrors as errors:
        shop.requests.append(Request(_name(body), 0, 0, 200, _variables(body), tuple(map(str, errors.errors))))
        return answers.as_json(200, {"errors": [error.formatted for error in errors.errors]})
    counter = Counter(schema.load(version), asked.document, asked.coerced)
    requested = counter.points(asked.operation)
    now = shop.shopify.now()
    if requested > MAX_QUERY_COST:
        return _refused(shop, asked, requested, "MAX_COST_EXCEEDED")
    if requested > shop.bucket.available(now):
        return _refused(shop, asked, requested, "THROTTLED")
    context = Context(shop, version, _implied(shop.scopes), failing)
    result = execute(
        schema.load(version),
        asked.document,
        context_value=context,
        variable_values=dict(asked.variables),
        operation_name=asked.operation.name.value if asked.operation.name else None,
        field_resolver=_resolve,
        type_resolver=lambda value, info, type_: type_of(value),
    )
    assert isinstance(result, ExecutionResult)
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    return _settled(shop, context, asked, counter, requested, result)


def _settled(shop: Shop, context: Context, asked: Asked, counter: Counter, requested: int, result: ExecutionResult) -> Answer:
    """Take the points, let images become ready that were looked at often enough, and send what changed."""
    actual = max(1, counter.points(asked.operation, result.data))
    shop.bucket.take(actual, shop.shopify.now())
    errors = result.errors or []
    shop.requests.append(
        Request(asked.name, requested, actual, 200, dict(asked.variables), tuple(error.message for error in errors))
    )
    for media in context.looked_at:
        if media.status == "UPLOADED" and media.unready_reads:
            media.unready_reads -= 1
            media.status = "UPLOADED" if media.unready_reads else "READY"
    if context.changed:
        shop.changes += 1
        shop.changed(context.changed, silent=context.silent)
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = [error.formatted for error in errors]
    body["extensions"] = {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": shop.bucket.status(shop.shopify.now()),
        }
    }
    return answers.as_json(200, body)


def _refused(shop: Shop, asked: Asked, requested: int, code: str) -> Answer:
    shop.requests.append(Request(asked.name, requested, 0, 200, dict(asked.variables), (code,)))
    if code == "THROTTLED":
        error: dict[str, Any] = {"message": "Throttled", "extensions": {"code": code}}
    else:
        message = f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST})."
        error = {"message": message, "extensions": {"code": code, "cost": requested, "maxCost": MAX_QUERY_COST}}
    error["extensions"]["documentation"] = "https://shopify.dev/api/usage/rate-limits"
    status = shop.bucket.status(shop.shopify.now())
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return answers.as_json(200, {"errors": [error], "extensions": {"cost": cost}})


class Deprecated(AssertionError):
    """Say that a request used what Shopify will take away. Shopify would answer it; the test that sends it fails."""


class GraphQLErrors(Exception):
    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors


@lru_cache(256)
def _parsed(version: str, query: str) -> DocumentNode:
    try:
        document = parse(query)
    except GraphQLError as error:
        raise GraphQLErrors([error]) from None
    errors = validate(schema.load(version), document)
    if errors:
        raise GraphQLErrors(errors)
    return document


def _read(version: str, body: bytes) -> Asked:
    try:
        asked = json.loads(body)
        query, variables, name = asked["query"], asked.get("variables") or {}, asked.get("operationName")
    except (ValueError, TypeError, KeyError):
        raise GraphQLErrors([GraphQLError("Parameter Missing or Invalid: query", extensions={"code": "BAD_REQUEST"})]) from None
    document = _parsed(version, query)
    operation = get_operation_ast(document, name)
    if operation is None:
        raise GraphQLErrors([GraphQLError("An operation name is required")])
    values = get_variable_values(schema.load(version), operation.variable_definitions or (), variables)
    if isinstance(values, list):
        raise GraphQLErrors(values)
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = type_from_ast(schema.load(version), definition.type)
        for text in schema.deprecated_inputs(type_, variables.get(name), name):
            raise Deprecated(text)
    return Asked(document, operation, operation.name.value if operation.name else "", variables, values)


def _name(body: bytes) -> str:
    """Name the operation of a request that is not executed."""
    try:
        operation = get_operation_ast(parse(json.loads(body)["query"]))
    except (ValueError, TypeError, KeyError, GraphQLError):
        return ""
    return operation.name.value if operation is not None and operation.name else ""


def _variables(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body).get("variables") or {})
    except (ValueError, TypeError, AttributeError):
        return {}


def _implied(scopes: set[str]) -> frozenset[str]:
    """Add what is granted along: who may write may read."""
    return frozenset(scopes | {"read_" + scope.removeprefix("write_") for scope in scopes if scope.startswith("write_")})


def _resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    context: Context = info.context
    parent = info.parent_type.name
    for needed, words in (
        schema.access(context.version, parent, info.field_name),
        schema.access(context.version, get_named_type(info.return_type).name),
    ):
        # A scope of the return type counts for queries; payloads of mutations have their own.
        if needed and not needed & context.scopes:
            message = f"Access denied for {info.field_name} field. Required access: {words}"
            raise GraphQLError(
                message, extensions={"code": "ACCESS_DENIED", "documentation": _DOCUMENTATION, "requiredAccess": words}
            )
    if parent == "Mutation":
        if info.field_name not in MUTATIONS:
            raise NotBuilt(f"the stand-in has no Mutation.{info.field_name}")
        return MUTATIONS[info.field_name](context, arguments)
    return value_of(source, parent, info.field_name, context, arguments)
