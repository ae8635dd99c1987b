"""What programs send and are answered. The document is made of these types, and the answers are checked by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.domain import decisions as decided
from app.domain.decisions import Action, Verdict
from app.domain.detector import HashKind, ListKind
from app.domain.jobs import WorkState
from app.domain.limits import Id
from app.domain.media import MediaRef, Region
from app.domain.platform import SiteState
from app.domain.policy import Rule, RuleMode
from app.domain.precision import Share
from app.domain.settings import ChangedBy, Kind
from app.domain.time import DAY, since_epoch, utc
from app.services.review import history
from app.services.review.showing import Shown, reason_text
from app.services.telling import insights
from app.services.trying.backtest import Backtest, Change

PAGE = 50
LONGEST_PAGE = 200
"""The most items of one page: about 200 kB."""

MOST_HASHES = 1000
"""The most hashes of one import: within the size of a request body, and taken in before a program gives up waiting."""

Following = Mapping[str, str]
"""What a request must ask for besides to get the page after this one."""

Text = Annotated[str, Field(max_length=400)]


def moment(at: int | None) -> datetime | None:
    """Make a time of UTC microseconds; None of none, and of 0."""
    return utc(at) if at else None


def _microseconds(at: datetime | None) -> int:
    return since_epoch(at) if at else 0


class Shape(BaseModel):
    """Be what is answered; it may gain fields."""

    model_config = ConfigDict(frozen=True)


class Sent(BaseModel):
    """Be what programs send: a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Shape):
    """Say what went wrong, as RFC 9457 does."""

    type: str
    title: str
    status: int
    detail: str = ""
    fields: dict[str, str] = Field(default={}, description="What is wrong with each field of the request.")


class Site(Shape):
    id: str
    platform: str
    name: str
    state: SiteState
    problem: str = Field(description="What keeps the site from working; empty when nothing does.")


class SiteList(Shape):
    items: list[Site]


class Parked(Shape):
    """An action that waits for the owner: the platform refused it, or someone changed the picture meanwhile."""

    id: int
    media_id: str
    text: str


class Summary(Shape):
    found: str = Field(description="What the last test of the connection found.")
    checked_at: datetime | None
    last_delivery_at: datetime | None
    decided: int = Field(description="Pictures with a decision in force.")
    blocked: int
    waiting: int = Field(description="Pictures that wait for a person.")
    oldest_waiting_seconds: int
    queued: int = Field(description="Pictures that wait to be judged.")
    oldest_queued_seconds: int
    parked: list[Parked]


class SiteWhole(Site):
    summary: Summary


class SettingsField(Shape):
    """Declare one setting: what it is called, what it takes."""

    name: str
    kind: Kind
    title: str
    description: str
    choices: dict[str, str]
    default: Any
    minimum: float | None
    maximum: float | None
    changed_by: ChangedBy = Field(description="“owner”: neither the site nor a token of this site alone may change it.")


class Settings(Shape):
    values: dict[str, Any]
    declaration: list[SettingsField]
    warning: str = Field("", description="Why the platform could not be told of the change yet.")


class SettingsChange(Sent):
    values: dict[str, Any] = Field(description="The settings to change; the others stay.")


class Policy(Shape):
    version: int
    summary: str
    rules: tuple[Rule, ...]


class PolicyVersion(Policy):
    saved_at: datetime
    saved_by: str


class PolicyVersions(Shape):
    items: list[PolicyVersion]


class PolicyDraft(Sent):
    rules: tuple[Rule, ...] = Field(description="All rules of the next version.")


class PolicyChange(PolicyDraft):
    upon: int | None = Field(
        None, ge=1, description="The version that the rules were made from; refused when it is not the newest."
    )


class ChangeCount(Shape):
    change: Change
    count: int
    examples: list[int] = Field(description="Decisions, a few.")


class PolicyTried(Shape):
    looked_at: int = Field(description="Decisions that the draft was tried on: the site's last ones.")
    decided_by_people: int = Field(description="Of these, those that stay because a person's verdict binds.")
    unseen: int = Field(description="Of these, those without stored signals.")
    changes: list[ChangeCount]


class Media(Shape):
    id: str
    version: str
    parent: str
    context: dict[str, tuple[str, ...]]


class Reason(Shape):
    verdict: Verdict
    category: str
    text: str
    rule: str
    mode: Literal["", RuleMode.SHADOW, RuleMode.REVIEW, RuleMode.ENFORCE]
    detector: str
    score: float | None
    threshold: float | None
    region: Region | None = Field(description="Fractions of the picture's width and height, from the top left.")


class Done(Shape):
    """How far the action of a decision came."""

    action: Action
    state: str
    problem: str


class Decision(Shape):
    id: int
    site_id: str
    media: Media
    sha256: str = Field(description="Of the bytes that were judged; empty when there were none.")
    verdict: Verdict
    enforce: bool = Field(description="Whether a block may be acted on.")
    reasons: list[Reason]
    person: str = Field(description="Who decided; empty when the policy did.")
    policy_version: int | None
    supersedes: int | None
    decided_at: datetime


class ShownDecision(Decision):
    done: Done | None


class DecisionWhole(Decision):
    in_force: int = Field(description="The decision that is in force for this picture now: this one, or a later one.")


class DecisionList(Shape):
    items: list[ShownDecision]


class WaitingItem(Decision):
    since: datetime
    reviewer: str = Field(description="Who looks at it now; empty when nobody does.")
    leased_until: datetime | None


class Waiting(Shape):
    items: list[WaitingItem]
    total: int


class NextItem(Shape):
    item: WaitingItem | None


class NextWanted(Sent):
    site: Text = Field("", description="Only of this site.")


class PageQuery(Sent):
    limit: int = Field(PAGE, ge=1, le=LONGEST_PAGE)
    before: Id | None = Field(None, description="Go on after this one; the Link header of a page has it.")


class DecisionQuery(PageQuery):
    site: Text = ""
    verdict: Verdict | None = None
    category: Text = Field("", description="Of the first reason.")
    person: Text = Field("", description="Who decided.")
    policy: Id | None = Field(None, description="The version of a policy that decided.")
    state: WorkState | None = Field(None, description="How the decision's action ended, or where it is.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="Not included.")
    search: Text = Field("", description="What the picture's name begins with, its id, or that of its listing or post.")
    replaced: bool = Field(False, description="Also what is no longer in force.")

    @property
    def filters(self) -> history.Filters:
        return history.Filters(
            site=self.site,
            verdict=self.verdict or "",
            category=self.category,
            person=self.person,
            policy=self.policy,
            state=self.state or "",
            since=_microseconds(self.since),
            until=_microseconds(self.until),
            search=self.search,
            replaced=self.replaced,
        )


class StepQuery(PageQuery):
    site: Text = ""
    actor: Text = Field("", description="Who did it.")
    action: Text = Field("", description="What was done, such as policy.saved.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="Not included.")

    @property
    def filters(self) -> history.StepFilters:
        return history.StepFilters(
            site=self.site,
            actor=self.actor,
            action=self.action,
            since=_microseconds(self.since),
            until=_microseconds(self.until),
        )


class Step(Shape):
    id: int
    at: datetime
    site_id: str
    actor: str
    action: str
    media_id: str
    text: str


class Steps(Shape):
    items: list[Step]


class QueueQuery(Sent):
    site: Text = ""
    limit: int = Field(PAGE, ge=1, le=LONGEST_PAGE)
    after: str = Field(
        "", pattern=r"^([0-9]{1,18}(\.[0-9]{1,18}){2})?$", description="Go on after this place; the Link header has it."
    )

    @property
    def place(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.after.split(".")) if self.after else ()


class VerdictGiven(Sent):
    verdict: Literal[Verdict.ALLOW, Verdict.BLOCK]
    never_again: bool = Field(False, description="Put a blocked picture on the site's block list.")


class HistoryQuery(Sent):
    media_id: Text = Field(min_length=1)


class HistoryEntry(Shape):
    at: datetime
    who: str
    text: str


class History(Shape):
    items: list[HistoryEntry]


class Asked(Shape):
    """Say whether what was asked for is queued; it is not when it was already, or there is nothing to do."""

    queued: bool


class RejudgeWanted(Sent):
    media_id: Text = Field(min_length=1)


class HashLine(Sent):
    kind: HashKind
    value: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    list: ListKind = ListKind.BLOCK
    category: str = Field("", max_length=80, description="The list's own category when empty.")
    note: str = Field("", max_length=400, description="Shown to reviewers at a match.")


class HashImport(Sent):
    site_id: Text = Field("", description="Only for this site; for every site when empty.")
    entries: list[HashLine] = Field(min_length=1, max_length=MOST_HASHES)


class HashesImported(Shape):
    added: int = Field(description="How many were not known before.")


def media(ref: MediaRef) -> Media:
    return Media(id=ref.id, version=ref.version, parent=ref.parent, context=dict(ref.context))


def reason(found: decided.Reason) -> Reason:
    return Reason(
        verdict=found.verdict,
        category=found.category,
        text=reason_text(found),
        rule=found.rule,
        mode=RuleMode(found.mode) if found.mode else "",
        detector=found.detector,
        score=found.score,
        threshold=found.threshold,
        region=found.region,
    )


def decision(found: decided.Decision) -> dict[str, Any]:
    """Give what every shape of a decision holds."""
    return {
        "id": found.id,
        "site_id": found.site_id,
        "media": media(found.media),
        "sha256": found.sha256,
        "verdict": found.verdict,
        "enforce": found.enforce,
        "reasons": [reason(item) for item in found.reasons],
        "person": found.person,
        "policy_version": found.policy_version,
        "supersedes": found.supersedes,
        "decided_at": moment(found.decided_at),
    }


def shown(found: Shown) -> ShownDecision:
    done = Done(action=Action(found.action), state=found.state, problem=found.problem) if found.action else None
    return ShownDecision(**decision(found.decision), done=done)


def step(found: history.Step) -> Step:
    return Step(
        id=found.id,
        at=utc(found.at),
        site_id=found.site_id,
        actor=found.actor,
        action=found.action,
        media_id=found.media_id,
        text=found.text,
    )


def tried(found: Backtest) -> PolicyTried:
    return PolicyTried(
        looked_at=found.looked_at,
        decided_by_people=found.decided_by_people,
        unseen=found.unseen,
        changes=[
            ChangeCount(change=change, count=count, examples=list(found.examples.get(change, ())))
            for change, count in found.changes.items()
        ],
    )


class InsightsQuery(Sent):
    site: Text = ""
    days: int = Field(30, ge=1, le=max(insights.PERIODS))


class Spans(Shape):
    """How long something took, in seconds: half at most p50, 95 % at most p95; null without any."""

    count: int
    p50: float | None
    p95: float | None


class Precision(Shape):
    """How often people agreed with a policy that had not allowed a picture, with the bounds of a 95 % interval."""

    category: str
    agreed: int
    of: int
    low: float
    high: float


class Insights(Shape):
    first_day: date
    days: int
    series: dict[str, list[int]] = Field(description="A number for each day, by what is counted.")
    verdicts: dict[str, int]
    found: dict[str, int] = Field(description="By category.")
    precision: list[Precision]
    to_verdict: Spans
    to_answer: Spans = Field(description="From a question to a person's answer.")


def _precision(category: str, found: Share) -> Precision:
    return Precision(category=category, agreed=found.right, of=found.total, low=found.low, high=found.high)


def _spans(found: insights.Spans) -> Spans:
    return Spans(count=found.count, p50=found.p50, p95=found.p95)


def figures(found: insights.Figures) -> Insights:
    return Insights(
        first_day=utc(found.first * DAY).date(),
        days=found.days,
        series={name: list(numbers) for name, numbers in found.series.items()},
        verdicts=dict(found.verdicts),
        found=dict(found.found),
        precision=[_precision(category, share) for category, share in found.precision.items()],
        to_verdict=_spans(found.to_verdict),
        to_answer=_spans(found.to_answer),
    )
