"""A site's policy: what is done about what is seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.domain.decisions import Outcome, Reason, Verdict
from app.domain.errors import SettingsInvalid
from app.domain.media import Context
from app.domain.signals import Signal
from app.domain.taxonomy import ALLOWED_HASH, BLOCKED_HASH, CATEGORIES, covers

Score = Annotated[float, Field(ge=0.0, le=1.0)]


class RuleMode(StrEnum):
    """SHADOW records what it would do; REVIEW asks a person and never blocks by itself; ENFORCE does it."""

    SHADOW = "shadow"
    REVIEW = "review"
    ENFORCE = "enforce"


class Exemption(BaseModel):
    """Images that a rule leaves alone: those whose context has one of the values under the key, compared without case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(min_length=1)
    values: tuple[str, ...] = Field(min_length=1)

    def exempts(self, context: Context) -> bool:
        wanted = {value.casefold() for value in self.values}
        return any(value.casefold() in wanted for value in context.get(self.key, ()))


class Rule(BaseModel):
    """What a category is worth: a review band from `review`, a block band from `block` (never, when None)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: str
    review: Score | None = None
    block: Score | None = None
    mode: RuleMode = RuleMode.SHADOW
    exempt: tuple[Exemption, ...] = ()

    @model_validator(mode="after")
    def _sane(self) -> Rule:
        if self.category != "*" and not any(covers(self.category, known) for known in CATEGORIES):
            raise ValueError(f"there is no category “{self.category}”")
        if self.review is not None and self.block is not None and self.block < self.review:
            raise ValueError("the block threshold is below the review threshold")
        return self


class Policy(BaseModel):
    """One version of a site's rules. The most specific rule that covers a signal's category applies to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(1, ge=1)
    rules: tuple[Rule, ...]

    def rule_for(self, category: str) -> Rule | None:
        return max(
            (rule for rule in self.rules if covers(rule.category, category)),
            key=lambda rule: 0 if rule.category == "*" else len(rule.category),
            default=None,
        )


# Starting thresholds: NudeNet's scores above 0.8 are rare and recall falls fast, while benign photos stay below 0.40
# (docs/performance.md, “How good is the default model”). Owners calibrate in shadow mode first.
def starting_policy() -> Policy:
    """Make a new site's policy: everything in shadow, known hashes enforced."""
    return Policy(
        version=1,
        rules=(
            Rule(category="sexual.explicit_nudity", review=0.35, block=0.55),
            Rule(category="sexual.explicit_activity", review=0.35, block=0.55),
            Rule(category="synthetic.deepfake", review=0.5),
            Rule(category="unsafe.file", review=0.5, mode=RuleMode.REVIEW),
            Rule(category=BLOCKED_HASH, review=0.5, block=0.9, mode=RuleMode.ENFORCE),
            Rule(category="csae.known_hash", review=0.5, block=0.9, mode=RuleMode.ENFORCE),
            Rule(category="ncii.known_hash", review=0.5, block=0.9, mode=RuleMode.ENFORCE),
            Rule(category="terror.known_hash", review=0.5, block=0.9, mode=RuleMode.ENFORCE),
        ),
    )


def read_policy(document: object) -> Policy:
    """Check a policy document. Raise `SettingsInvalid` that names each wrong field."""
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise SettingsInvalid.of(error, "The policy is not valid", "policy") from None


def decide(policy: Policy, signals: Iterable[Signal], context: Context, failures: Iterable[str] = ()) -> Outcome:
    """Judge signals under a policy.

    Every failure is a reason to review, whatever the modes are; an allow-list match outweighs every signal, but no failure.
    """
    seen = tuple(signals)
    reasons = [_failure(text) for text in failures]
    allowed = next((signal for signal in seen if signal.category == ALLOWED_HASH), None)
    if allowed is not None and not reasons:
        return Outcome(Verdict.ALLOW, (_listed(allowed),))
    for signal in seen:
        reason = _weigh(policy, signal, context)
        if reason is not None:
            reasons.append(reason)
    reasons.sort(key=lambda reason: (_RANK[_effect(reason)], reason.score or 0.0), reverse=True)
    verdict = max((_effect(reason) for reason in reasons), key=_RANK.__getitem__, default=Verdict.ALLOW)
    return Outcome(verdict, tuple(reasons), enforce=verdict is Verdict.BLOCK)


_RANK = {Verdict.ALLOW: 0, Verdict.REVIEW: 1, Verdict.BLOCK: 2}


def _effect(reason: Reason) -> Verdict:
    if reason.mode == RuleMode.SHADOW:
        return Verdict.ALLOW
    if reason.mode == RuleMode.REVIEW and reason.verdict is Verdict.BLOCK:
        return Verdict.REVIEW
    return reason.verdict


def _failure(text: str) -> Reason:
    return Reason(Verdict.REVIEW, "unsafe.file", text)


def _listed(signal: Signal) -> Reason:
    return Reason(
        Verdict.ALLOW, signal.category, signal.note or "On your allow list", detector=signal.detector, score=signal.score
    )


def _weigh(policy: Policy, signal: Signal, context: Context) -> Reason | None:
    rule = policy.rule_for(signal.category)
    if rule is None:
        return None
    if rule.block is not None and signal.score >= rule.block:
        verdict, threshold = Verdict.BLOCK, rule.block
    elif rule.review is not None and signal.score >= rule.review:
        verdict, threshold = Verdict.REVIEW, rule.review
    else:
        return None
    exempted = next((exemption for exemption in rule.exempt if exemption.exempts(context)), None)
    title = CATEGORIES[signal.category].title if signal.category in CATEGORIES else signal.category
    text = f"{title} {signal.score:.2f}, {verdict} from {threshold:.2f}"
    if signal.category.endswith("_hash") and signal.note:  # a list's note says more than a distance made into a score
        text = f"{title}: {signal.note}"
    if exempted is not None:
        return Reason(
            Verdict.ALLOW,
            signal.category,
            f"{text}; exempt by {exempted.key}",
            rule.category,
            rule.mode,
            signal.detector,
            signal.score,
            threshold,
            signal.region,
        )
    return Reason(
        verdict, signal.category, text, rule.category, rule.mode, signal.detector, signal.score, threshold, signal.region
    )


@dataclass(frozen=True, slots=True)
class _Band:
    """What one rule makes of a category: what its block band comes to in the rule's mode, and its review band."""

    review: float | None
    block: float | None
    blocked: Verdict
    reviewed: Verdict
    exempt: tuple[Exemption, ...]


class Replayer:
    """The verdicts of `decide` from each category's highest score alone: for policies replayed over many decisions.

    A verdict never falls when a score rises, so that a category's other signals cannot change it.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._bands: dict[str, _Band | None] = {}

    def verdict(self, peaks: Mapping[str, float], context: Callable[[], Context], *, failed: bool = False) -> tuple[Verdict, str]:
        """Give the verdict and the category that asked for it, "" for none. `context` is only called where it matters."""
        if ALLOWED_HASH in peaks and not failed:
            return Verdict.ALLOW, ""
        verdict, cause, strongest = (Verdict.REVIEW, "unsafe.file", 0.0) if failed else (Verdict.ALLOW, "", 0.0)
        for category, score in peaks.items():
            band = self._bands[category] if category in self._bands else self._band(category)
            if band is None:
                continue
            if band.block is not None and score >= band.block:
                effect = band.blocked
            elif band.review is not None and score >= band.review:
                effect = band.reviewed
            else:
                continue
            if effect is Verdict.ALLOW or (_RANK[effect], score) <= (_RANK[verdict], strongest):
                continue
            if band.exempt and any(exemption.exempts(context()) for exemption in band.exempt):
                continue
            verdict, cause, strongest = effect, category, score
        return verdict, cause

    def _band(self, category: str) -> _Band | None:
        rule = self._policy.rule_for(category)
        band = None
        if rule is not None:
            shadow, asks = rule.mode is RuleMode.SHADOW, rule.mode is RuleMode.REVIEW
            band = _Band(
                rule.review,
                rule.block,
                Verdict.ALLOW if shadow else Verdict.REVIEW if asks else Verdict.BLOCK,
                Verdict.ALLOW if shadow else Verdict.REVIEW,
                rule.exempt,
            )
        self._bands[category] = band
        return band
