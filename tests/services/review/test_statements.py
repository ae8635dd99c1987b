"""The statement of reasons, held against the rules of the transparency database (StatementStoreRequest.php)."""

from __future__ import annotations

import re

import pytest

from app.domain import statements
from app.domain.decisions import Decision, Verdict
from app.domain.errors import DecisionUnknown
from app.domain.platform import Site
from app.services.review import showing, verdicts
from app.services.review.statements import statement
from app.services.rules import policies
from app.services.sites import sites
from tests.services.pipeline.test_moderate import settle, upload
from tests.support.core import Bench

REQUIRED = {
    "decision_visibility", "decision_ground", "incompatible_content_ground", "incompatible_content_explanation",
    "content_type", "category", "content_date", "application_date", "decision_facts", "source_type",
    "automated_detection", "automated_decision", "puid",
}  # fmt: skip
OPTIONAL = {"category_specification"}
VALUES = {
    "decision_visibility": {f"DECISION_VISIBILITY_CONTENT_{kind}" for kind in ("REMOVED", "DISABLED", "LABELLED")},
    "decision_ground": {"DECISION_GROUND_INCOMPATIBLE_CONTENT"},
    "content_type": {"CONTENT_TYPE_IMAGE", "CONTENT_TYPE_SYNTHETIC_MEDIA"},
    "category": {f"STATEMENT_CATEGORY_{name}" for name in statements.DSA_CATEGORIES},
    "category_specification": {f"KEYWORD_{name}" for name in statements.DSA_KEYWORDS},
    "source_type": {"SOURCE_VOLUNTARY"},
    "automated_detection": {"Yes", "No"},
    "automated_decision": {f"AUTOMATED_DECISION_{how}" for how in ("FULLY", "PARTIALLY", "NOT_AUTOMATED")},
}
LENGTHS = {
    "incompatible_content_ground": 500,
    "incompatible_content_explanation": 2000,
    "decision_facts": 5000,
    "puid": 500,
}


def valid(made: dict[str, object]) -> dict[str, object]:
    assert set(made) >= REQUIRED and set(made) <= REQUIRED | OPTIONAL
    for name, known in VALUES.items():
        value = made.get(name, [])
        assert set(value if isinstance(value, list) else [value]) <= known, name
    for name, most in LENGTHS.items():
        assert 0 < len(str(made[name])) <= most, name
    for name in ("content_date", "application_date"):
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", str(made[name]))
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", str(made["puid"]))
    return made


def blocked(bench: Bench, category: str = "sexual.explicit_nudity", score: float = 0.9) -> tuple[Site, Decision]:
    site = bench.site()
    policies.save(bench.core, site.id, [{"category": "*", "review": 0.3, "block": 0.8, "mode": "enforce"}], "owner")
    bench.judge.tell(b"picture", category, score)
    upload(bench, site, "1", b"picture")
    settle(bench)
    return site, showing.recent(bench.core, restricted=True)[0].decision


def test_a_policys_block_is_fully_automated(bench: Bench) -> None:
    site, decision = blocked(bench)
    made = valid(statement(bench.core, decision, site.name))
    assert made["automated_detection"] == "Yes" and made["automated_decision"] == "AUTOMATED_DECISION_FULLY"
    assert made["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_DISABLED"]
    assert made["category_specification"] == ["KEYWORD_NUDITY"]
    assert made["content_date"] == made["application_date"] == "2023-11-14"


def test_a_persons_rejection_is_partly_automated_and_names_nobody(bench: Bench) -> None:
    site, decision = blocked(bench, score=0.5)
    rejected = showing.get(bench.core, verdicts.resolve(bench.core, decision.id, Verdict.BLOCK, "Ann Smith", rejection="8"))
    settle(bench)
    made = valid(statement(bench.core, rejected, site.name))
    assert made["automated_decision"] == "AUTOMATED_DECISION_PARTIALLY"
    assert made["category"] == "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS"
    assert "Nudity 0.50" in str(made["decision_facts"])
    assert "Ann" not in str(made)


def test_deleting_and_synthetic_pictures_are_said_so(bench: Bench) -> None:
    site, decision = blocked(bench, "synthetic.deepfake", 0.5)
    sites.save_settings(bench.core, site.id, {"delete_blocked": True}, "owner")
    deleted = showing.get(bench.core, verdicts.resolve(bench.core, decision.id, Verdict.BLOCK, "Ann", delete=True))
    settle(bench)
    made = valid(statement(bench.core, deleted, site.name))
    assert made["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert "CONTENT_TYPE_SYNTHETIC_MEDIA" in str(made["content_type"])


def test_long_texts_are_cut_to_what_the_database_takes(bench: Bench) -> None:
    _, decision = blocked(bench)
    made = valid(statement(bench.core, decision, "x" * 9000))
    assert len(str(made["incompatible_content_ground"])) == 500


def test_what_restricts_nothing_has_no_statement(bench: Bench) -> None:
    site, decision = blocked(bench, score=0.1)
    with pytest.raises(DecisionUnknown):
        statement(bench.core, decision, site.name)
