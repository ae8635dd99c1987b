"""What each code means by which Shopify does not carry out a mutation. A test compares the table with Shopify's own schema."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

AGAIN_SECONDS = 5.0
"""How soon to look again at what Shopify is still busy with; mostly it takes two seconds."""


class Meaning(StrEnum):
    AGAIN = "again"
    """It passes, or what we read before is over: the next try looks at what is there now."""

    OWNER = "owner"
    """It stays so until somebody does something about it."""

    OURS = "ours"
    """A request of ours was not right."""


_AGAIN = (
    "FILE_DOES_NOT_EXIST",
    "FILE_LOCKED",
    "INTERNAL_ERROR",
    "INVALID_COMPARE_DIGEST",
    "INVALID_FAILED_MEDIA_STATE",
    "LIMIT_REACHED",
    "MEDIA_CANNOT_BE_MODIFIED",
    "MEDIA_DOES_NOT_EXIST",
    "MEDIA_DOES_NOT_EXIST_ON_PRODUCT",
    "MEDIA_IS_NOT_ATTACHED_TO_VARIANT",
    "MODEL3D_THROTTLE_EXCEEDED",
    "NON_READY_MEDIA",
    "NON_READY_STATE",
    "OPERATION_IN_PROGRESS",
    "PRODUCT_DOES_NOT_EXIST",
    "PRODUCT_VARIANT_ALREADY_HAS_MEDIA",
    "PRODUCT_VARIANT_DOES_NOT_EXIST_ON_PRODUCT",
    "REFERENCE_TARGET_DOES_NOT_EXIST",
    "STALE_OBJECT",
    "TAKEN",
    "VIDEO_THROTTLE_EXCEEDED",
)
_OURS = (
    "ALT_VALUE_LIMIT_EXCEEDED",
    "BLANK",
    "BLANK_SEARCH",
    "CAPABILITY_VIOLATION",
    "FILENAME_ALREADY_EXISTS",
    "INCLUSION",
    "INVALID",
    "INVALID_DUPLICATE_MODE_FOR_TYPE",
    "INVALID_DUPLICATE_RESOLUTION_MODE",
    "INVALID_FILENAME",
    "INVALID_FILENAME_EXTENSION",
    "INVALID_IMAGE_SOURCE_URL",
    "INVALID_MEDIA_TYPE",
    "INVALID_QUERY",
    "INVALID_TYPE",
    "INVALID_VALUE",
    "LESS_THAN_OR_EQUAL_TO",
    "MAXIMUM_VARIANT_MEDIA_PAIRS_EXCEEDED",
    "MISMATCHED_FILENAME_AND_ORIGINAL_SOURCE",
    "MISSING_ARGUMENTS",
    "MISSING_FILENAME_FOR_DUPLICATE_MODE_REPLACE",
    "MODEL3D_VALIDATION_ERROR",
    "PRESENT",
    "PRODUCT_VARIANT_SPECIFIED_MULTIPLE_TIMES",
    "TOO_LONG",
    "TOO_MANY_ARGUMENTS",
    "TOO_MANY_FILE_REFERENCE",
    "TOO_MANY_MEDIA_PER_INPUT_PAIR",
    "TOO_SHORT",
    "UNSUPPORTED_FILE_REFERENCE",
    "UNSUPPORTED_MEDIA_TYPE_FOR_FILENAME_UPDATE",
    "VIDEO_VALIDATION_ERROR",
)
_OWNER = {
    "APP_NOT_AUTHORIZED": "The app may not write its own metafield at products. Install it again in the shop",
    "NON_IMAGE_MEDIA_PER_SHOP_LIMIT_EXCEEDED": "The shop has as many files as its plan allows. Delete some under Content → Files",
    "PRODUCT_MEDIA_LIMIT_EXCEEDED": "The product has as many pictures as Shopify allows. Take one out",
    "PRODUCT_SUSPENDED": "Shopify has suspended the product. Ask Shopify's support",
    "SHOP_MEDIA_LIMIT_EXCEEDED": "The shop has as many files as its plan allows. Delete some under Content → Files",
    "UNACCEPTABLE_ASSET": "Shopify does not accept the file. Replace it",
    "UNACCEPTABLE_TRIAL_ASSET": "Shopify does not accept such files during a trial. Choose a plan, or another way of hiding",
    "UNACCEPTABLE_UNVERIFIED_TRIAL_ASSET": "Shopify wants the shop's e-mail address confirmed first",
}
"""What the owner can do, as a sentence that “then try again” follows."""

MEANINGS: Mapping[str, Meaning] = {
    **dict.fromkeys(_AGAIN, Meaning.AGAIN),
    **dict.fromkeys(_OURS, Meaning.OURS),
    **dict.fromkeys(_OWNER, Meaning.OWNER),
}


def worded(mutation: str, code: str) -> str:
    """Say why a mutation was not carried out, in our words: Shopify's own text may quote what a stranger wrote."""
    if code in _OWNER:
        return f"{_OWNER[code]}; then try again ({code})."
    return f"Shopify did not carry out {mutation} ({code or 'it gave no code'})."
