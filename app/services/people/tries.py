"""What slows guessing down: tries are counted before a password is looked at, and what was tried too often has to pause."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from app.db import tries as rows
from app.domain.errors import TooManyRequests
from app.domain.limits import ENTRY
from app.domain.time import MINUTE, SECOND
from app.services.core import Core

_RECOVERY = ENTRY.recovery_minutes * MINUTE


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tries something has before it must pause, and for how many seconds at most."""

    key: str
    free: int
    longest: float = ENTRY.longest_pause_seconds


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a try comes from: the address itself, what counts as one household, and who holds the range; "" for unknown."""

    address: str
    home: str
    range: str


def origin(address: str) -> Origin:
    """Read an address: IPv4 by itself and its /24, IPv6 by its /64 and its /48. What is none counts for nobody."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return Origin("", "", "")
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv4Address):
        around = str(ipaddress.ip_network(f"{found}/24", strict=False))
        return Origin(str(found), around, around)
    home, wide = (str(ipaddress.ip_network(f"{found}/{bits}", strict=False)) for bits in (64, 48))
    return Origin(home, home, wide)


def spend(core: Core, budgets: Collection[Budget]) -> dict[str, int]:
    """Count one try against each budget, durably and at once for all processes; give what each had before, by its key.

    Raise `TooManyRequests`, and count nothing, while one of them has to pause: a pause is not made longer by asking.
    """
    now = core.now()
    with core.db.write() as connection:
        found = rows.locked(connection, [budget.key for budget in budgets])
        counts = {row.key: max(row.count - (now - row.tried_at) // _RECOVERY, 0) for row in found.values()}
        wait = max(_wait(budget, counts[budget.key], now - found[budget.key].tried_at) for budget in budgets)
        if wait > 0:
            raise TooManyRequests("Too many wrong passwords.", -(-wait // SECOND))
        for key, count in counts.items():
            rows.keep(connection, key, count + 1, now)
    return counts


def _wait(budget: Budget, count: int, passed: int) -> int:
    """Give what is left of a pause, in microseconds."""
    if count < budget.free:
        return 0
    doubled = ENTRY.first_pause_seconds * 2 ** min(count - budget.free, 30)
    return int(min(doubled, budget.longest) * SECOND) - passed


def give_back(core: Core, budgets: Collection[Budget]) -> None:
    """Take a try back that was none: the password was right, or was not looked at."""
    with core.db.write() as connection:
        rows.give_back(connection, [budget.key for budget in budgets])
