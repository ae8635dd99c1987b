"""The command line: `picward …`. Like factory.py it knows everyone; commands import what they need, so that starting is quick."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from app.commands import ALL, open_core, trouble
from app.domain.errors import DatabaseUnavailable, PicwardError, SettingsInvalid

if TYPE_CHECKING:
    from app.services.core import Core


class _Group(click.Group):
    """Show our own errors as one line that says what to do, and no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DatabaseUnavailable as error:  # the operator, and nobody else, is told what the database says
            raise click.ClickException(f"{error} {getattr(error.__cause__, 'orig', '')}".strip()) from None
        except PicwardError as error:
            raise click.ClickException(str(error)) from None
        except ValidationError as error:  # of Config: everything else is checked where it comes in
            raise click.ClickException(str(SettingsInvalid.of_environment(error, "PICWARD_"))) from None


@click.group(cls=_Group)
@click.version_option(package_name="picward")
def main() -> None:
    """Picward judges the pictures of your sites on your own machine."""
    os.umask(0o077)  # the database and the key are nobody else's


for command in ALL:
    main.add_command(command)


@main.command()
def serve() -> None:
    """Run everything: the web server and the workers, restarted when they die."""
    from app import supervisor
    from app.config import Config

    config = Config()
    try:
        supervisor.await_port(config.host, config.port)
    except supervisor.PortTaken as error:
        raise click.ClickException(str(error)) from None
    me = [sys.executable, "-P", "-m", "app.cli"]  # -P: a rival “app” in the working directory is not ours
    children = [supervisor.Child("web", [*me, "web"])]
    children += [supervisor.Child(f"worker {n + 1}", [*me, "work"], patient=True) for n in range(config.workers)]
    sys.exit(
        supervisor.run(children, [*me, "prepare"], _report, lambda: _report(f"Picward is at {config.address} (Ctrl-C stops it)"))
    )


def _report(text: str) -> None:
    click.echo(text, err=True)


@main.command(hidden=True)
def prepare() -> None:
    """Migrate, and print the set-up link while there is no owner."""
    from app.db import migrate as migration

    with open_core() as core:
        migration.upgrade(core.db)
        _print_link(core)


def _print_link(core: Core) -> bool:
    from app.services.people import links

    link = links.setup_link(core)
    if link:
        _report(f"Create the owner's account, once: {link}")
    return link is not None


@main.command()
def web() -> None:
    """Run the web server only."""
    from app.adapters import log
    from app.config import Config
    from app.server import Server

    config = Config()
    log.start(config.log_level)
    Server(config).run()


@main.command()
def work() -> None:
    """Run one worker process only."""
    import signal

    # Several threads judge at a time; a second layer of threads inside each would only make them wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from app.adapters import log
    from app.config import Config
    from app.dispatch.worker import Worker
    from app.factory import make_core

    config = Config()
    log.start(config.log_level)
    worker = Worker(make_core(config), config.data_dir, config.threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: worker.stop())
    worker.run()


@main.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    from app.db import migrate as migration

    with open_core() as core:
        click.echo(f"The database is at revision {migration.upgrade(core.db)}.")


@main.command()
def link() -> None:
    """Print a new one-time link that creates the owner's account."""
    with open_core() as core:
        if not _print_link(core):
            raise click.ClickException("There is an owner already; sign in instead.")


@main.command()
def doctor() -> None:
    """Check everything that Picward needs, and say what to do about what is missing."""
    from app.config import Config
    from app.domain.platform import SiteState
    from app.services.sites import sites
    from app.services.telling import health
    from integrations.registry import broken

    config = Config()
    missing = 0

    def line(name: str, problem: str, fine: str) -> None:
        nonlocal missing
        missing += bool(problem)
        click.echo(f"{'✗' if problem else '✓'} {name}: {problem or fine}")

    with open_core() as core:
        line("Database", health.readiness(core), config.database if not config.database_url else "PostgreSQL answers")
        judge = core.judge()
        for detector, version in judge.detectors.items():
            line(f"Detector {detector}", trouble(judge.check, detector), f"version {version}")
        for name, problem in broken().items():
            line(f"Platform {name}", problem, "")
        for slug, platform in core.platforms.items():
            line(f"Platform {slug}", "", platform.name)
        if not missing:
            for row in sites.listing(core):
                line(
                    f"Site {row.name} ({row.id})",
                    trouble(sites.check, core, row.id) if row.state is SiteState.ACTIVE else "",
                    row.found or row.state,
                )
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
