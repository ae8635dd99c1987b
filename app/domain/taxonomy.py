"""The closed list of categories. Ids are dotted and never reused; a parent names all its children in a rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

BLOCKED_HASH = "owner.blocked_hash"
ALLOWED_HASH = "owner.allowed_hash"


class Severity(IntEnum):
    """How severe a category is: it orders the review queue and decides who may see a preview."""

    INFORMATION = 0
    MILD = 1
    SERIOUS = 2
    SEVERE = 3


@dataclass(frozen=True, slots=True)
class Category:
    """A category. `restricted` ones never have a preview and go to a restricted reviewer.

    With `two_people` a person's verdict about it binds when a second one agrees.
    """

    id: str
    title: str
    severity: Severity
    restricted: bool = False
    two_people: bool = False


_I, _M, _S, _X = Severity.INFORMATION, Severity.MILD, Severity.SERIOUS, Severity.SEVERE

_TABLE: tuple[Category, ...] = (
    Category("sexual.explicit_activity", "Sexual activity", _S),
    Category("sexual.explicit_nudity", "Nudity", _S),
    Category("sexual.explicit_nudity.genitalia", "Exposed genitals", _S),
    Category("sexual.explicit_nudity.female_nipple", "Exposed female breast", _S),
    Category("sexual.explicit_nudity.buttocks_anus", "Exposed buttocks or anus", _S),
    Category("sexual.toys", "Sex toys", _M),
    Category("sexual.suggestive", "Suggestive", _M),
    Category("sexual.suggestive.implied_nudity", "Implied nudity", _M),
    Category("sexual.suggestive.partial", "Partly covered nudity", _M),
    Category("sexual.suggestive.obstructed", "Covered intimate parts", _M),
    Category("sexual.suggestive.kissing", "Kissing", _M),
    Category("sexual.suggestive.male_chest", "Bare male chest", _I),
    Category("sexual.suggestive.bare_skin", "Bare belly, feet or armpits", _I),
    Category("apparel.swimwear", "Swimwear", _I),
    Category("apparel.underwear", "Underwear", _I),
    Category("violence.graphic", "Graphic violence", _S),
    Category("violence.graphic.blood_gore", "Blood and gore", _S),
    Category("violence.graphic.physical", "Physical violence", _S),
    Category("violence.graphic.weapon", "Violence with a weapon", _S),
    Category("violence.graphic.explosion", "Explosion", _M),
    Category("weapons.firearm", "Firearm", _M),
    Category("weapons.knife", "Knife", _M),
    Category("weapons.toy_or_replica", "Toy or replica weapon", _I),
    Category("weapons.other", "Other weapon", _M),
    Category("self_harm", "Self-harm", _X, two_people=True),
    Category("disturbing.corpse", "Corpse", _X, two_people=True),
    Category("disturbing.emaciation", "Emaciated body", _S),
    Category("disturbing.crash", "Crash", _M),
    Category("disturbing.medical_gore", "Medical gore", _S),
    Category("hate.symbol", "Hate symbol", _S),
    Category("hate.symbol.nazi", "Nazi symbol", _S),
    Category("hate.symbol.white_supremacy", "White-supremacist symbol", _S),
    Category("hate.symbol.extremist", "Extremist symbol", _S),
    Category("hate.gesture", "Hateful gesture", _S),
    Category("rude.gesture", "Rude gesture", _M),
    Category("harassment.text_in_image", "Harassing text", _M),
    Category("substances.drug_illicit", "Illegal drugs", _S),
    Category("substances.drug_medical", "Medicines", _I),
    Category("substances.paraphernalia", "Drug paraphernalia", _M),
    Category("substances.tobacco_vape", "Tobacco or vaping", _M),
    Category("substances.alcohol", "Alcohol", _I),
    Category("gambling", "Gambling", _M),
    Category("money.display", "Display of money", _I),
    Category("csae.known_hash", "Known abuse material", _X, restricted=True, two_people=True),
    Category("csae.suspected", "Suspected abuse material", _X, restricted=True, two_people=True),
    Category("ncii.known_hash", "Known intimate picture shared without consent", _X, restricted=True, two_people=True),
    Category("terror.known_hash", "Known terrorist content", _X, restricted=True, two_people=True),
    Category("minor.present", "A minor is visible", _I),
    Category("synthetic.ai_generated", "Looks AI-generated", _M),
    Category("synthetic.deepfake", "Looks like a deepfake", _S),
    Category("synthetic.declared", "Declared as AI-generated", _I),
    Category("privacy.face", "Face", _I),
    Category("privacy.document", "Identity document", _M),
    Category("privacy.licence_plate", "Licence plate", _M),
    Category("privacy.contact_in_image", "Contact details in the picture", _M),
    Category("privacy.qr_link", "QR code", _M),
    Category("integrity.duplicate", "Duplicate", _I),
    Category("integrity.stolen", "Stolen picture", _M),
    Category("integrity.watermark", "Watermark", _I),
    Category("integrity.placeholder", "Placeholder picture", _I),
    Category("integrity.off_topic", "Off topic", _I),
    Category("ip.logo_or_counterfeit", "Logo or counterfeit", _M),
    Category("quality.low", "Low quality", _I),
    Category("quality.blurry", "Blurry", _I),
    Category("quality.too_small", "Too small", _I),
    Category("quality.text_overlay", "Text over the picture", _I),
    Category("unsafe.file", "Unreadable or dangerous file", _M),
    Category(BLOCKED_HASH, "On your block list", _S),
    Category(ALLOWED_HASH, "On your allow list", _I),
)

CATEGORIES: dict[str, Category] = {category.id: category for category in _TABLE}


def covers(rule: str, category: str) -> bool:
    """Tell whether a rule's category names this one: itself, one of its children, or everything ("*")."""
    return rule in ("*", category) or category.startswith(rule + ".")


def restricted(categories: Iterable[str]) -> bool:
    """Say whether a picture that is said to show these may be shown to those with the right to it only."""
    return any(CATEGORIES[category].restricted for category in categories if category in CATEGORIES)
