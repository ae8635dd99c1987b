"""What an owner asks for on the command line: sites, scans, lists, decisions, policies, models."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.domain.decisions import Verdict
from app.domain.errors import PicwardError

if TYPE_CHECKING:
    from app.services.core import Core

OWNER = "the command line"


@contextmanager
def open_core() -> Iterator[Core]:
    """Open what the settings name, for one command."""
    from app.config import Config
    from app.factory import make_core

    core = make_core(Config())
    try:
        yield core
    finally:
        core.db.close()


def trouble(check: Callable[..., object], *about: object) -> str:
    """Say what a check raises, or "" when all is well."""
    try:
        check(*about)
    except PicwardError as error:
        return str(error)
    return ""


@click.group()
def sites() -> None:
    """Connect and tend sites."""


@sites.command("list")
def sites_list() -> None:
    """List the sites."""
    from app.services.sites import sites as service

    with open_core() as core:
        for row in service.listing(core):
            click.echo(f"{row.id}  {row.platform:<10} {row.state:<8} {row.name}{'  ! ' + row.problem if row.problem else ''}")


@sites.command("add")
@click.argument("platform")
@click.option("--name", default="", help="What you call it.")
@click.option(
    "--set", "values", multiple=True, metavar="NAME=VALUE", help="What the platform needs: path=/pictures, or key=@FILE."
)
@click.option("--private-network", is_flag=True, help="The site is on your own network: allow private addresses.")
def sites_add(platform: str, name: str, values: tuple[str, ...], private_network: bool) -> None:
    """Add a site; prints its pairing code where the platform uses one."""
    from app.services.sites import connecting as service

    pairs = dict(value.split("=", 1) for value in values if "=" in value)
    for field, text in pairs.items():
        if text.startswith("@"):  # a secret in a file is not seen in the list of processes
            pairs[field] = Path(text[1:]).read_text("utf-8")
            if not pairs[field].strip():
                raise click.BadParameter(f"{text[1:]} is empty.")
    with open_core() as core:
        site = service.add(core, platform, name, OWNER, pairs, private_network=private_network)
        if core.platform(platform).connect_fields:
            click.echo(f"{site.id} is connected.")
            for number, step in enumerate(core.platform(platform).steps(site), 1):
                click.echo(f"\n{number}. {step.text}" + (f"\n\n{step.command}" if step.command else ""))
            return
        click.echo(f"{site.id} waits for its pairing code. Paste it in the plugin's page within {service.PAIRING_HOURS} hours:")
        click.echo(service.pairing_code(core, site))


@sites.command("code")
@click.argument("site_id")
def sites_code(site_id: str) -> None:
    """Make a new pairing code; the old one and the old secret stop working."""
    from app.services.sites import connecting as service

    with open_core() as core:
        click.echo(service.pairing_code(core, service.renew_pairing(core, site_id, OWNER)))


@sites.command("check")
@click.argument("site_id")
def sites_check(site_id: str) -> None:
    """Test a site's connection."""
    from app.services.sites import sites as service

    with open_core() as core:
        click.echo(service.check(core, site_id))


@sites.command("pause")
@click.argument("site_id")
def sites_pause(site_id: str) -> None:
    """Take deliveries, but judge and write back nothing until it is resumed."""
    _set_state(site_id, "paused")


@sites.command("resume")
@click.argument("site_id")
def sites_resume(site_id: str) -> None:
    """Go on with what waited while the site was paused."""
    _set_state(site_id, "active")


def _set_state(site_id: str, state: str) -> None:
    from app.domain.platform import SiteState
    from app.services.sites import sites as service

    with open_core() as core:
        service.set_state(core, site_id, SiteState(state), OWNER)


@sites.command("remove")
@click.argument("site_id")
@click.confirmation_option(prompt="Forget the site's secrets? What is hidden stays hidden.")
def sites_remove(site_id: str) -> None:
    """Disconnect a site."""
    from app.services.sites import sites as service

    with open_core() as core:
        service.disconnect(core, site_id, OWNER)


@sites.command("erase")
@click.argument("site_id")
@click.confirmation_option(prompt="Erase everything of the site, also how to give back what is hidden?")
def sites_erase(site_id: str) -> None:
    """Erase everything of a site, connected or disconnected, but the fact that it was erased."""
    from app.services.sites import sites as service

    with open_core() as core:
        service.erase(core, site_id, OWNER)


@click.command()
@click.argument("site_id")
@click.option(
    "--budget", type=click.IntRange(0), default=0, help="Queue at most so many pictures; the next call goes on. 0: all."
)
@click.option("--dry-run", is_flag=True, help="Count only.")
@click.option("--afresh", is_flag=True, help="Begin at the first picture even if a scan was interrupted.")
def scan(site_id: str, budget: int, dry_run: bool, afresh: bool) -> None:
    """Look at the pictures that are there already. Interrupted, it goes on where it was."""
    from app.services.pipeline import scan as service

    with open_core() as core:
        progress = None
        if cost := service.estimate(core, site_id):
            click.echo(cost, err=True)
        for progress in service.scan(core, site_id, budget=budget, dry_run=dry_run, afresh=afresh):
            _bar(progress.seen, progress.total)
            time.sleep(progress.wait_seconds)
        if progress is None:
            return
        click.echo("", err=True)
        would = "would be queued" if dry_run else "queued"
        more = "" if progress.done else " The budget is used up; call again to go on."
        click.echo(f"{progress.seen} pictures seen, {progress.queued} {would}.{more}")


def _bar(seen: int, total: int | None) -> None:
    width = 30
    filled = min(width, seen * width // total) if total else 0
    click.echo(f"\r[{'█' * filled}{'·' * (width - filled)}] {seen}{f' of {total}' if total else ''}", err=True, nl=False)


@click.group()
def hashes() -> None:
    """Block and allow lists of known pictures."""


@hashes.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", default="", help="Only for this site; every site when left out.")
def hashes_import(file: Path, site: str) -> None:
    """Import a CSV with the columns kind (sha256 or pdq), hash, list (block or allow), category and note."""
    from app.services.rules import lists
    from models.hashes.csv_list import parse

    entries = parse(file.read_text("utf-8-sig"))
    with open_core() as core:
        added = lists.import_entries(core, entries, site, OWNER)
        again = lists.compare(core)
    click.echo(f"{added} of {len(entries)} entries were new; {again} pictures that were decided before are judged again.")


@hashes.command("of")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--list", "on", type=click.Choice(["block", "allow"]), default="block", show_default=True)
@click.option("--note", default="", help="Shown to reviewers at a match.")
def hashes_of(files: tuple[Path, ...], on: str, note: str) -> None:
    """Print a list, ready for import, that knows these pictures by their bytes and by their look."""
    import csv

    from app.domain.detector import ListKind, entries_of

    table = csv.writer(sys.stdout)
    table.writerow(["kind", "hash", "list", "category", "note"])
    with open_core() as core:
        for file in files:
            picture = core.judge().judge(file.read_bytes(), ()).fingerprint
            for entry in entries_of(picture.sha256, picture.looks, ListKind(on), note or file.name):
                table.writerow([entry.kind, entry.value, entry.list, entry.category, entry.note])


@click.group()
def decisions() -> None:
    """What was decided, and deciding otherwise."""


@decisions.command("list")
@click.option("--site", default="", help="Only this site.")
@click.option("--verdict", type=click.Choice([verdict.value for verdict in Verdict]), default=None)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50)
def decisions_list(site: str, verdict: str | None, as_json: bool, limit: int) -> None:
    """List the decisions in force, newest first."""
    from app.services.review import showing

    with open_core() as core:
        for shown in showing.recent(core, site, verdict or "", limit, restricted=True):
            decision = shown.decision
            why = "; ".join(showing.reason_text(reason) for reason in decision.reasons) or "nothing found"
            if as_json:
                facts = {"id": decision.id, "media": decision.media.id, "verdict": decision.verdict, "why": why}
                click.echo(json.dumps({**facts, "action": shown.action, "state": shown.state}))
            else:
                done = f"{shown.action} {shown.state}" if shown.action else ""
                click.echo(f"{decision.id:>6}  {decision.verdict:<7} {done:<13} {decision.media.id:<28} {why}")


@decisions.command("resolve")
@click.argument("decision_id", type=int)
@click.argument("verdict", type=click.Choice(["allow", "block"]))
@click.option("--never-again", is_flag=True, help="Put the picture on the site's block list.")
def decisions_resolve(decision_id: int, verdict: str, never_again: bool) -> None:
    """Give a person's verdict: allow restores what was hidden, block hides."""
    from app.services.review import verdicts

    with open_core() as core:
        verdicts.resolve(core, decision_id, Verdict(verdict), OWNER, never_again=never_again)


@click.group()
def policy() -> None:
    """What is done about what is seen, per site."""


@policy.command("show")
@click.argument("site_id")
def policy_show(site_id: str) -> None:
    """Print a site's rules: category, mode, and the scores from which a person is asked and from which it is blocked."""
    from app.services.rules import policies

    with open_core() as core:
        current = policies.current(core, site_id)
        click.echo(f"Policy v{current.version}: {policies.summarise(current)}")
        for rule in current.rules:
            bands = f"review {_band(rule.review)}  block {_band(rule.block)}"
            exempt = "; ".join(f"{exemption.key}: {', '.join(exemption.values)}" for exemption in rule.exempt)
            click.echo(f"  {rule.category:<32} {rule.mode:<8} {bands}{'  except ' + exempt if exempt else ''}")


def _band(threshold: float | None) -> str:
    return "never" if threshold is None else f"≥ {threshold:.2f}"


class _Threshold(click.ParamType[str]):
    name = "score"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value != "never":
            click.FloatRange(0, 1)(value, param, ctx)
        return value


@policy.command("set")
@click.argument("site_id")
@click.argument("category")
@click.option("--mode", type=click.Choice(["shadow", "review", "enforce"]), help="Only watch, ask a person, or act.")
@click.option("--review", type=_Threshold(), help="The score, 0 to 1, from which a person is asked; or never.")
@click.option("--block", type=_Threshold(), help="The score, 0 to 1, from which it is blocked; or never.")
def policy_set(site_id: str, category: str, mode: str | None, review: str | None, block: str | None) -> None:
    """Change or add one rule. What was decided before is decided anew from the stored signals."""
    from app.services.rules import policies

    changes: dict[str, Any] = {"mode": mode} if mode else {}
    changes |= {name: None if band == "never" else float(band) for name, band in (("review", review), ("block", block)) if band}
    with open_core() as core:
        rules = {rule.category: rule.model_dump(mode="json") for rule in policies.current(core, site_id).rules}
        rules[category] = {**rules.get(category, {"category": category}), **changes}
        saved = policies.save(core, site_id, list(rules.values()), OWNER)
    click.echo(f"Policy v{saved.version}: {policies.summarise(saved)}")


@click.group()
def models() -> None:
    """The detectors and their weights."""


@models.command("list")
def models_list() -> None:
    """List the detectors with version, licence and state."""
    from models.registry import cards

    with open_core() as core:
        for card in cards().values():
            problem = trouble(core.judge().check, card.id)
            click.echo(f"{card.id:<12} {card.version:<10} {card.licence:<24} {problem or 'ready'}")


@models.command("pull")
def models_pull() -> None:
    """Download the weights that are not part of an installed package, and prove them by their sha256."""
    from app.config import Config
    from models.registry import cards
    from models.store import pull

    for card in cards().values():
        path = pull(card.file, Config().data_dir / "weights")
        click.echo(f"{card.id}: {path.name} is in place (licence: {card.licence})")


@click.command()
@click.argument("delivery_id", type=int)
def read_again(delivery_id: int) -> None:
    """Read a stored delivery again, as after an update that understands it."""
    from app.services.pipeline import intake

    with open_core() as core:
        click.echo(f"{intake.read_again(core, delivery_id)} events were taken.")


replay = click.Command("replay", callback=read_again.callback, params=read_again.params, hidden=True)
"""What reading again was called before; operators' notes may say it still."""

ALL: tuple[click.Command, ...] = (sites, scan, hashes, decisions, policy, models, read_again, replay)
