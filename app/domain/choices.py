"""What a policy is in words that owners use: how far it may go, and a word for each group of categories. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from app.domain.policy import Exemption, Policy, Rule, RuleMode
from app.domain.settings import ByOwner, ByPlatform


class Approach(StrEnum):
    """How far the rules may go by themselves; MIXED when they differ, as an expert may have set them."""

    WATCH = "watch"
    ASK = "ask"
    HIDE = "hide"
    MIXED = "mixed"


class Level(StrEnum):
    OFF = "off"
    RELAXED = "relaxed"
    BALANCED = "balanced"
    STRICT = "strict"
    CUSTOM = "custom"


MODES = {Approach.WATCH: RuleMode.SHADOW, Approach.ASK: RuleMode.REVIEW, Approach.HIDE: RuleMode.ENFORCE}

LEVELS = (Level.RELAXED, Level.BALANCED, Level.STRICT)
"""The words that stand for scores."""


@dataclass(frozen=True, slots=True)
class Band:
    """The scores from which a person is asked and from which a picture is blocked; None is never."""

    review: float | None
    block: float | None = None


Bands = Mapping[Level, Band]


def _bands(relaxed: Band, balanced: Band, strict: Band) -> Bands:
    return {Level.RELAXED: relaxed, Level.BALANCED: balanced, Level.STRICT: strict}


# The scores rest on docs/performance.md, “How good the default model is”: scores above 0.8 are rare even when it is right,
# 61 % of explicit pictures are above 0.2 and 26 % above 0.6, and 15 of 420 benign pictures are above 0.25, 3 above 0.6.
EXPOSED = _bands(Band(0.5, 0.7), Band(0.35, 0.55), Band(0.25, 0.45))
"""Nudity, as the default model scores it: it reports from 0.25, and on true photos without any it stayed below 0.40."""

COVERED = _bands(Band(0.8), Band(0.7, 0.85), Band(0.55, 0.75))
"""Covered body parts: the model reports from 0.50, and sees them where there are none up to 0.70."""

NAMED = _bands(Band(0.8, 0.95), Band(0.6, 0.85), Band(0.4, 0.7))
"""What the default model does not find: a list's entry scores 0.9 to 1.0; detectors that are added later are calibrated here."""

ASKED = _bands(Band(0.7), Band(0.5), Band(0.35))
"""What is no harm by itself: a person may be asked, and nothing is blocked."""


@dataclass(frozen=True, slots=True)
class Group:
    """A category, with its children, that an owner decides about as one. `id` is the category that its rule names."""

    id: str
    title: str
    about: str
    bands: Bands


GROUPS: Mapping[str, Group] = {
    group.id: group
    for group in (
        Group("sexual.explicit_nudity", "Nudity", "Bare genitals, breasts or buttocks.", EXPOSED),
        Group("sexual.explicit_activity", "Sexual activity", "People having sex, alone or together.", EXPOSED),
        Group("sexual.suggestive", "Suggestive pictures", "Covered intimate parts, bare bellies, kissing.", COVERED),
        Group("sexual.toys", "Sex toys", "Adult goods, also when nobody is in the picture.", NAMED),
        Group("apparel", "Swimwear and underwear", "Clothes that are worn or shown by themselves.", ASKED),
        Group("violence.graphic", "Graphic violence", "Blood, fights, attacks, explosions.", NAMED),
        Group("disturbing", "Disturbing pictures", "Corpses, crashes, open wounds.", NAMED),
        Group("self_harm", "Self-harm", "People who hurt themselves, or how that is done.", NAMED),
        Group("weapons", "Weapons", "Firearms, knives, replicas.", NAMED),
        Group("hate", "Hate symbols", "Symbols and gestures of hate groups.", NAMED),
        Group("rude", "Rude gestures", "Such as a raised middle finger.", NAMED),
        Group("harassment", "Harassing text", "Insults and threats written into a picture.", NAMED),
        Group("substances", "Drugs, tobacco, alcohol", "What is smoked, drunk or injected, and what is used for it.", NAMED),
        Group("gambling", "Gambling", "Casinos, betting slips, slot machines.", NAMED),
        Group("money", "Display of money", "Banknotes and coins in full view.", ASKED),
        Group("synthetic.deepfake", "Deepfakes", "A real person's face on something that did not happen.", ASKED),
        Group("synthetic.ai_generated", "AI-generated look", "Pictures that look as if a model made them.", ASKED),
        Group("synthetic.declared", "Declared as AI-generated", "Pictures whose own data say that a model made them.", ASKED),
        Group("privacy.face", "Faces", "Any face that can be seen.", ASKED),
        Group("privacy", "Personal data", "Identity documents, licence plates, contact details, QR codes.", NAMED),
        Group("minor", "Minors", "A child or teenager can be seen.", ASKED),
        Group("integrity", "Misleading pictures", "Duplicates, stolen pictures, watermarks, placeholders.", ASKED),
        Group("ip", "Logos and counterfeits", "Brands that may not be the seller's.", ASKED),
        Group("quality", "Poor pictures", "Blurry, too small, covered with text.", ASKED),
    )
}

ALWAYS = ("csae", "ncii", "terror", "unsafe", "owner")
"""What no preset and no word changes: known abuse material, lists, and files that cannot be read. Only numbers do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy as an owner sees it. `bands` has an entry for each group that is not off; `exempt` for each with some."""

    approach: Approach
    levels: Mapping[str, Level]
    bands: Mapping[str, Band] = field(default_factory=dict)
    exempt: Mapping[str, tuple[Exemption, ...]] = field(default_factory=dict)


def read(policy: Policy) -> Draft:
    """See a policy as a draft; a rule whose scores no word stands for is CUSTOM."""
    rules = {rule.category: rule for rule in policy.rules if rule.category in GROUPS}
    modes = {rule.mode for rule in rules.values()}
    approach = Approach.WATCH if not modes else Approach.MIXED
    if len(modes) == 1:
        approach = next(known for known, mode in MODES.items() if mode in modes)
    bands = {category: Band(rule.review, rule.block) for category, rule in rules.items()}
    levels = {group: level_of(group, bands[group]) if group in bands else Level.OFF for group in GROUPS}
    return Draft(approach, levels, bands, {category: rule.exempt for category, rule in rules.items() if rule.exempt})


def level_of(group: str, band: Band) -> Level:
    return next((level for level in LEVELS if GROUPS[group].bands[level] == band), Level.CUSTOM)


def compose(draft: Draft, policy: Policy) -> tuple[Rule, ...]:
    """Make the rules of a draft. Rules of the policy that it does not speak of stay as they are, where they are.

    Raise `pydantic.ValidationError` when a band is upside down.
    """
    known = {rule.category: rule for rule in policy.rules}
    rules = [_rule(draft, rule.category, rule) if rule.category in GROUPS else rule for rule in policy.rules]
    rules += [_rule(draft, group, None) for group in GROUPS if group not in known]
    return tuple(rule for rule in rules if rule is not None)


def _rule(draft: Draft, group: str, before: Rule | None) -> Rule | None:
    level = draft.levels[group]
    if level is Level.OFF:
        return None
    band = draft.bands[group] if level is Level.CUSTOM else GROUPS[group].bands[level]
    mode = MODES.get(draft.approach) or (before.mode if before is not None else RuleMode.SHADOW)
    return Rule(category=group, review=band.review, block=band.block, mode=mode, exempt=draft.exempt.get(group, ()))


def acts_otherwise(before: Policy, after: Policy) -> bool:
    """Tell whether a policy goes further or less far than another: a rule's mode, or one that no word sets, is different.

    A group that is switched on by a word takes the mode of the whole approach, or watches.
    """
    known, new = ({rule.category: rule for rule in policy.rules} for policy in (before, after))
    if any(new.get(category) != rule for category, rule in known.items() if category not in GROUPS):
        return True
    switched_on = {RuleMode.SHADOW, MODES.get(read(before).approach, RuleMode.SHADOW)}
    return any(
        rule.mode is not known[category].mode if category in known else category not in GROUPS or rule.mode not in switched_on
        for category, rule in new.items()
    )


def group_of(category: str) -> str:
    """Find the group that decides about a category, "" for what no word changes."""
    covering = [group for group in GROUPS if category == group or category.startswith(group + ".")]
    return max(covering, key=len, default="")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs between two policies: a rule that came or went, or a part of one that changed.

    `what` is "rule", "mode", "review", "block" or "exempt". For an exemption `before` or `after` is None.
    """

    category: str
    what: str
    before: Rule | RuleMode | float | Exemption | None
    after: Rule | RuleMode | float | Exemption | None


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """Compare two policies, rule by rule, in the order of the first; what is new comes last."""
    old, new = ({rule.category: rule for rule in policy.rules} for policy in (before, after))
    found: list[Difference] = []
    for category in dict.fromkeys((*old, *new)):
        was, now = old.get(category), new.get(category)
        if was is None or now is None:
            found.append(Difference(category, "rule", was, now))
            continue
        for what in ("mode", "review", "block"):
            if getattr(was, what) != getattr(now, what):
                found.append(Difference(category, what, getattr(was, what), getattr(now, what)))
        found += [Difference(category, "exempt", item, None) for item in was.exempt if item not in now.exempt]
        found += [Difference(category, "exempt", None, item) for item in now.exempt if item not in was.exempt]
    return tuple(found)


APPROACHES: Mapping[str, str] = {
    Approach.WATCH: "Watch only: nothing is done, you see what would be. Pictures on a block list are hidden all the same.",
    Approach.ASK: "Ask me: what is found waits in the review queue, and a person decides.",
    Approach.HIDE: "Hide by itself: clear cases are hidden at once, and doubtful ones wait for a person.",
}

WORDS: Mapping[str, str] = {
    Level.OFF: "Off",
    Level.RELAXED: "Relaxed",
    Level.BALANCED: "Balanced",
    Level.STRICT: "Strict",
    Level.CUSTOM: "Own numbers",
}


def _declared() -> type[BaseModel]:
    fields: dict[str, Any] = {
        "approach": (
            ByOwner[Approach],
            Field(
                default=Approach.WATCH,
                title="How far may Picward go?",
                description="Begin by watching, and go further when what it would do is right.",
                json_schema_extra={"choices": dict(APPROACHES)},
            ),
        )
    }
    for group in GROUPS.values():
        extra: Any = {"choices": dict(WORDS)}
        fields[group.id] = (
            ByPlatform[Level],
            Field(default=Level.OFF, title=group.title, description=group.about, json_schema_extra=extra),
        )
    return create_model("Choices", __config__=ConfigDict(extra="forbid", frozen=True), **fields)


Choices: type[BaseModel] = _declared()
"""The declaration of a policy's choices, for pages: the approach, and a level for each group under the group's id."""
