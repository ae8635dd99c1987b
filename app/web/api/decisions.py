"""Decisions, what waits for a person, and verdicts.

What is restricted is not there for programs: people see it, in the console.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

from app.domain.decisions import Decision
from app.domain.errors import (
    BeingReviewed,
    DecisionStale,
    DecisionUnknown,
    Escalated,
    ScopeMissing,
    SecondPersonNeeded,
    SiteUnknown,
    UndoImpossible,
)
from app.services.people.tokens import Scope, Token
from app.services.pipeline import moderate
from app.services.review import history, queue, showing, verdicts
from app.services.review.queue import Item
from app.services.sites import sites
from app.web.api import shapes
from app.web.api.operations import operation, own, seen
from app.web.api.shapes import Following
from app.web.security import core


def _own_decision(token: Token, decision_id: int) -> Decision:
    found = showing.get(core(), decision_id)
    try:
        own(token, found.site_id)
        sites.get(core(), found.site_id)
    except SiteUnknown:
        raise DecisionUnknown(f"There is no decision {decision_id}.") from None
    if found.restricted:
        raise DecisionUnknown(f"There is no decision {decision_id}.")
    return found


def _reviewer(token: Token) -> int:
    """Give the number that a program leases under; people have those above 0."""
    return -token.id


def _whole(found: Decision) -> shapes.DecisionWhole:
    return shapes.DecisionWhole(**shapes.decision(found), in_force=showing.current(core(), found).id)


@operation("GET", "/decisions", Scope.READ, shapes.DecisionList, query=shapes.DecisionQuery, raises=(SiteUnknown,), paged=True)
def list_decisions(token: Token, query: shapes.DecisionQuery) -> tuple[shapes.DecisionList, Following | None]:
    """List decisions, newest first: those in force, unless `replaced` is true.

    A page looks at a bounded number of decisions: it may hold fewer than its limit, and the Link header still leads on.
    """
    found = history.page(core(), seen(token, query.site), query.filters, query.before or 0, query.limit)
    following = {"before": str(found.before)} if found.before else None
    return shapes.DecisionList(items=[shapes.shown(item) for item in found.shown]), following


@operation("GET", "/decisions/<int:decision_id>", Scope.READ, shapes.DecisionWhole, raises=(DecisionUnknown,))
def read_decision(token: Token, decision_id: int) -> shapes.DecisionWhole:
    """Give one decision, in force or not."""
    return _whole(_own_decision(token, decision_id))


@operation(
    "POST",
    "/decisions/<int:decision_id>/verdict",
    Scope.REVIEW,
    shapes.DecisionWhole,
    body=shapes.VerdictGiven,
    raises=(DecisionUnknown, DecisionStale, BeingReviewed, Escalated, ScopeMissing),
)
def give_verdict(token: Token, decision_id: int, body: shapes.VerdictGiven) -> shapes.DecisionWhole:
    """Supersede a decision by a person's verdict: allow brings back what was hidden, block hides.

    Sent again, as after a lost answer, it gives the same answer; another verdict for what was answered is a 409, and so is
    one while somebody looks at the picture in the console.
    """
    found = _own_decision(token, decision_id)
    try:
        resolved = verdicts.resolve(
            core(),
            decision_id,
            body.verdict,
            token.actor,
            person_id=_reviewer(token),
            never_again=body.never_again,
            within=seen(token, found.site_id),
            alone=True,
        )
    except SecondPersonNeeded:
        text = "Two people must agree about this picture, and a program is none. They decide in the console."
        raise ScopeMissing(text) from None
    except DecisionStale:
        given = showing.current(core(), found)
        if (given.supersedes, given.person, given.verdict) != (decision_id, token.actor, body.verdict):
            raise
        resolved = given.id
    return _whole(showing.get(core(), resolved))


@operation(
    "POST",
    "/decisions/<int:decision_id>/undo",
    Scope.REVIEW,
    shapes.DecisionWhole,
    raises=(DecisionUnknown, DecisionStale, Escalated, UndoImpossible, SecondPersonNeeded),
)
def undo_decision(token: Token, decision_id: int) -> shapes.DecisionWhole:
    """Put in force again what was before a decision, at the site too; the answer is the decision that says so."""
    found = _own_decision(token, decision_id)
    return _whole(showing.get(core(), verdicts.undo(core(), decision_id, token.actor, seen(token, found.site_id))))


def _waiting(item: Item) -> shapes.WaitingItem:
    return shapes.WaitingItem(
        **shapes.decision(item.decision),
        since=shapes.moment(item.since),
        reviewer=item.reviewer,
        leased_until=shapes.moment(item.leased_until),
    )


@operation("GET", "/queue", Scope.REVIEW, shapes.Waiting, query=shapes.QueueQuery, raises=(SiteUnknown,), paged=True)
def list_waiting(token: Token, query: shapes.QueueQuery) -> tuple[shapes.Waiting, Following | None]:
    """List what waits for a person, most severe first, then oldest, with who looks at it now."""
    within = seen(token, query.site)
    found = queue.listing(core(), within, queue.Order.SEVEREST, query.place, query.limit + 1)
    page = found[: query.limit]
    following = {"after": ".".join(map(str, page[-1].place))} if len(found) > query.limit else None
    return shapes.Waiting(items=[_waiting(item) for item in page], total=queue.count(core(), within)), following


@operation("POST", "/queue/next", Scope.REVIEW, shapes.NextItem, body=shapes.NextWanted, raises=(SiteUnknown,))
def take_next(token: Token, body: shapes.NextWanted) -> shapes.NextItem:
    """Take the next item that waits, for this token alone for some minutes; null when there is none.

    Called again, it gives the same item until there is a verdict.
    """
    item = queue.take_next(core(), seen(token, body.site), _reviewer(token), token.actor)
    return shapes.NextItem(item=_waiting(item) if item is not None else None)


@operation("POST", "/queue/release", Scope.REVIEW, status=HTTPStatus.NO_CONTENT)
def release(token: Token) -> None:
    """Give back what this token has taken."""
    queue.release(core(), _reviewer(token))


@operation("GET", "/history", Scope.READ, shapes.Steps, query=shapes.StepQuery, raises=(SiteUnknown,), paged=True)
def list_steps(token: Token, query: shapes.StepQuery) -> tuple[shapes.Steps, Following | None]:
    """List what people, programs, policies, workers and platforms did, newest first.

    What is about no site, such as invitations and tokens, is for tokens of every site.
    """
    filters = replace(query.filters, site=query.site or token.site_id)
    found, before = history.steps(core(), seen(token, query.site), filters, query.before or 0, query.limit)
    following = {"before": str(before)} if before else None
    return shapes.Steps(items=[shapes.step(item) for item in found]), following


@operation("GET", "/sites/<site_id>/history", Scope.READ, shapes.History, query=shapes.HistoryQuery, raises=(SiteUnknown,))
def read_history(token: Token, site_id: str, query: shapes.HistoryQuery) -> shapes.History:
    """Tell a picture's story, newest first: every decision, action and look."""
    seen(token, site_id)
    entries = showing.history(core(), site_id, query.media_id)
    return shapes.History(
        items=[shapes.HistoryEntry(at=datetime.fromisoformat(item["at"]), who=item["who"], text=item["text"]) for item in entries]
    )


@operation(
    "POST",
    "/sites/<site_id>/rejudge",
    Scope.CONFIGURE,
    shapes.Asked,
    status=HTTPStatus.ACCEPTED,
    body=shapes.RejudgeWanted,
    raises=(SiteUnknown,),
)
def rejudge(token: Token, site_id: str, body: shapes.RejudgeWanted) -> shapes.Asked:
    """Have a picture judged again, as after a new model; a person's verdict for the same bytes still binds."""
    seen(token, site_id)
    return shapes.Asked(queued=moderate.rejudge(core(), site_id, body.media_id))
