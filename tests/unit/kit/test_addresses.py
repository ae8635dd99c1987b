from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.addresses import forbidden

# address · may be called · may be called on the owner's own network · what it is, and where that is written
TABLE = [
    ("93.184.216.34", True, True, "global, RFC 6890"),
    ("8.8.8.8", True, True, "global, RFC 6890"),
    ("0.0.0.0", False, False, "this host, RFC 1122 §3.2.1.3; Linux connects it to loopback"),  # noqa: S104
    ("0.1.2.3", False, False, "this network, RFC 1122 §3.2.1.3"),
    ("10.0.0.1", False, True, "private, RFC 1918"),
    ("10.255.255.255", False, True, "private, RFC 1918"),
    ("100.63.255.255", True, True, "global, just below RFC 6598"),
    ("100.64.0.1", False, True, "carrier-grade NAT, RFC 6598"),
    ("100.127.255.255", False, True, "carrier-grade NAT, RFC 6598"),
    ("100.128.0.0", True, True, "global, just above RFC 6598"),
    ("100.100.100.200", False, False, "a cloud's metadata inside RFC 6598"),
    ("127.0.0.1", False, True, "loopback, RFC 1122 §3.2.1.3"),
    ("127.255.255.254", False, True, "loopback, RFC 1122 §3.2.1.3"),
    ("169.254.169.254", False, False, "link-local with cloud metadata, RFC 3927"),
    ("169.254.0.1", False, False, "link-local, RFC 3927"),
    ("172.15.255.255", True, True, "global, just below RFC 1918"),
    ("172.16.0.1", False, True, "private, RFC 1918"),
    ("172.31.255.255", False, True, "private, RFC 1918"),
    ("172.32.0.0", True, True, "global, just above RFC 1918"),
    ("192.0.0.1", False, True, "protocol assignments, RFC 6890"),
    ("192.0.2.1", False, True, "documentation, RFC 5737"),
    ("192.88.99.1", False, True, "6to4 relay anycast, RFC 7526"),
    ("192.168.1.1", False, True, "private, RFC 1918"),
    ("198.18.0.1", False, True, "benchmarks, RFC 2544"),
    ("198.19.255.255", False, True, "benchmarks, RFC 2544"),
    ("198.51.100.1", False, True, "documentation, RFC 5737"),
    ("203.0.113.1", False, True, "documentation, RFC 5737"),
    ("224.0.0.1", False, False, "multicast, RFC 5771"),
    ("239.255.255.250", False, False, "multicast, RFC 2365"),
    ("240.0.0.1", False, False, "reserved, RFC 1112 §4"),
    ("255.255.255.255", False, False, "broadcast, RFC 919"),
    ("2606:4700::1111", True, True, "global unicast, RFC 4291 §2.4"),
    ("2a00:1450:4001::1", True, True, "global unicast, RFC 4291 §2.4"),
    ("::", False, False, "unspecified, RFC 4291 §2.5.2"),
    ("::1", False, True, "loopback, RFC 4291 §2.5.3"),
    ("::ffff:127.0.0.1", False, True, "IPv4-mapped loopback, RFC 4291 §2.5.5.2"),
    ("::ffff:10.0.0.1", False, True, "IPv4-mapped private, RFC 4291 §2.5.5.2"),
    ("::ffff:169.254.169.254", False, False, "IPv4-mapped link-local, RFC 4291 §2.5.5.2"),
    ("::ffff:8.8.8.8", True, True, "IPv4-mapped global, RFC 4291 §2.5.5.2"),
    ("::127.0.0.1", False, False, "IPv4-compatible, RFC 4291 §2.5.5.1"),
    ("::169.254.169.254", False, False, "IPv4-compatible, RFC 4291 §2.5.5.1"),
    ("::ffff:0:127.0.0.1", False, False, "IPv4-translated, RFC 7915"),
    ("64:ff9b::7f00:1", False, False, "NAT64, RFC 6052"),
    ("64:ff9b::a9fe:a9fe", False, False, "NAT64 of link-local, RFC 6052"),
    ("64:ff9b:1::a00:1", False, False, "local NAT64, RFC 8215"),
    ("100::1", False, False, "discard-only, RFC 6666"),
    ("2001::7f00:1", False, False, "Teredo, RFC 4380"),
    ("2001:2::1", False, False, "benchmarks, RFC 5180"),
    ("2001:20::1", False, False, "ORCHIDv2, RFC 7343"),
    ("2001:db8::1", False, False, "documentation, RFC 3849"),
    ("2002:7f00:1::1", False, False, "6to4 of loopback, RFC 3056"),
    ("2002:a9fe:a9fe::1", False, False, "6to4 of link-local, RFC 3056"),
    ("2a00:1450::5efe:7f00:1", False, False, "ISATAP of loopback, RFC 5214"),
    ("2a00:1450::200:5efe:a00:1", False, False, "ISATAP of private, RFC 5214"),
    ("3fff::1", False, False, "documentation, RFC 9637"),
    ("5f00::1", False, False, "SRv6, RFC 9602"),
    ("4000::1", False, False, "not given out, RFC 4291 §2.4"),
    ("fc00::1", False, True, "unique-local, RFC 4193"),
    ("fd12:3456::1", False, True, "unique-local, RFC 4193"),
    ("fd00:ec2::254", False, False, "a cloud's metadata inside RFC 4193"),
    ("fe80::1", False, False, "link-local, RFC 4291 §2.5.6"),
    ("fe80::1%1", False, False, "link-local with a zone, RFC 4007"),
    ("fec0::1", False, False, "site-local, RFC 3879"),
    ("ff02::1", False, False, "multicast, RFC 4291 §2.7"),
]


@pytest.mark.table("addresses that lead somewhere")
@pytest.mark.parametrize(("address", "public", "home", "what"), TABLE, ids=[row[0] for row in TABLE])
def test_table(address: str, public: bool, home: bool, what: str) -> None:
    assert (forbidden(ipaddress.ip_address(address)) == "") is public, what
    assert (forbidden(ipaddress.ip_address(address), private_network=True) == "") is home, what


@given(st.ip_addresses())
def test_never_laxer_than_the_standard_library(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_reserved or address.is_link_local or address.is_multicast or address.is_unspecified:
        mapped = getattr(address, "ipv4_mapped", None)
        assert forbidden(address) or mapped is not None
