"""Presets: where a trade begins. For each group of categories a level, what is left alone, and why, in one sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.domain.choices import GROUPS, Draft, Level
from app.domain.policy import Exemption


@dataclass(frozen=True, slots=True)
class Advice:
    """What a preset says about one group, and why in one sentence."""

    level: Level
    why: str
    exempt: tuple[Exemption, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    """A trade's starting point: advice for every group."""

    id: str
    title: str
    about: str
    advice: Mapping[str, Advice]


_Row = tuple[Level, str, tuple[str, ...], tuple[Exemption, ...]]


def _say(level: Level, why: str, *groups: str, exempt: tuple[Exemption, ...] = ()) -> _Row:
    return level, why, groups, exempt


def _preset(id: str, title: str, about: str, *rows: _Row) -> Preset:
    advice = {group: Advice(level, why, exempt) for level, why, groups, exempt in rows for group in groups}
    return Preset(id, title, about, advice)


_OFF, _RELAXED, _BALANCED, _STRICT = Level.OFF, Level.RELAXED, Level.BALANCED, Level.STRICT
_SEX = ("sexual.explicit_nudity", "sexual.explicit_activity")
_INTIMATES = ("Lingerie", "Underwear", "Bras", "Swimwear", "Bikinis", "Nightwear", "Hosiery")

PRESETS: Mapping[str, Preset] = {
    preset.id: preset
    for preset in (
        _preset(
            "shop",
            "General shop",
            "Products of all kinds, pictures by the shop itself or by its vendors.",
            _say(_BALANCED, "A general shop shows no nudity, and these scores keep wrong alarms few.", *_SEX),
            _say(_RELAXED, "Sportswear and beauty products show skin, and only clear cases need a look.", "sexual.suggestive"),
            _say(_BALANCED, "Adult goods need an age gate on most marketplaces.", "sexual.toys"),
            _say(_OFF, "Clothes are goods like any other.", "apparel"),
            _say(_BALANCED, "Shocking pictures drive customers away, and toys and costumes need some room.", "violence.graphic"),
            _say(_BALANCED, "Nobody expects such a picture in a shop.", "disturbing", "self_harm", "rude", "harassment"),
            _say(_BALANCED, "Payment providers and marketplaces restrict these goods.", "weapons", "substances"),
            _say(_STRICT, "No product needs a hate symbol.", "hate"),
            _say(_RELAXED, "Card games and dice are toys; betting is not sold by accident.", "gambling"),
            _say(_OFF, "Wallets and tills are shown with money in them.", "money"),
            _say(_BALANCED, "A faked person in an advertisement is a legal risk.", "synthetic.deepfake"),
            _say(_OFF, "Product pictures may be made by a model.", "synthetic.ai_generated", "synthetic.declared"),
            _say(_OFF, "Models' faces are part of product pictures.", "privacy.face", "minor"),
            _say(_BALANCED, "Labels and parcels with names and addresses slip into photos.", "privacy"),
            _say(_RELAXED, "Vendors copy pictures, and only clear cases are worth the time.", "integrity", "ip"),
            _say(_OFF, "Taste is the shop's own business.", "quality"),
        ),
        _preset(
            "lingerie",
            "Lingerie and swimwear",
            "Clothes that are worn on bare skin, shown on models.",
            _say(_RELAXED, "Thin cloth and skin are often taken for nudity, so only high scores count.", *_SEX),
            _say(
                _RELAXED,
                "Covered body parts are what the goods are worn on, so these product types are left alone.",
                "sexual.suggestive",
                exempt=(Exemption(key="product_type", values=_INTIMATES), Exemption(key="tag", values=_INTIMATES)),
            ),
            _say(_BALANCED, "Adult goods beside lingerie change what payment providers make of the shop.", "sexual.toys"),
            _say(_OFF, "These are the goods.", "apparel"),
            _say(_BALANCED, "Such a picture does not belong beside clothes.", "violence.graphic", "disturbing", "self_harm"),
            _say(_BALANCED, "Such a picture harms the brand.", "rude", "harassment", "weapons", "substances"),
            _say(_STRICT, "No product needs a hate symbol.", "hate"),
            _say(_RELAXED, "It is rare in this trade, and only clear cases matter.", "gambling", "integrity", "ip"),
            _say(_OFF, "It is rare in this trade and harms nobody.", "money", "quality"),
            _say(_STRICT, "A faked body is what models in this trade are harmed with.", "synthetic.deepfake"),
            _say(_RELAXED, "Customers want to know whether a body is real.", "synthetic.ai_generated", "synthetic.declared"),
            _say(_OFF, "Models' faces are part of product pictures.", "privacy.face"),
            _say(_BALANCED, "Customers' own photos may show where they live.", "privacy"),
            _say(_STRICT, "A minor in a picture of underwear must be seen by a person.", "minor"),
        ),
        _preset(
            "kids",
            "Products for children",
            "Toys, clothes and books for children, who may look at the pages themselves.",
            _say(_STRICT, "Children see these pages, and a missed picture costs more than a wrong alarm.", *_SEX),
            _say(_STRICT, "A suggestive picture beside goods for children must be seen by a person.", "sexual.suggestive"),
            _say(_STRICT, "Adult goods have no place here.", "sexual.toys", "substances", "gambling"),
            _say(_BALANCED, "Children's swimwear is sold, and its pictures deserve a look.", "apparel"),
            _say(_STRICT, "Children must not be frightened.", "violence.graphic", "disturbing", "self_harm"),
            _say(_RELAXED, "Toy swords and water pistols are goods here.", "weapons"),
            _say(_STRICT, "Children repeat what they see.", "hate", "rude", "harassment"),
            _say(_OFF, "Play money is a toy.", "money"),
            _say(_STRICT, "A faked picture of a child is grave.", "synthetic.deepfake"),
            _say(_OFF, "Drawn and generated pictures are common in this trade.", "synthetic.ai_generated", "synthetic.declared"),
            _say(_OFF, "Children wear the goods, and a child in a picture alone is no finding.", "privacy.face", "minor"),
            _say(_STRICT, "A child's name or school must not be readable.", "privacy"),
            _say(_RELAXED, "Copied toys are common, and only clear cases are worth the time.", "integrity", "ip"),
            _say(_OFF, "Taste is the shop's own business.", "quality"),
        ),
        _preset(
            "dating",
            "Dating profiles",
            "Pictures that people upload of themselves.",
            _say(_STRICT, "Unwanted nudity is what drives members away first.", *_SEX),
            _say(_RELAXED, "Beach and gym pictures are usual in profiles.", "sexual.suggestive"),
            _say(_BALANCED, "A profile is no shop for adult goods.", "sexual.toys"),
            _say(_OFF, "Swimwear is usual in profiles.", "apparel"),
            _say(_BALANCED, "Such a picture is a threat or a bad joke.", "violence.graphic", "disturbing", "weapons"),
            _say(_STRICT, "Whoever shows this may need help.", "self_harm"),
            _say(_STRICT, "Hate and insults end up in messages next.", "hate", "harassment"),
            _say(_RELAXED, "Jokes and drinks are usual in profiles.", "rude", "substances", "gambling"),
            _say(_BALANCED, "Piles of money are a mark of romance fraud.", "money"),
            _say(_STRICT, "False faces are how members are deceived.", "synthetic.deepfake"),
            _say(_BALANCED, "Generated faces are a mark of false profiles.", "synthetic.ai_generated", "synthetic.declared"),
            _say(_OFF, "A face is what a profile is for.", "privacy.face"),
            _say(_STRICT, "Contact details in pictures lead members away from protection.", "privacy"),
            _say(_STRICT, "A minor has no place on a dating site.", "minor"),
            _say(_BALANCED, "Stolen pictures are the mark of false profiles.", "integrity"),
            _say(_OFF, "Brands on clothes do no harm in a profile.", "ip"),
            _say(_RELAXED, "A profile without a recognisable picture helps nobody.", "quality"),
        ),
        _preset(
            "gaming",
            "Gaming community",
            "Screenshots, avatars and art by players, some of whom are young.",
            _say(_BALANCED, "Drawn characters set the model off, and players may be young.", *_SEX),
            _say(_RELAXED, "Characters in games wear little.", "sexual.suggestive"),
            _say(_BALANCED, "Adult goods have no place among young players.", "sexual.toys"),
            _say(_OFF, "Characters' clothes are no finding.", "apparel"),
            _say(_RELAXED, "Fights are part of the games, and only what looks real counts.", "violence.graphic"),
            _say(_BALANCED, "Shock pictures are posted to hurt others.", "disturbing"),
            _say(_STRICT, "Whoever shows this may need help.", "self_harm"),
            _say(_OFF, "Weapons are part of the games.", "weapons"),
            _say(_STRICT, "Hate symbols and insults are what communities fall apart over.", "hate", "harassment"),
            _say(_RELAXED, "Rudeness is usual, and only clear cases matter.", "rude"),
            _say(_BALANCED, "Players may be young.", "substances", "gambling"),
            _say(_OFF, "Money in games is not real.", "money"),
            _say(_BALANCED, "Faked pictures of players are a way to bully.", "synthetic.deepfake"),
            _say(_OFF, "Generated art is common.", "synthetic.ai_generated", "synthetic.declared"),
            _say(_OFF, "Faces are shown by choice.", "privacy.face", "minor"),
            _say(_STRICT, "Publishing where somebody lives is a way to threaten.", "privacy"),
            _say(_OFF, "Reposts and brands are part of the culture.", "integrity", "ip", "quality"),
        ),
        _preset(
            "health",
            "Healthcare",
            "Pictures of bodies, treatments and medicines, some of patients.",
            _say(_RELAXED, "Anatomy is shown for good reason, so only high scores count.", "sexual.explicit_nudity"),
            _say(_BALANCED, "Sexual activity has no medical reason to be shown.", "sexual.explicit_activity"),
            _say(_OFF, "Covered and bare skin are what treatments are about.", "sexual.suggestive", "apparel"),
            _say(_RELAXED, "Sexual health products are legitimate goods.", "sexual.toys"),
            _say(_BALANCED, "Violence is not treatment.", "violence.graphic", "weapons"),
            _say(
                _RELAXED,
                "Wounds and surgery are shown to those who treat them, and what is tagged as medical is left alone.",
                "disturbing",
                exempt=(Exemption(key="tag", values=("Medical", "Clinical", "Surgery")),),
            ),
            _say(_STRICT, "Whoever shows this may need help.", "self_harm"),
            _say(_STRICT, "Patients must be safe from hate.", "hate", "harassment"),
            _say(_BALANCED, "It does not belong beside medical advice.", "rude", "gambling"),
            _say(_RELAXED, "Medicines and syringes are what is treated with.", "substances"),
            _say(_OFF, "It harms nobody here.", "money"),
            _say(_STRICT, "A faked doctor sells false cures.", "synthetic.deepfake"),
            _say(_BALANCED, "A generated picture of a result misleads patients.", "synthetic.ai_generated", "synthetic.declared"),
            _say(_BALANCED, "A face may identify a patient.", "privacy.face"),
            _say(_STRICT, "Records and names of patients are protected by law.", "privacy"),
            _say(_BALANCED, "Pictures of young patients need consent.", "minor"),
            _say(_RELAXED, "Copied result pictures mislead patients.", "integrity"),
            _say(_BALANCED, "Counterfeit medicines are dangerous.", "ip"),
            _say(_OFF, "Poor pictures harm nobody.", "quality"),
        ),
        _preset(
            "social",
            "Social feed",
            "Pictures that anyone posts for anyone.",
            _say(_BALANCED, "A public feed shows no nudity, and wrong alarms annoy people who did nothing.", *_SEX),
            _say(_RELAXED, "Beaches and dancing are usual.", "sexual.suggestive"),
            _say(_RELAXED, "Adult goods are rare in feeds, and only clear cases matter.", "sexual.toys"),
            _say(_OFF, "Clothes are no finding.", "apparel"),
            _say(_BALANCED, "News may show it, and a person can tell the difference.", "violence.graphic", "disturbing"),
            _say(_STRICT, "Whoever shows this may need help, and others imitate it.", "self_harm"),
            _say(_BALANCED, "Weapons are shown to threaten, and to collect.", "weapons"),
            _say(_STRICT, "Hate and insults spread fast.", "hate", "harassment"),
            _say(_RELAXED, "It is usual, and only clear cases matter.", "rude", "gambling"),
            _say(_BALANCED, "Illegal goods are offered in feeds.", "substances"),
            _say(_RELAXED, "Piles of money are a mark of fraud.", "money"),
            _say(_STRICT, "Faked people are how feeds are misused.", "synthetic.deepfake"),
            _say(_RELAXED, "Generated pictures are common, and clear cases may need a label.", "synthetic.ai_generated"),
            _say(_OFF, "Who declares it has done what is asked.", "synthetic.declared"),
            _say(_OFF, "Faces are shown by choice.", "privacy.face", "minor"),
            _say(_BALANCED, "Documents and addresses are published to harm.", "privacy"),
            _say(_RELAXED, "Reposts are usual, and only clear cases of theft matter.", "integrity"),
            _say(_OFF, "It harms nobody in a feed.", "ip", "quality"),
        ),
    )
}


def advised(preset: Preset, draft: Draft) -> Draft:
    """Apply a preset's levels and exemptions to a draft; how far it may go stays the owner's choice."""
    levels = {group: advice.level for group, advice in preset.advice.items()}
    bands = {group: GROUPS[group].bands[level] for group, level in levels.items() if level is not Level.OFF}
    return replace(draft, levels=levels, bands=bands, exempt={group: a.exempt for group, a in preset.advice.items() if a.exempt})
