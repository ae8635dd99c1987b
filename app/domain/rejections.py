"""The reasons that a reviewer gives for a rejection: nine at most, one for each digit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rejection:
    """A reason, offered under a digit. `category` is the entry of the taxonomy that the decision then names."""

    key: str
    title: str
    category: str


_TABLE = (
    Rejection("1", "Nudity or sexual content", "sexual.explicit_nudity"),
    Rejection("2", "Violence or gore", "violence.graphic"),
    Rejection("3", "Self-harm", "self_harm"),
    Rejection("4", "Hate symbol", "hate.symbol"),
    Rejection("5", "Drugs or tobacco", "substances.drug_illicit"),
    Rejection("6", "Weapon", "weapons.other"),
    Rejection("7", "Personal details", "privacy.document"),
    Rejection("8", "Stolen or counterfeit", "ip.logo_or_counterfeit"),
    Rejection("9", "Wrong or misleading picture", "integrity.off_topic"),
)

REJECTIONS: dict[str, Rejection] = {rejection.key: rejection for rejection in _TABLE}
