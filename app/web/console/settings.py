"""A site's settings, rendered from their one declaration."""

from __future__ import annotations

from typing import Any

from flask import redirect as go
from flask import render_template, request, url_for

from app.domain.errors import SettingsInvalid
from app.domain.settings import declare
from app.services import sites
from app.web.console.entry import Answer
from app.web.console.guard import person, room
from app.web.security import core


@room.route("/sites/<site_id>/settings", methods=["GET", "POST"])
def site_settings(site_id: str) -> Answer:
    """Show and save a site's settings; the platform is handed its copy."""
    site = sites.get(core(), site_id)
    platform = core().platform(site.platform)
    fields = declare(platform.Settings)

    def page(values: dict[str, Any], errors: dict[str, str], warning: str = "") -> str:
        return render_template(
            "site_settings.html",
            site=sites.get(core(), site_id),
            platform=platform,
            summary=sites.summary(core(), site_id),
            fields=fields,
            values=values,
            errors=errors,
            warning=warning,
        )

    if request.method == "GET":
        return page(site.settings.model_dump(mode="json"), {})
    values = {field["name"]: _read(field) for field in fields}
    try:
        saved = sites.save_settings(core(), site_id, values, person().name)
    except SettingsInvalid as error:
        return page(values, {name.split(".")[0]: text for name, text in error.fields.items()}), 422
    warning = sites.share_settings(core(), saved)
    if warning:
        return page(saved.settings.model_dump(mode="json"), {}, warning)
    return go(url_for("console.site_settings", site_id=site_id, said="saved"), 303)


def _read(field: dict[str, Any]) -> Any:
    """Read one declared field from the form; what does not fit its kind is left for the declaration to refuse."""
    name = field["name"]
    if field["kind"] == "switch":
        return name in request.form
    text = request.form.get(name, "").strip()
    if field["kind"] == "words":
        return [word for line in text.splitlines() for part in line.split(",") if (word := part.strip())]
    return text
