"""The pages in wp-admin, used as a person uses them: sign in, press the real buttons."""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from tests.integrations.wordpress.plugin.site import Door, WordPress, form, picture, sha256
from tests.integrations.wordpress.plugin.stand_in import Connector

pytestmark = pytest.mark.e2e


def page(session: requests.Session, site: WordPress, path: str) -> str:
    """Open a page of wp-admin; it must be whole."""
    answer = session.get(f"{site.url}/wp-admin/{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    assert "</html>" in answer.text
    assert "Fatal error" not in answer.text
    assert "Warning:" not in answer.text
    return answer.text


def press(session: requests.Session, site: WordPress, html: str, marker: str, method: str = "post", **values: Any) -> str:
    """Send the form that holds a marker and give the page it leads to."""
    fields = form(html, marker)
    action = fields.pop("__action")
    answer = getattr(session, method)(
        urljoin(site.url + "/wp-admin/", action), **{"data" if method == "post" else "params": fields | values}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def link(html: str, number: str, verb: str) -> str:
    """Find the link that does something to a picture."""
    for href in re.findall(r'href="([^"]*)"', html):
        href = href.replace("&#038;", "&").replace("&amp;", "&")
        if f"action=picward_{verb}&" in href and re.search(rf"ids(%5B|\[)0(%5D|\])={number}&", href):
            return href
    raise AssertionError(f"no link to {verb} {number}")


def undo_link(html: str) -> str:
    """Find the link beside what was just done."""
    found = re.search(r'href="([^"]*)">Undo</a>', html)
    assert found is not None
    return found[1].replace("&#038;", "&").replace("&amp;", "&")


def media_of(door: Door, number: int) -> dict[str, Any]:
    return dict(door("list", after=number - 1, limit=1).json()["items"][0])


def test_pairing_by_the_real_form(site: WordPress, connector: Connector) -> None:
    session = site.login()
    html = page(session, site, "options-general.php?page=picward")
    assert "Stand-in" in html
    assert connector.secret not in html
    html = press(session, site, html, "picward_disconnect")
    assert "Disconnected" in html
    assert connector.events("site.removed")
    assert site.php("echo json_encode( picward_connection() );") == "[]"

    for code, text in {
        "hello": "This is not a pairing code",
        connector.code[:-30]: "incomplete",
        "picward1_"
        + base64.urlsafe_b64encode(json.dumps({"url": connector.url, "site": "x", "secret": "whsec_"}).encode())
        .decode()
        .rstrip("="): "damaged",
        connector.code.replace("picward1_", "picward1_e30") + "!": "incomplete",
    }.items():
        assert text in press(session, site, html, "picward_code", picward_code=code), code

    connector.stop()
    assert "did not answer" in press(session, site, html, "picward_code", picward_code=connector.code)
    connector.start()
    connector.status = 409
    assert "told to answer 409" in press(session, site, html, "picward_code", picward_code=connector.code), (
        "the connector's own words"
    )
    connector.status = 0
    real, connector.secret = connector.code, "whsec_" + base64.b64encode(bytes(32)).decode()
    assert "does not accept this site" in press(session, site, html, "picward_code", picward_code=real)
    connector.secret = json.loads(base64.urlsafe_b64decode(real.removeprefix("picward1_") + "=="))["secret"]
    assert site.php("echo json_encode( picward_connection() );") == "[]", "a failed pairing leaves nothing behind"

    # Mail programs break long words.
    html = press(session, site, html, "picward_code", picward_code=real[:60] + "\n  " + real[60:])
    assert "Connected and tested." in html
    assert "WordPress 6." in html or "WordPress 7." in html
    hello = next(h["body"] for h in connector.heard if h["body"]["type"] == "connect" and not connector.status)
    assert hello["rest_url"] == site.rest
    assert connector.called and connector.called["plugin"] == hello["plugin"]


def test_an_administrator_is_led_into_picward(site: WordPress, connector: Connector) -> None:
    session = site.login()
    html = page(session, site, "options-general.php?page=picward")
    fields = form(html, 'value="picward_open"')
    assert "Open in Picward" in page(session, site, "upload.php?page=picward-review")
    action = f"{site.url}/wp-admin/admin-post.php"
    sent = {key: value for key, value in fields.items() if key != "__action"}
    answer = session.post(action, data=sent, timeout=60, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{connector.url}/enter/once")
    assert "no-store" in answer.headers["Cache-Control"] or "no-cache" in answer.headers["Cache-Control"]
    asked = next(heard["body"] for heard in connector.heard if heard["body"]["type"] == "link.make")
    admin = json.loads(site.php("echo json_encode( get_user_by( 'login', '" + site.info["admin"]["login"] + "' )->data );"))
    assert asked["person"] == {"id": admin["ID"], "name": admin["display_name"], "role": "administrator"}

    for link in ("https://evil.example/enter/x", connector.url + ".evil.example/enter/x", "javascript:alert(1)", ""):
        connector.link = link or "none"
        answer = session.post(action, data=sent, timeout=60)
        assert "gave an address that is not its own" in answer.text
    connector.status = 422
    assert "told to answer 422" in session.post(action, data=sent, timeout=60).text


def test_nobody_else_is_led_into_picward(site: WordPress, connector: Connector) -> None:
    html = page(site.login(), site, "options-general.php?page=picward")
    fields = form(html, 'value="picward_open"')
    action = f"{site.url}/wp-admin/admin-post.php"
    editor = site.login("editor1")
    assert "Open in Picward" not in page(editor, site, "upload.php?page=picward-review")
    for session, nonce in ((editor, fields["_wpnonce"]), (site.login(), "0123456789"), (requests.Session(), fields["_wpnonce"])):
        answer = session.post(action, data={"action": "picward_open", "_wpnonce": nonce}, timeout=60, allow_redirects=False)
        assert answer.status_code in (302, 400, 403)
        assert "/enter/" not in answer.headers.get("Location", "")
    assert [heard for heard in connector.heard if heard["body"]["type"] == "link.make"] == []


def test_settings_are_the_connectors(site: WordPress, connector: Connector) -> None:
    session = site.login()
    html = page(session, site, "options-general.php?page=picward")
    for text in (
        "What happens to blocked pictures",
        "Hide flagged",
        "Blocks nothing but known pictures.",
        "one parked thing",
        "Open the console",
    ):
        assert text in html
    html = press(
        session,
        site,
        html,
        'value="picward_save"',
        **{
            "picward[mode]": "flag",  # not on the form: it is an owner's
            "picward[tell_emails]": "victim@example.com",
            "picward[unpublish_parent]": "1",
            "picward[trusted_roles]": "administrator\r\nshop_manager\r\n",
            "picward[preview_days]": "14",
            "picward[note]": "it's <b>ours</b>",
        },
    )
    assert "Settings saved" in html
    assert connector.values == {
        "mode": "hide",
        "preview_days": 14,
        "unpublish_parent": True,
        "trusted_roles": ["administrator", "shop_manager"],
        "note": "it's ours",
    }
    assert site.php("echo picward_mode();") == "hide"
    fixed = html.partition("Set in Picward")[2]
    assert f"{connector.url}/sites/{connector.site}/settings" in fixed
    assert "What happens to blocked pictures" in fixed and "Hide flagged" in fixed and "Send e-mail to" in fixed
    assert 'name="picward[mode]"' not in html and 'name="picward[note]"' in html, (
        "an earlier connector says of nothing whose it is"
    )

    html = press(session, site, html, 'value="picward_save"', **{"picward[preview_days]": "900"})
    assert "Not saved." in html
    assert "at most 365" in html
    assert 'value="900"' in html
    assert connector.values["preview_days"] == 14

    connector.stop()
    html = page(session, site, "options-general.php?page=picward")
    assert "<fieldset disabled>" in html
    assert "cannot be changed now" in html
    assert "did not answer" in html
    connector.start()


def test_only_the_owner_sees_the_settings(site: WordPress) -> None:
    session = site.login("editor1")
    assert session.get(site.url + "/wp-admin/options-general.php?page=picward", timeout=30).status_code == 403
    assert (
        session.post(site.url + "/wp-admin/admin-post.php", data={"action": "picward_disconnect"}, timeout=30).status_code == 403
    )
    assert (
        site.login().post(site.url + "/wp-admin/admin-post.php", data={"action": "picward_disconnect"}, timeout=30).status_code
        == 403
    ), "no nonce"
    assert site.php("echo (int) picward_is_paired();") == "1"


def test_approve_keep_and_undo_from_the_list(site: WordPress, door: Door, connector: Connector) -> None:
    data = picture(900, 700)
    media = media_of(door, site.upload(data, "judge-me.jpg")["id"])
    door.decide(media, "hide", "block", reasons=["nudity <b>0.97</b>"])
    session = site.login("editor1")
    html = page(session, site, "upload.php?page=picward-review&view=blocked")
    assert "judge-me.jpg" in html
    assert "nudity 0.97" in html
    assert "author1" in html

    blurred, clear = (
        re.search(pattern, html)[1].replace("&#038;", "&").replace("&amp;", "&")
        for pattern in (r'<img src="([^"]*picward_preview[^"]*)"', r'href="([^"]*picward_preview[^"]*)"')
    )
    small = session.get(blurred, timeout=30)
    assert (small.headers["Content-Type"], len(small.content) < 6000) == ("image/jpeg", True)
    assert "no-store" in small.headers["Cache-Control"]
    assert session.get(clear, timeout=30).content not in (small.content, b"")
    assert requests.get(clear, timeout=30, allow_redirects=False).status_code in (302, 400, 403)
    assert site.login("author1").get(clear, timeout=30).status_code == 403

    html = session.get(link(html, media["id"], "approve"), timeout=60).text
    assert "1 picture approved" in html
    assert requests.get(media["url"], timeout=10).content == data
    door("drain")
    given = connector.wait_for("verdict.given")[-1]["body"]
    assert (given["verdict"], given["sha256"], given["person"], given["never_again"]) == ("allow", sha256(data), "editor1", False)
    assert given["media"]["id"] == media["id"]

    # The policy does not outweigh a person.
    answer = door.decide(media, "hide", "block").json()
    assert answer["state"] == "drifted"
    assert "editor1" in answer["detail"]
    assert requests.get(media["url"], timeout=10).content == data
    # The echo of that verdict is at home here.
    assert door.decide(media, "restore", "allow", person="editor1").json()["state"] == "done"

    assert "Undone: 1 picture is as it was before" in session.get(undo_link(html), timeout=60).text
    assert requests.get(media["url"], timeout=10).content != data
    door("drain")
    assert connector.wait_for("verdict.undone")[-1]["body"] | {"rest_url": ""} == {
        "v": 1, "to": "connector", "type": "verdict.undone", "site": connector.site, "media": given["media"], "person": "editor1",
        "rest_url": "",
    }  # fmt: skip
    assert len(connector.events("verdict.given")) == 1, "an undo is no verdict"
    assert "decided again since" in session.get(undo_link(html), timeout=60).text, "once"
    # The echo of what was undone comes late.
    assert door.decide(media, "restore", "allow", person="editor1").json()["why"] == ["outweighed"]
    assert requests.get(media["url"], timeout=10).content != data
    # A person at the connector who decides later does.
    assert door.decide(media, "restore", "allow", person="Ada", decided_at="2099-01-01T00:00:00Z").json()["state"] == "done"
    assert requests.get(media["url"], timeout=10).content == data

    html = page(site.login(), site, f"post.php?post={media['id']}&action=edit&picward_history=1")
    for text in ("Allowed", "Ada", "editor1", "judged by the stand-in", "nudity 0.97"):
        assert text in html


@pytest.mark.parametrize(
    ("mode", "before", "verb"),
    [
        ("hold", "held", "reject"),
        ("hold", "held", "approve"),
        ("hide", "public", "never"),
        ("hide", "hidden", "approve"),
    ],
)
def test_an_undo_goes_back_to_what_was_before_and_approves_nothing(
    site: WordPress, door: Door, connector: Connector, mode: str, before: str, verb: str
) -> None:
    door.settings(mode=mode)
    data = picture(300, 200)
    media = media_of(door, site.upload(data, "undone.jpg")["id"])
    if before == "hidden":
        door.decide(media, "hide", "block")
    else:
        door.decide(media, "label", "review")
    state = lambda: json.loads(  # noqa: E731
        site.php(
            f"$v = picward_verdict( {media['id']} ); unset( $v['undone'] ); echo json_encode( array( picward_hidden( {media['id']} ), picward_status( {media['id']} ), $v ) );"
        )
    )
    first = state()
    assert first[0] == {"public": ""}.get(before, before), "the control"
    session = site.login("editor1")
    view = "blocked" if before == "hidden" else "waiting"
    html = session.get(
        link(page(session, site, f"upload.php?page=picward-review&view={view}"), media["id"], verb), timeout=60
    ).text
    assert state()[:2] != first[:2], "the verdict was made true"
    session.get(undo_link(html), timeout=60)
    assert state() == first
    assert (requests.get(media["url"], timeout=10).content == data) is (before == "public")
    door("drain")
    assert len(connector.events("verdict.given")) == len(connector.events("verdict.undone")), "who was told is told again"
    # What the connector takes back in this mode is held, and not shown.
    if before == "held":
        door.decide(media, "restore", "review", person="Ada", decided_at="2099-01-01T00:00:00Z")
        assert state()[0] == "held" and requests.get(media["url"], timeout=10).content != data


def test_never_again_and_bulk_and_delete(site: WordPress, door: Door, connector: Connector) -> None:
    medias = [media_of(door, site.upload(picture(), f"bulk-{n}.jpg")["id"]) for n in range(3)]
    for media in medias:
        door.decide(media, "label", "review")
    session = site.login()
    html = page(session, site, "upload.php?page=picward-review")
    assert "3 pictures wait" in html or "pictures wait" in html
    ids = {f"ids[{n}]": media["id"] for n, media in enumerate(medias[:2])}
    html = press(session, site, html, "picward_nonce", "get", action="picward_never", **ids)
    assert "2 pictures rejected and put on the block list" in html
    door("drain")
    given = connector.wait_for("verdict.given", 2)
    assert [g["body"]["never_again"] for g in given] == [True, True]
    html = session.get(link(html, medias[2]["id"], "delete"), timeout=60).text
    assert "1 picture deleted" in html
    assert requests.get(medias[2]["url"], timeout=10).status_code == 404
    stolen = link(page(session, site, "upload.php?page=picward-review&view=blocked"), medias[0]["id"], "approve")
    assert site.login("author1").get(stolen, timeout=30).status_code == 403
    assert session.get(re.sub("picward_nonce=[^&]*", "picward_nonce=0", stolen), timeout=30).status_code == 403


def test_media_library_shows_the_status(site: WordPress, door: Door) -> None:
    media = media_of(door, site.upload(picture(), "column.jpg")["id"])
    door.decide(media, "hide", "block")
    html = page(site.login(), site, "upload.php?mode=list")
    row = re.search(rf'<tr id="post-{media["id"]}".*?</tr>', html, re.S)[0]
    assert "Blocked" in row
    assert link(row, media["id"], "approve")


def test_a_post_goes_offline_with_its_first_blocked_picture_and_comes_back_with_its_last(site: WordPress, door: Door) -> None:
    door.settings(unpublish_parent=True)
    body = "<p>text</p><script>keep()</script>"
    post = int(
        site.php(
            f"kses_remove_filters(); echo wp_insert_post( array( 'post_title' => 'Shop', 'post_status' => 'publish', 'post_content' => '{body}' ) );"
        )
    )
    numbers = [site.upload(picture(), f"p-{n}.jpg")["id"] for n in range(2)]
    site.php(
        f"foreach ( array( {numbers[0]}, {numbers[1]} ) as $id ) {{ wp_update_post( array( 'ID' => $id, 'post_parent' => {post} ) ); }}"
    )
    one, two = (media_of(door, n) for n in numbers)
    status = lambda: site.php(f"echo get_post_status( {post} );")  # noqa: E731
    door.decide(one, "hide", "block")
    assert status() == "pending"
    door.decide(two, "hide", "block")
    door.decide(one, "restore", "allow")
    assert status() == "pending", "one picture is still blocked"
    door.decide(two, "restore", "allow")
    assert status() == "publish"
    assert site.php(f"echo get_post( {post} )->post_content;") == body, "nothing else of the post changed"

    door.decide(one, "hide", "block")
    site.php(f"wp_update_post( array( 'ID' => {post}, 'post_status' => 'draft' ) );")
    door.decide(one, "restore", "allow")
    assert status() == "draft", "somebody else decided about the post"


def test_site_health_and_privacy(site: WordPress, door: Door, connector: Connector) -> None:
    media = media_of(door, site.upload(picture(), "privacy.jpg")["id"])
    door.decide(media, "label", "review")
    out = json.loads(
        site.php(
            "require_once ABSPATH . 'wp-admin/includes/admin.php'; echo json_encode( array( picward_health_connection()['status'], picward_health_work()['status'],"
            " picward_debug_information( array() ), picward_export( 'author1@example.org', 1 ), picward_erase( 'author1@example.org', 1 ) ) );"
        )
    )
    assert out[:2] == ["good", "good"]
    assert connector.secret not in json.dumps(out[2])
    assert "nudity 0.97" in json.dumps(out[3])
    assert out[4]["items_removed"] is True
    door("drain")
    assert media["id"] in connector.wait_for("erasure.wanted")[-1]["body"]["media_ids"]
    connector.stop()
    assert (
        site.php("require_once ABSPATH . 'wp-admin/includes/admin.php'; echo picward_health_connection()['status'];")
        == "critical"
    )
    assert "Site Health" in page(site.login(), site, "site-health.php")


def test_an_owner_sees_what_is_not_protected(site: WordPress, door: Door, connector: Connector) -> None:
    site.php(
        "foreach ( array( 'clip.mp4' => 'video/mp4', 'song.mp3' => 'audio/mpeg', 'list.pdf' => 'application/pdf' ) as $name => $mime ) {"
        " wp_insert_attachment( array( 'post_mime_type' => $mime, 'post_title' => $name, 'post_status' => 'inherit' ), '2001/01/' . $name ); }"
        "wp_insert_attachment( array( 'post_mime_type' => 'image/jpeg', 'post_title' => 'gone', 'post_status' => 'inherit' ), '2001/01/gone.jpg' );"
        "delete_transient( 'picward_unseen' );"
    )
    after = 0
    while True:
        answer = door("list", after=after, limit=200).json()
        after = answer["next"]
        if not after:
            break
    told = door("status").json()["not_looked_at"]
    assert min(told[kind] for kind in ("video", "audio", "document", "missing")) >= 1
    session = site.login()
    connector.only_watches = True
    html = page(session, site, "options-general.php?page=picward")
    assert "Picward only watches." in html and f"/sites/{connector.site}/rules" in html
    assert "Not looked at:" in html and "video" in html and "not on this machine" in html
    assert html.index("Settings of this site") < html.index("So far") < html.index("Connected since"), (
        "what an owner sets stands first"
    )
    assert "Picward only watches." in page(session, site, "index.php"), "on the dashboard, too"
    connector.only_watches = False
    assert "only watches" not in page(session, site, "options-general.php?page=picward")


def test_the_library_is_filtered_by_verdict(site: WordPress, door: Door) -> None:
    one, two = (media_of(door, site.upload(picture(40, 30), f"filter-{n}.jpg")["id"]) for n in range(2))
    door.decide(one, "hide", "block")
    session = site.login("editor1")
    html = page(session, site, "upload.php?mode=list&picward_status=blocked")
    assert f'id="post-{one["id"]}"' in html and f'id="post-{two["id"]}"' not in html
    assert 'value="blocked" selected' in html or "value=\"blocked\" selected='selected'" in html
    # The image editor of WordPress shows why a hidden picture cannot be edited.
    answer = session.post(
        site.url + "/wp-admin/admin-ajax.php", data={"action": "image-editor", "postid": one["id"], "do": "open"}, timeout=30
    )
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert (
        "hidden until it was checked" in answer.json()["data"]["html"]
        and "hidden until it was checked" in answer.json()["data"]["error"]
    )


def test_several_pictures_of_the_library_are_decided_about_and_the_bin_is_not_counted(site: WordPress, door: Door) -> None:
    one, two = (media_of(door, site.upload(picture(40, 30), f"library-{n}.jpg")["id"]) for n in range(2))
    session = site.login("editor1")
    html = page(session, site, "upload.php?mode=list")
    assert 'value="picward_reject"' in html and 'value="picward_delete"' not in html
    chosen = {"media[0]": one["id"], "media[1]": two["id"], "action": "picward_reject"}
    fields = {name: value for name, value in form(html, 'value="picward_reject"').items() if name != "__action"} | chosen
    html = session.get(site.url + "/wp-admin/upload.php", params=fields, timeout=60).text
    assert "2 pictures rejected" in html
    count = "echo picward_count( array( 'blocked' ) );"
    before = int(site.php(count))
    assert int(site.php(f"define( 'MEDIA_TRASH', true ); wp_trash_post( {one['id']} ); {count}")) == before - 1


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ('<!-- wp:image {"id":7,"sizeSlug":"large"} --><figure><img class="wp-image-7"/></figure><!-- /wp:image -->', [7]),
        ('<!-- wp:gallery {"ids":[8,9],"linkTo":"none"} --><!-- /wp:gallery -->', [8, 9]),
        ('<p>[gallery columns="2" ids="10, 11"]</p>', [10, 11]),
        ('<img class="alignleft wp-image-12 size-full" src="x.jpg">', [12]),
        ('<!-- wp:cover {"url":"x","id":13,"dimRatio":50} -->', [13]),
        ("<p>7 wp-images, [gallery], and 7 of them</p>", []),
    ],
)
def test_what_a_post_shows_is_read_from_its_text(site: WordPress, content: str, shown: list[int]) -> None:
    encoded = base64.b64encode(content.encode()).decode()
    assert json.loads(site.php(f"echo json_encode( picward_shown_in( base64_decode( '{encoded}' ) ) );")) == shown


def test_a_post_that_only_shows_a_picture_goes_offline_and_its_author_is_told(site: WordPress, door: Door) -> None:
    media = media_of(door, site.upload(picture(40, 30), "in-text.jpg")["id"])
    # Many posts before it have a number in their text that only begins like this picture's.
    alike = f'<!-- wp:image {{"id":{media["id"]}5}} -->'
    rows = ", ".join([f"('{alike}', 'publish', 'post', '', '', '', '', '')"] * 250)
    columns = "post_content, post_status, post_type, post_title, post_excerpt, to_ping, pinged"
    site.php(
        f"global $wpdb; $wpdb->query( <<<SQL\nINSERT INTO {{$wpdb->posts}} ({columns}, post_content_filtered) VALUES {rows}\nSQL\n);"
    )
    block = f'<!-- wp:image {{"id":{media["id"]}}} --><figure class="wp-block-image"><img src="{media["url"]}" class="wp-image-{media["id"]}"/></figure><!-- /wp:image -->'
    post = requests.post(
        site.rest + "wp/v2/posts",
        json={"title": "Shows", "status": "publish", "content": block},
        auth=site.auth("author1"),
        timeout=30,
    ).json()["id"]
    door.settings(unpublish_parent=True)
    door.decide(media, "hide", "block")
    assert site.php(f"echo get_post_status( {post} );") == "pending"
    html = page(site.login(), site, f"post.php?post={post}&action=edit")
    assert "Picward: 1 picture of this post is hidden." in html
    door.decide(media, "restore", "allow")
    assert site.php(f"echo get_post_status( {post} );") == "publish"
    assert "of this post is hidden" not in page(site.login(), site, f"post.php?post={post}&action=edit")


def test_a_connector_that_lost_its_data_is_replaced_and_told_of_what_is_hidden(
    site: WordPress, door: Door, connector: Connector
) -> None:
    data = picture(80, 60)
    media = media_of(door, site.upload(data, "kept-hidden.jpg")["id"])
    door.decide(media, "hide", "block")
    connector.status = 401
    waiting = media_of(door, site.upload(picture(80, 60), "not-told.jpg")["id"])
    site.php("picward_touch_connection( array( 'state' => 'refused', 'error' => 'unknown site' ) );")
    session = site.login()
    html = page(session, site, "options-general.php?page=picward")
    assert "Refused by the connector" in html and 'name="picward_code"' in html, "a field for a new code beside the old state"
    connector.status, known, connector.site = 0, connector.site, "site-after-loss"
    try:
        html = press(session, site, html, "picward_code", picward_code=connector.code)
        assert "Connected and tested." in html
        door("drain")
        told = {
            event["body"]["media"]["id"]
            for event in connector.events("media.uploaded")
            if event["body"]["site"] == "site-after-loss"
        }
        assert {media["id"], waiting["id"]} <= told
        # Its numbers begin anew, and it may give back what the one before it hid.
        assert door.decide(media, "restore", "allow", person="Ada", enforcement=1).json()["state"] == "done"
        assert requests.get(media["url"], timeout=10).content == data
        assert "nudity 0.97" in page(session, site, f"post.php?post={media['id']}&action=edit"), "earlier reasons are kept"
    finally:
        connector.site = known
        site.php(f"picward_connect( '{connector.code}' );")


COMMANDS = """
class WP_CLI { static $all = array(); static function add_command( $n, $f ) { self::$all[ $n ] = $f; } static function log( $t ) { echo "$t\n"; }
 static function success( $t ) { echo "Success: $t\n"; } static function warning( $t ) { echo "Warning: $t\n"; } static function error( $t ) { echo "Error: $t\n"; exit( 1 ); } static function halt( $n ) { exit( $n ); } }
define( 'WP_CLI', true ); include PICWARD_DIR . 'includes/commands.php';
"""


def test_commands_for_wp_cli(site: WordPress, door: Door) -> None:
    media = media_of(door, site.upload(picture(40, 30), "command.jpg")["id"])
    stub = COMMANDS.replace(
        "include PICWARD_DIR . 'includes/commands.php';",
        "eval( substr( strstr( file_get_contents( PICWARD_DIR . 'includes/commands.php' ), \"if ( defined( 'WP_CLI' )\" ), 0 ) );",
    )
    run = lambda code: site.php(stub + code, check=False)  # noqa: E731
    assert "name a user" in run(f"call_user_func( WP_CLI::$all['picward hide'], array( '{media['id']}' ) );")
    done = f"wp_set_current_user( 1 ); call_user_func( WP_CLI::$all['picward %s'], array( '{media['id']}' ) ); echo picward_hidden( {media['id']} );"
    assert "Done: 1.\nhidden" in run(done % "hide")
    assert run(done % "undo").strip().endswith("Done: 1.")
    assert "Connection: connected. Mode: hide." in run("WP_CLI::$all['picward status']();")
    assert "Success: WordPress" in run("WP_CLI::$all['picward check']();")
    assert "0 still waiting" in run("WP_CLI::$all['picward send']();")


def test_it_speaks_the_language_of_the_site(site: WordPress) -> None:
    said = "add_filter( 'plugin_locale', function () { return '%s'; } ); unload_textdomain( 'picward' ); picward_load_texts(); echo __( 'Undo', 'picward' ) . '|' . sprintf( _n( '%%d picture deleted.', '%%d pictures deleted.', 2, 'picward' ), 2 );"
    spoken = {
        "de_DE": "Rückgängig|2 Bilder gelöscht.",
        "fr_FR": "Annuler|2 images supprimées.",
        "es_ES": "Deshacer|2 imágenes borradas.",
    }
    for locale, text in spoken.items():
        assert site.php(said % locale) == text
