"""Which addresses the connector may be led to: the table behind every outgoing request.

`requests_hardened` asks `ipaddress.is_private` and a list of its own. What that lets through depends on Python's
version and misses ways to write an IPv4 address inside an IPv6 one, so IPv6 is turned round here: only global unicast,
less the blocks in it that are none.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Refused even on the owner's own network: no website lives there, and clouds hand out their credentials from it.
_NEVER: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(block), why)
    for block, why in (
        ("0.0.0.0/8", "“this network”, RFC 1122 §3.2.1.3"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata, RFC 3927"),
        ("224.0.0.0/4", "multicast, RFC 5771"),
        ("240.0.0.0/4", "reserved, RFC 1112 §4"),
        ("::/128", "unspecified, RFC 4291 §2.5.2"),
        ("fe80::/10", "link-local, RFC 4291 §2.5.6"),
        ("ff00::/8", "multicast, RFC 4291 §2.7"),
        ("fd00:ec2::254/128", "Amazon's metadata address"),
        ("fd20:ce::254/128", "Google's metadata address"),
        ("100.100.100.200/32", "Alibaba's metadata address"),
        ("168.63.129.16/32", "Azure's platform address, which hands out certificates; it is a public one"),
        ("192.0.0.192/32", "Oracle's metadata address"),
    )
)

_PRIVATE: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(block), why)
    for block, why in (
        ("10.0.0.0/8", "private, RFC 1918"),
        ("100.64.0.0/10", "carrier-grade NAT, RFC 6598"),
        ("127.0.0.0/8", "loopback, RFC 1122 §3.2.1.3"),
        ("172.16.0.0/12", "private, RFC 1918"),
        ("192.0.0.0/24", "protocol assignments, RFC 6890"),
        ("192.0.2.0/24", "documentation, RFC 5737"),
        ("192.88.99.0/24", "6to4 relay, RFC 7526"),
        ("192.168.0.0/16", "private, RFC 1918"),
        ("198.18.0.0/15", "benchmarks, RFC 2544"),
        ("198.51.100.0/24", "documentation, RFC 5737"),
        ("203.0.113.0/24", "documentation, RFC 5737"),
        ("2001::/23", "protocol assignments, RFC 2928; with Teredo, RFC 4380, and ORCHID, RFC 7343"),
        ("2001:db8::/32", "documentation, RFC 3849"),
        ("2002::/16", "6to4, which holds an IPv4 address, RFC 3056"),
        ("3fff::/20", "documentation, RFC 9637"),
    )
)

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that IANA gives out, RFC 4291 §2.4
_ALLOWED_AT_HOME = (ipaddress.ip_network("::1/128"), ipaddress.ip_network("fc00::/7"))
_ISATAP = (0x00005EFE, 0x02005EFE)  # the upper half of an interface id that ends in an IPv4 address, RFC 5214 §6.1


def forbidden(address: Address, private_network: bool = False) -> str:
    """Explain why an address must not be called, or "" when it may.

    `private_network` allows loopback and the owner's own network.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:  # ::ffff:a.b.c.d reaches a.b.c.d itself, RFC 4291 §2.5.5.2
            return forbidden(address.ipv4_mapped, private_network)
        if address.scope_id is not None:
            return "link-local with a zone, RFC 4007"
    why = _listed(address, _NEVER)
    if why:
        return why
    if isinstance(address, ipaddress.IPv6Address):
        if private_network and any(address in network for network in _ALLOWED_AT_HOME):
            return ""
        # Everything else holds loopback, unique-local, site-local (RFC 3879), SRv6 (RFC 9602), and the forms that
        # smuggle an IPv4 address in: compatible (RFC 4291 §2.5.5.1), translated (RFC 7915), NAT64 (RFC 6052, 8215).
        if address not in _GLOBAL_UNICAST:
            return "no global unicast address, RFC 4291 §2.4"
        if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
            return "ISATAP, which holds an IPv4 address, RFC 5214"
        return _listed(address, _PRIVATE)
    return "" if private_network else _listed(address, _PRIVATE)


def _listed(address: Address, table: tuple[tuple[Network, str], ...]) -> str:
    return next((why for network, why in table if address.version == network.version and address in network), "")
