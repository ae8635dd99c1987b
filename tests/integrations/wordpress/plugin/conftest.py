"""A real WordPress with the plugin in it, and a stand-in connector.

PICWARD_TEST_WORDPRESS (deb, deb:trixie, deb:sid) and PICWARD_TEST_WORDPRESS_DB (sqlite, mysql) choose another one.
"""

# ruff: noqa: E501 - lines of PHP inside are kept whole
from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.wordpress.plugin.site import DATABASE, SOURCE, Door, WordPress
from tests.integrations.wordpress.plugin.stand_in import Connector

NEEDED = ["php", "curl", *(["mariadbd"] if DATABASE == "mysql" else [])]


@pytest.fixture(scope="session")
def stand_in() -> Iterator[Connector]:
    connector = Connector()
    connector.start()
    yield connector
    connector.stop()


@pytest.fixture(scope="session")
def installed(stand_in: Connector) -> Iterator[WordPress]:
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        pytest.skip(f"a real WordPress needs {', '.join(missing)}; make test installs them as root on Debian or Ubuntu")
    root = Path(tempfile.mkdtemp(prefix="pwp-"))  # short: the path of a socket must fit into 107 bytes
    root.chmod(0o755)
    site = WordPress(root, SOURCE, DATABASE)
    try:
        site.start()
        site.php(
            f"$done = picward_connect( '{stand_in.code}' ); if ( is_wp_error( $done ) ) {{ echo $done->get_error_message(); exit( 1 ); }}"
        )
        yield site
    finally:
        site.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def connector(stand_in: Connector) -> Iterator[Connector]:
    """Give the connector with nothing heard yet."""
    if not stand_in.server:
        stand_in.start()
    stand_in.reset()
    yield stand_in
    if not stand_in.server:
        stand_in.start()
    stand_in.reset()


@pytest.fixture
def site(installed: WordPress, connector: Connector) -> WordPress:
    """Give the paired site with an empty outbox and the default settings."""
    installed.php(
        "global $wpdb; $wpdb->query( 'DELETE FROM ' . picward_table( 'outbox' ) ); wp_clear_scheduled_hook( 'picward_kick' );"
        "picward_touch_connection( array( 'state' => 'connected', 'error' => '' ) );"
    )
    Door(installed, connector).settings()
    connector.heard.clear()
    return installed


@pytest.fixture
def door(site: WordPress, connector: Connector) -> Door:
    return Door(site, connector)
