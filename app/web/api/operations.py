"""An operation is declared once: address, scope, what it takes and answers. Routing, checking and the document follow from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from app.domain import errors
from app.domain.errors import DeliveryTooLarge, PicwardError, ScopeMissing, SettingsInvalid, TokenRefused, TooManyRequests
from app.domain.visibility import Visibility
from app.services.people import tokens
from app.services.people.tokens import Scope, Token
from app.services.sites import sites
from app.web import problems
from app.web.api.rates import Rates
from app.web.api.shapes import Following
from app.web.security import address, core

BASE = "/api/v1"

room = Blueprint("api", __name__, url_prefix=BASE)

View = TypeVar("View", bound=Callable[..., Any])

_PARAMETER = re.compile(r"<(?:(int):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Operation:
    """Hold one operation. `raises` are the errors of its own; every one may also refuse its token, and what it was sent."""

    name: str
    method: str
    rule: str
    scope: Scope
    view: Callable[..., Any]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: HTTPStatus
    raises: tuple[type[PicwardError], ...]
    paged: bool

    @property
    def path(self) -> str:
        """Give the address as the document writes it."""
        return _PARAMETER.sub(r"{\2}", self.rule)

    @property
    def parameters(self) -> dict[str, str]:
        """Map each part of the address that varies to its JSON type."""
        return {name: "integer" if kind else "string" for kind, name in _PARAMETER.findall(self.rule)}

    @property
    def refusals(self) -> dict[int, list[str]]:
        """Give every problem it may answer with: titles by status."""
        found: set[type[PicwardError]] = {TokenRefused, ScopeMissing, TooManyRequests, *self.raises}
        if self.query or self.body:
            found.add(SettingsInvalid)
        if self.body:
            found.add(DeliveryTooLarge)
        titles: dict[int, list[str]] = {}
        for kind in sorted(found, key=lambda kind: kind.__name__):
            titles.setdefault(problems.PROBLEMS[kind].status, []).append(problems.PROBLEMS[kind].title)
        return titles


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    rule: str,
    scope: Scope,
    answer: type[BaseModel] | None = None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    raises: tuple[type[PicwardError], ...] = (),
    paged: bool = False,
) -> Callable[[View], View]:
    """Declare an operation. The function is given `token`, the parts of its address, and `query` and `body` where it takes them.

    Its docstring is its text in the document. A `paged` one returns its answer and the query of the following page, if any.
    """

    def declared(view: View) -> View:
        made = Operation(view.__name__, method, rule, scope, view, query, body, answer, status, raises, paged)
        OPERATIONS.append(made)
        room.add_url_rule(rule, made.name, lambda **parts: _run(made, parts), methods=[method])
        return view

    return declared


@room.record_once
def _start(state: BlueprintSetupState) -> None:
    state.app.extensions["api_rates"] = Rates()


def _run(made: Operation, parts: dict[str, Any]) -> Response:
    token = _proven()
    token.need(made.scope)
    given: dict[str, Any] = {"token": token, **parts}
    if made.query:
        given["query"] = _checked(made.query, {name: request.args[name] for name in request.args})
    if made.body:
        given["body"] = _checked_json(made.body)
    result = made.view(**given)
    answer, following = result if made.paged else (result, None)
    if answer is None:
        return Response(status=made.status)
    response = Response(answer.model_dump_json(), made.status, mimetype="application/json")
    if following is not None:
        response.headers["Link"] = f'<{_address(made, following)}>; rel="next"'
    return response


def _address(made: Operation, following: Following) -> str:
    """Give the address of the following page: this request's, from another place."""
    kept = {name: request.args[name] for name in request.args if name not in following}
    return f"{core().public_url}{request.path}?{urlencode({**kept, **following})}"


def _proven() -> Token:
    """Give the token of this request, from its header only: a cookie opens nothing here. Raise `TokenRefused`."""
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused("There is no bearer token.")
    token = tokens.prove(core(), presented.strip(), address())
    rates: Rates = current_app.extensions["api_rates"]
    rates.count(token.id, core().now())
    return token


def _checked(shape: type[BaseModel], values: Any) -> BaseModel:
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        raise SettingsInvalid.of(error, "The request is not valid", "body") from None


def _checked_json(shape: type[BaseModel]) -> BaseModel:
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        return shape.model_validate_json(request.get_data(cache=False))
    except RequestEntityTooLarge:
        raise DeliveryTooLarge(f"The body is larger than {limit} bytes.") from None
    except ValidationError as error:
        raise SettingsInvalid.of(error, "The request is not valid", "body") from None


@room.errorhandler(TokenRefused)
def _refused(error: TokenRefused) -> Response:
    response = problems.known(error)
    response.headers["WWW-Authenticate"] = 'Bearer realm="picward"'  # RFC 6750, section 3
    return response


def own(token: Token, site_id: str) -> None:
    """Raise `SiteUnknown` for a site that this token does not see, as for one that is not there."""
    if not token.sees(site_id):
        raise errors.SiteUnknown(f"There is no site “{site_id}”.")


def seen(token: Token, site_id: str) -> Visibility:
    """Give what to list: the site that is asked for, or every one that the token sees. Raise `SiteUnknown`."""
    if site_id:
        own(token, site_id)
        sites.get(core(), site_id)
        return Visibility((site_id,), side=token.side)
    return Visibility(sites.visible(core(), [token.site_id] if token.site_id else []), side=token.side)
