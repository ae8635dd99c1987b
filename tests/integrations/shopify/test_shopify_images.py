"""Images: which version is there, what is fetched of it, and files that several products share."""

from __future__ import annotations

import itertools

import pytest

from app.domain.errors import MediaGone, MediaUnreadable, PlatformRefused, PlatformUnavailable
from app.domain.events import Delivery, ParentSeen
from app.domain.media import MediaRef
from tests.integrations.shopify.contract import ref
from tests.integrations.shopify.place import Place, opened
from tests.integrations.shopify.stand_in import Media, Product, Shopify, answers, picture
from tests.integrations.shopify.stand_in.cdn import rendition

# Fetching


def test_a_small_copy_is_fetched_unless_the_merchant_wants_the_file(place: Place) -> None:
    large = picture(5, 3_000, 1_500)
    product = place.shop.add_product(images=[large])
    image = ref(product, product.media[0])
    assert place.fetched(image) == rendition(large, 1_024, 1_024, "")[0] and len(place.fetched(image)) < len(large)
    assert place.with_settings(original_bytes=True).fetched(image) == large
    assert place.shop.spent / len(place.shop.requests) <= 4


def test_an_upload_is_waited_for_and_then_has_its_real_version(place: Place) -> None:
    product = place.shop.add_product(images=1)
    media = place.shop.add_image(product, reads_until_ready=2)
    pending = MediaRef(ref(product, media).id, "pending", "", product.gid, {"title": ("Hat",)})
    for _ in range(2):
        with pytest.raises(PlatformUnavailable) as wait:
            place.fetched(pending)
        assert wait.value.retry_after == 5.0
    with pytest.raises(MediaGone) as gone:
        place.fetched(pending)
    assert gone.value.now == ref(product, media)
    assert (gone.value.now.parent, gone.value.now.context) == (product.gid, {"title": ("Hat",)})
    assert place.fetched(gone.value.now)


def test_an_upload_that_failed_is_gone(place: Place) -> None:
    product = place.shop.add_product(images=1)
    place.shop.fail_image(product.media[0])
    with pytest.raises(MediaGone) as gone:
        place.fetched(ref(product, product.media[0]))
    assert gone.value.now is None


def test_replaced_bytes_are_another_version_and_the_late_one_is_named(place: Place) -> None:
    product = place.shop.add_product(images=1)
    old = ref(product, product.media[0])
    place.shop.replace_image(product.media[0], picture(8))
    with pytest.raises(MediaGone) as gone:
        place.fetched(old)
    assert gone.value.now == ref(product, product.media[0]) != old


def test_what_is_not_there_any_more_is_gone(place: Place) -> None:
    product, other = place.shop.add_product(images=2), place.shop.add_product(images=1)
    image, second = ref(product, product.media[0]), ref(product, product.media[1])
    place.shop.delete_image(product.media[0])
    with pytest.raises(MediaGone):
        place.fetched(image)
    place.shop.delete_product(product)
    with pytest.raises(MediaGone):
        place.fetched(second)
    with pytest.raises(MediaGone):
        place.fetched(MediaRef(f"gid://shopify/MediaImage/1@{other.number}", "1", "", other.gid))


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "gid://shopify/MediaImage/1",
        "gid://shopify/MediaImage/1@",
        "gid://shopify/MediaImage/1@2@3",
        "gid://shopify/Order/5@6",
    ],
)
def test_what_names_no_picture_of_a_product_is_asked_of_nobody(place: Place, strange: str) -> None:
    product = place.shop.add_product(images=1)
    with pytest.raises(PlatformRefused, match="names no picture"):
        place.fetched(MediaRef(strange, "1", "", product.gid))
    with pytest.raises(PlatformRefused, match="names no picture"):
        place.hide(product, MediaRef(strange, "1", "", product.gid))
    assert place.shop.requests == []


def test_an_image_of_another_shop_is_not_there(shopify: Shopify) -> None:
    one, two = opened(shopify), opened(shopify, "two.myshopify.com")
    two.shop._numbers["product"] = itertools.count(9_000_000_000_001)
    two.shop._numbers["media"] = itertools.count(9_100_000_000_001)
    product = two.shop.add_product(images=1)
    with pytest.raises(MediaGone):
        one.fetched(ref(product, product.media[0]))
    assert two.fetched(ref(product, product.media[0]))


def test_an_image_that_left_its_hidden_product_is_gone(place: Place) -> None:
    """A merchant who takes the offending picture out wants the product back; the file itself stays in the shop."""
    product = place.shop.add_product(images=2)
    media = product.media[0]
    image = ref(product, media)
    place.hide(product, media)
    assert place.fetched(image)
    with place.shop.editing(product):
        place.shop.detach(product, media)
    assert media.gid in place.shop.files
    with pytest.raises(MediaGone, match="no longer part") as gone:
        place.fetched(image)
    assert gone.value.now is None


def test_an_image_that_we_took_out_can_be_judged_again(place: Place) -> None:
    place = place.with_settings(hide_by="detach")
    product = place.shop.add_product(images=2)
    image = ref(product, product.media[0])
    place.hide(product, product.media[0])
    assert place.fetched(image)


@pytest.mark.parametrize("hosts", ["cdn.shopify.com", "", "127.0.0.1.evil.example", "localhost"])
def test_only_named_hosts_are_fetched_from(shopify: Shopify, hosts: str) -> None:
    place = opened(shopify, cdn_hosts=hosts)
    product = place.shop.add_product(images=1)
    with pytest.raises(PlatformRefused, match="PICWARD_SHOPIFY_CDN_HOSTS"):
        place.fetched(ref(product, product.media[0]))


def test_the_cdn_has_its_own_troubles(place: Place) -> None:
    product = place.shop.add_product(images=1)
    image = ref(product, product.media[0])
    for answer, error in (
        (answers.UNAVAILABLE, PlatformUnavailable), (answers.DROPPED, PlatformUnavailable), (answers.Answer(404), MediaGone),
        (answers.Answer(403), PlatformUnavailable), (answers.Answer(200, {}, b"x" * 20_000_001), MediaUnreadable),
    ):  # fmt: skip
        place.shop.script(answer, to="cdn")
        with pytest.raises(error):
            place.fetched(image)


# Products that share a file


def shared(place: Place, count: int = 2) -> tuple[Media, list[Product]]:
    """Give products that show one image, each among others of its own and with a variant that shows it."""
    products = [place.shop.add_product(images=2, tags=("sale",), variants=2, variant_images={1: 0}) for _ in range(count)]
    media = products[0].media[0]
    for product in products[1:]:
        place.shop.share(media, product)
    return media, products


def test_a_shared_image_is_one_of_each_product_wherever_it_is_told_of(place: Place, shopify: Shopify) -> None:
    media, products = shared(place)
    expected = {ref(product, one) for product in products for one in product.media}
    assert len(expected) == 5 and len({image.id for image in expected}) == 5
    assert set(place.listed()) == set(place.platform.changed(place.site, 0).media) == expected
    told: set[MediaRef] = set()
    for product in products:
        place.shop.sell(product)
        webhook = shopify.webhooks.pending[-1]
        headers = {name.lower(): value for name, value in webhook.headers.items()}
        delivery = Delivery("POST", "/webhooks/shopify", headers, webhook.body, 0)
        *uploads, seen, _ = place.platform.parse(delivery, place.site).events
        assert seen == ParentSeen(product.gid, tuple(ref(product, one).id for one in product.media))
        told |= {upload.media for upload in uploads}
    assert told == expected
    assert all(place.fetched(ref(product, media)) for product in products)


def test_a_shared_image_that_was_replaced_is_another_version_for_each_product(place: Place) -> None:
    media, products = shared(place)
    old = [ref(product, media) for product in products]
    place.shop.replace_image(media, picture(8))
    for product, image in zip(products, old, strict=True):
        with pytest.raises(MediaGone) as gone:
            place.fetched(image)
        assert gone.value.now == ref(product, media) and gone.value.now.parent == product.gid


def test_a_shared_image_that_left_one_hidden_product_is_gone_from_that_one_only(place: Place) -> None:
    media, (first, second) = shared(place)
    undos = [place.hide(product, media, id=number).undo for number, product in enumerate((first, second), 1)]
    with place.shop.editing(first):
        place.shop.detach(first, media)
    with pytest.raises(MediaGone, match="no longer part") as gone:
        place.fetched(ref(first, media))
    assert gone.value.now is None
    assert place.fetched(ref(second, media))
    place.restore(first, media, undos[0], id=3)
    assert place.shop.listed(first) and not place.shop.listed(second)
