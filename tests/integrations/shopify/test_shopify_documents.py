"""Every GraphQL document that we send is valid in Shopify's own schema, not deprecated, and within the scopes that we ask for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType

from integrations.shopify import subscriptions, webhooks
from tests.integrations.shopify import schema

ROOT = Path(__file__).parents[3]
DOCUMENTS = {path.stem: path.read_text() for path in sorted((ROOT / "integrations/shopify/documents").glob("*.graphql"))}
APP: dict[str, Any] = tomllib.loads((ROOT / "plugins/shopify/shopify.app.toml").read_text())

MORE_SCOPES = re.compile(
    r"\b(fileUpdate|fileDelete|publishablePublish|publishableUnpublish|publications|resourcePublicationsV2)\b"
)
"""What a merchant opts in to; a document without these must do with the scopes that every shop grants."""


def required() -> frozenset[str]:
    return implied(APP["access_scopes"]["scopes"].split(","))


def allowed() -> frozenset[str]:
    return required() | implied(APP["access_scopes"]["optional_scopes"])


def implied(scopes: list[str]) -> frozenset[str]:
    """Add what comes along: who may write may read."""
    return frozenset(scopes) | {"read_" + scope.removeprefix("write_") for scope in scopes if scope.startswith("write_")}


def lacking(document: str, granted: frozenset[str]) -> list[frozenset[str]]:
    return [needed for needed in schema.scopes_of(document, schema.VERSIONS[-1]) if not needed & granted]


def is_bulk(document: str) -> bool:
    """Tell the query of a bulk operation, which has no pages, from what is asked directly."""
    pages = schema.pages(document, schema.VERSIONS[-1])
    return bool(pages) and not any(pages)


def test_there_are_documents() -> None:
    assert DOCUMENTS


@pytest.mark.parametrize("version", schema.VERSIONS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_valid_and_not_deprecated(name: str, version: str) -> None:
    assert schema.problems(DOCUMENTS[name], version) == []
    assert is_bulk(DOCUMENTS[name]) or all(schema.pages(DOCUMENTS[name], version)), "a connection has neither first nor last"


@pytest.mark.parametrize("version", schema.VERSIONS)
def test_bulk_queries_would_be_taken(version: str) -> None:
    bulk = [document for document in DOCUMENTS.values() if is_bulk(document)]
    assert bulk and [schema.bulk_problems(document, version) for document in bulk] == [[]] * len(bulk)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_needs_no_more_than_its_merchant_granted(name: str) -> None:
    granted = allowed() if MORE_SCOPES.search(DOCUMENTS[name]) else required()
    assert lacking(DOCUMENTS[name], granted) == []


def test_no_scope_is_asked_for_in_vain() -> None:
    used = {
        scope for document in DOCUMENTS.values() for needed in schema.scopes_of(document, schema.VERSIONS[-1]) for scope in needed
    }
    assert {*APP["access_scopes"]["scopes"].split(","), *APP["access_scopes"]["optional_scopes"]} <= used


def test_our_metafield_is_the_app_s_own() -> None:
    """Only `$app` and what begins with it can be written by no one else, and only `$app` itself can be declared in the file."""
    named = re.findall(r'metafield\(namespace: "([^"]+)", key: "([^"]+)"\)', "".join(DOCUMENTS.values()))
    assert len(set(named)) == 1 and re.fullmatch(r"\$app(:\w+)?", named[0][0])
    declared = APP.get("product", {}).get("metafields", {})
    assert {("$" + namespace, key) for namespace, keys in declared.items() for key in keys} <= set(named)


BROKEN = {
    "an unknown field": ("{ shop { nme } }", "Cannot query field 'nme'"),
    "a deprecated field": ("query($id: ID!) { product(id: $id) { featuredImage { url } } }", "featuredImage is deprecated"),
    "a deprecated mutation": (
        "mutation($id: ID!, $ids: [ID!]!) { productDeleteMedia(productId: $id, mediaIds: $ids) { deletedMediaIds } }",
        "productDeleteMedia is deprecated",
    ),
    "a deprecated argument": (
        "mutation($input: CollectionInput!) { collectionUpdate(input: $input) { userErrors { field message } } }",
        "argument input is deprecated",
    ),
    "a deprecated field of an input": (
        "mutation($id: ID!, $c: ID!) { publishablePublish(id: $id, input: [{channelId: $c}]) { userErrors { field } } }",
        "channelId is deprecated",
    ),
    "a deprecated value": (
        'mutation { stagedUploadsCreate(input:{resource: PRODUCT_IMAGE, filename: "a", mimeType: ""}) { userErrors { field } } }',
        "PRODUCT_IMAGE",
    ),
    "a variable of another type": ("query($id: String!) { product(id: $id) { id } }", "used in position"),
}


@pytest.mark.parametrize("version", schema.VERSIONS)
@pytest.mark.parametrize("case", BROKEN)
def test_what_must_not_be_sent_is_found(case: str, version: str) -> None:
    document, words = BROKEN[case]
    assert words in " ".join(schema.problems(document, version))


def test_bad_bulk_queries_are_found() -> None:
    deep = "{ products { edges { node { id variants { edges { node { id media { edges { node { id } } } } } } } } } }"
    wide = "{ " + " ".join(f"p{n}: products {{ edges {{ node {{ id }} }} }}" for n in range(6)) + " }"
    for query, words in (
        (deep, "nesting depth"),
        (wide, "more than 5"),
        ("{ shop { id } }", "at least one"),
        ("{ x }", "Cannot query"),
    ):
        assert any(words in problem for problem in schema.bulk_problems(query, schema.VERSIONS[-1])), words


def test_scopes_that_are_missing_are_found() -> None:
    needs_files = 'mutation { fileDelete(fileIds: ["1"]) { deletedFileIds } }'
    assert lacking(needs_files, required()) == [frozenset({"write_files"})]
    assert lacking(needs_files, allowed()) == []
    # What is wrong with a picture costs a scope as a file's errors, and none as a medium's.
    for errors, free in (("fileErrors", False), ("mediaErrors", True)):
        query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on MediaImage {{ {errors} {{ message }} }} }} }}"
        assert (lacking(query, required()) == []) is free
    assert lacking("{ orders(first: 1) { nodes { id } } }", allowed())


def test_the_app_is_declared_as_it_is_served() -> None:
    public = "https://picward.example"
    assert APP["application_url"] == f"{public}/embedded/shopify" and APP["embedded"] is True
    assert APP["access_scopes"]["use_legacy_install_flow"] is False
    assert set(APP["access_scopes"]["scopes"].split(",")) == {"write_products"}
    assert set(APP["access_scopes"]["optional_scopes"]) == {"write_files", "read_publications", "write_publications"}
    assert APP["webhooks"]["api_version"] == schema.VERSIONS[-1]
    blocks = APP["webhooks"]["subscriptions"]
    # The CLI appends a relative address to application_url as it is, which has a path here.
    assert {block["uri"] for block in blocks} == {f"{public}/webhooks/shopify"}
    assert not any("topics" in block for block in blocks), "Picward subscribes them itself; they would come twice"
    compliance = [block for block in blocks if "compliance_topics" in block]
    assert [sorted(block["compliance_topics"]) for block in compliance] == [
        ["customers/data_request", "customers/redact", "shop/redact"]
    ]


def test_webhooks_carry_what_is_read_of_them_and_nothing_else() -> None:
    product = subscriptions.TOPICS["PRODUCTS_UPDATE"]
    assert {"id", "admin_graphql_api_id", "status", "published_at", "media"} <= set(product)
    assert "updated_at" not in product, "each sale would be a new payload"
    assert "email" not in subscriptions.TOPICS["APP_UNINSTALLED"] and subscriptions.TOPICS["APP_UNINSTALLED"]


def test_topics_that_take_a_subscription_exist_and_are_read() -> None:
    topics = schema.load(schema.VERSIONS[-1]).type_map["WebhookSubscriptionTopic"]
    assert isinstance(topics, GraphQLEnumType)
    assert set(subscriptions.TOPICS) <= set(topics.values)
    read = {*webhooks.TOPICS, "products/create", "products/update"}
    compliance = {topic for block in APP["webhooks"]["subscriptions"] for topic in block["compliance_topics"]}
    assert {topic.upper().replace("/", "_") for topic in read - compliance} == set(subscriptions.TOPICS)


def test_the_listing_fits_the_store() -> None:
    text = (ROOT / "plugins/shopify/listing.md").read_text()
    limits = re.findall(r"^\*\*[A-Z]\w+\*\* \((\d+)\):\s+(.*?)\n\n", text, re.M | re.S)
    assert [int(limit) for limit, _ in limits] == [30, 62, 100, 500]
    for limit, words in limits:
        assert len(words) <= int(limit), words
    features = re.findall(r"^- (.*)$", text.split("(80 each)")[1].split("\n\n")[0], re.M)
    assert features and all(len(feature) <= 80 for feature in features)
