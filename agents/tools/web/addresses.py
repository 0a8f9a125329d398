"""Which network addresses a fetch may connect to: public ones, however they are written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

from contract.errors import FetchRefused

Address: TypeAlias = IPv4Address | IPv6Address
Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Host name and port -> every address of that host."""

_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_REFUSED = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocols among networks (RFC 6890); Python differs by version on parts of it
        "192.88.99.0/24",  # relays from IPv6 to IPv4 (RFC 7526), which Python calls global
        "64:ff9b:1::/48",  # translation inside one network (RFC 8215)
        "2001::/32",  # Teredo (RFC 4380): the host behind it is chosen by who wrote the address
    )
)


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Returns every address of a host. Raises FetchRefused when there is none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchRefused(f"the host '{host}' is not known: {error}") from error
    return [ip_address(str(entry[4][0])) for entry in found]


def is_public(address: Address) -> bool:
    """Returns whether an address belongs to the public internet.

    An IPv6 address that stands for an IPv4 one (mapped, compatible, NAT64 of RFC 6052, 6to4 of RFC 3056) is as public
    as the IPv4 address in it.
    """
    if any(address in network for network in _REFUSED if network.version == address.version):
        return False
    if isinstance(address, IPv6Address) and (inner := _embedded_ipv4(address)) is not None:
        return is_public(inner)
    special = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not special


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


async def public_address(host: str, port: int, resolver: Resolver) -> Address:
    """Returns the address to connect to. Raises FetchRefused if any address of the host is not public.

    All are looked at, since a host with a public and a private address would reach the private one sooner or later.
    """
    found = await resolver(host, port)
    refused = [address for address in found if not is_public(address)]
    if refused:
        raise FetchRefused(f"'{host}' is at {refused[0]}, which is not an address of the public internet")
    if not found:
        raise FetchRefused(f"the host '{host}' has no address")
    return found[0]
