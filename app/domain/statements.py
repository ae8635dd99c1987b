"""What the EU's DSA transparency database calls our categories.

The keys are those of `app/Models/Statement.php`, the limits those of `app/Http/Requests/StatementStoreRequest.php` in
digital-services-act/transparency-database as of 2026-06-24.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.taxonomy import ALLOWED_HASH, BLOCKED_HASH


@dataclass(frozen=True, slots=True)
class Ground:
    """A category of the database, without its prefix STATEMENT_CATEGORY_, and keywords without KEYWORD_."""

    category: str
    keywords: tuple[str, ...] = ()


FACTS_CHARACTERS = 5000
"""`decision_facts` at most."""

GROUND_CHARACTERS = 500
"""`incompatible_content_ground` at most."""

EXPLANATION_CHARACTERS = 2000
"""`incompatible_content_explanation` at most."""

PUID_CHARACTERS = 500
"""`puid` at most, of letters, digits, - and _."""

DSA_CATEGORIES = frozenset(
    {
        "ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE", "CYBER_VIOLENCE_AGAINST_WOMEN",
        "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS", "ILLEGAL_OR_HARMFUL_SPEECH", "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS", "NOT_SPECIFIED_NOTICE", "OTHER_VIOLATION_TC",
        "PROTECTION_OF_MINORS", "RISK_FOR_PUBLIC_SECURITY", "SCAMS_AND_FRAUD", "SELF_HARM",
        "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE",
    }
)  # fmt: skip
"""Every category that the database knows."""

DSA_KEYWORDS = frozenset(
    {
        "ADULT_SEXUAL_MATERIAL", "AGE_SPECIFIC_RESTRICTIONS", "CHILD_SEXUAL_ABUSE_MATERIAL", "CYBER_BULLYING_INTIMIDATION",
        "GOODS_SERVICES_NOT_PERMITTED", "HATE_SPEECH", "INAUTHENTIC_LISTINGS", "MISLEADING_INFO_GOODS_SERVICES",
        "NON_CONSENSUAL_IMAGE_SHARING", "NON_CONSENSUAL_MATERIAL_DEEPFAKE", "NUDITY", "OTHER", "PROHIBITED_PRODUCTS",
        "SELF_MUTILATION", "SUICIDE", "TERRORIST_CONTENT", "TRADEMARK_INFRINGEMENT", "COPYRIGHT_INFRINGEMENT",
        "CONTENT_PROMOTING_EATING_DISORDERS",
    }
)  # fmt: skip
"""The keywords of the database that a picture can be about."""

_OTHER = Ground("OTHER_VIOLATION_TC", ("OTHER",))
_NUDITY = Ground("OTHER_VIOLATION_TC", ("NUDITY",))
_ADULT = Ground("OTHER_VIOLATION_TC", ("ADULT_SEXUAL_MATERIAL",))
_VIOLENCE = Ground("VIOLENCE")
_HATE = Ground("ILLEGAL_OR_HARMFUL_SPEECH", ("HATE_SPEECH",))
_PRODUCT = Ground("UNSAFE_AND_PROHIBITED_PRODUCTS", ("PROHIBITED_PRODUCTS",))
_AGE = Ground("OTHER_VIOLATION_TC", ("AGE_SPECIFIC_RESTRICTIONS",))
_GOODS = Ground("OTHER_VIOLATION_TC", ("GOODS_SERVICES_NOT_PERMITTED",))
_ABUSE = Ground("PROTECTION_OF_MINORS", ("CHILD_SEXUAL_ABUSE_MATERIAL",))
_PRIVACY = Ground("DATA_PROTECTION_AND_PRIVACY_VIOLATIONS")
_LISTING = Ground("SCAMS_AND_FRAUD", ("INAUTHENTIC_LISTINGS",))
_DEEPFAKE = Ground("CYBER_VIOLENCE", ("NON_CONSENSUAL_MATERIAL_DEEPFAKE",))

GROUNDS: dict[str, Ground] = {
    "sexual.explicit_activity": _ADULT,
    "sexual.explicit_nudity": _NUDITY,
    "sexual.explicit_nudity.genitalia": _NUDITY,
    "sexual.explicit_nudity.female_nipple": _NUDITY,
    "sexual.explicit_nudity.buttocks_anus": _NUDITY,
    "sexual.toys": _GOODS,
    "sexual.suggestive": _NUDITY,
    "sexual.suggestive.implied_nudity": _NUDITY,
    "sexual.suggestive.partial": _NUDITY,
    "sexual.suggestive.obstructed": _NUDITY,
    "sexual.suggestive.kissing": _NUDITY,
    "sexual.suggestive.male_chest": _NUDITY,
    "sexual.suggestive.bare_skin": _NUDITY,
    "apparel.swimwear": _OTHER,
    "apparel.underwear": _OTHER,
    "violence.graphic": _VIOLENCE,
    "violence.graphic.blood_gore": _VIOLENCE,
    "violence.graphic.physical": _VIOLENCE,
    "violence.graphic.weapon": _VIOLENCE,
    "violence.graphic.explosion": _VIOLENCE,
    "weapons.firearm": _PRODUCT,
    "weapons.knife": _PRODUCT,
    "weapons.toy_or_replica": _PRODUCT,
    "weapons.other": _PRODUCT,
    "self_harm": Ground("SELF_HARM", ("SELF_MUTILATION",)),
    "disturbing.corpse": _VIOLENCE,
    "disturbing.emaciation": Ground("SELF_HARM", ("CONTENT_PROMOTING_EATING_DISORDERS",)),
    "disturbing.crash": _VIOLENCE,
    "disturbing.medical_gore": _VIOLENCE,
    "hate.symbol": _HATE,
    "hate.symbol.nazi": _HATE,
    "hate.symbol.white_supremacy": _HATE,
    "hate.symbol.extremist": _HATE,
    "hate.gesture": _HATE,
    "rude.gesture": _OTHER,
    "harassment.text_in_image": Ground("CYBER_VIOLENCE", ("CYBER_BULLYING_INTIMIDATION",)),
    "substances.drug_illicit": _PRODUCT,
    "substances.drug_medical": _PRODUCT,
    "substances.paraphernalia": _PRODUCT,
    "substances.tobacco_vape": _PRODUCT,
    "substances.alcohol": _PRODUCT,
    "gambling": _AGE,
    "money.display": _OTHER,
    "csae.known_hash": _ABUSE,
    "csae.suspected": _ABUSE,
    "ncii.known_hash": Ground("CYBER_VIOLENCE", ("NON_CONSENSUAL_IMAGE_SHARING",)),
    "terror.known_hash": Ground("RISK_FOR_PUBLIC_SECURITY", ("TERRORIST_CONTENT",)),
    "minor.present": _OTHER,
    "synthetic.ai_generated": _OTHER,
    "synthetic.deepfake": _DEEPFAKE,
    "synthetic.declared": _OTHER,
    "privacy.face": _PRIVACY,
    "privacy.document": _PRIVACY,
    "privacy.licence_plate": _PRIVACY,
    "privacy.contact_in_image": _PRIVACY,
    "privacy.qr_link": _OTHER,
    "integrity.duplicate": _LISTING,
    "integrity.stolen": Ground("INTELLECTUAL_PROPERTY_INFRINGEMENTS", ("COPYRIGHT_INFRINGEMENT",)),
    "integrity.watermark": _LISTING,
    "integrity.placeholder": _LISTING,
    "integrity.off_topic": Ground("CONSUMER_INFORMATION", ("MISLEADING_INFO_GOODS_SERVICES",)),
    "ip.logo_or_counterfeit": Ground("INTELLECTUAL_PROPERTY_INFRINGEMENTS", ("TRADEMARK_INFRINGEMENT",)),
    "quality.low": _OTHER,
    "quality.blurry": _OTHER,
    "quality.too_small": _OTHER,
    "quality.text_overlay": _OTHER,
    "unsafe.file": _OTHER,
    BLOCKED_HASH: _OTHER,
    ALLOWED_HASH: _OTHER,
}
"""Map every entry of our taxonomy. Where the database has nothing of the kind it is the general category."""

SYNTHETIC = frozenset({"synthetic.ai_generated", "synthetic.deepfake", "synthetic.declared"})
"""The categories that make a picture synthetic media in the database's words."""
