"""Where outgoing requests may go: the SSRF rule, integration spec C6.

Stage (a), here: :func:`check_url` on the literal URL, before anything is sent; it holds with a mocked transport too.
Stage (b): `helpers.rules.egress_transport` resolves the name, has every answer checked by :func:`check_address`, and
connects to one of the checked addresses without a second look-up.
"""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx

from helpers.errors import TargetRefused
from helpers.ports import HelperSettings

REFUSED_NAMES = frozenset({"localhost", "metadata", "metadata.google.internal", "instance-data"})
REFUSED_SUFFIXES = (".localhost", ".local", ".internal", ".localdomain")

LARGEST_PORT = 65535

# Written out instead of ipaddress.is_global, whose answers change between Python patch releases.
REFUSED_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only this block is assigned to global unicast; all else (::1, fc00::/7, fe80::/10, ff00::/8, ...) lies outside it.
GLOBAL_IPV6 = IPv6Network("2000::/3")
REFUSED_IPV6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20"))
IPV4_COMPATIBLE = IPv6Network("::/96")
NAT64 = IPv6Network("64:ff9b::/96")

# What is left of a host name after IDNA; httpx percent-encodes anything else instead of refusing it, and the
# system's look-up breaks on an empty label or one of more than 63 characters.
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_IPV4_PART = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+", re.ASCII)


def check_url(url: str | httpx.URL, settings: HelperSettings) -> httpx.URL:
    """The parsed URL if its literal form may be a target.

    Raises TargetRefused: not http(s), user info in it, no host, no possible port, a refused name or address.
    """
    try:
        target = httpx.URL(url.strip() if isinstance(url, str) else url)
        target.host  # noqa: B018 - decodes the name: httpx takes any xn-- label and fails later, while it sends
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise TargetRefused(f"the URL is not valid: {exc}") from exc
    if target.scheme not in ("http", "https"):
        raise TargetRefused("the URL has to start with https:// or http://")
    if target.userinfo:
        raise TargetRefused("the URL may not hold a user name or password")
    if target.port is not None and not 1 <= target.port <= LARGEST_PORT:
        raise TargetRefused(f"the URL's port has to be from 1 to {LARGEST_PORT}")
    check_host(target.raw_host.decode("ascii"), target.port or (443 if target.scheme == "https" else 80), settings)
    return target


def check_host(host: str, port: int, settings: HelperSettings) -> IPv4Address | IPv6Address | None:
    """The address that the host is written as, None for a name. Raises TargetRefused."""
    name = host.lower().rstrip(".")
    if not name:
        raise TargetRefused("the URL needs a host")
    address = literal_address(name)
    if address is None and not _NAME.fullmatch(host.lower()):
        raise TargetRefused("the URL's host is no possible host name")
    if settings.allow_private_targets or is_exempt_host(name, port, settings):
        return address
    if address is not None:
        check_address(address, settings)
    elif name in REFUSED_NAMES or name.endswith(REFUSED_SUFFIXES) or "." not in name:
        raise TargetRefused(f"{name} is not a public host name")
    return address


def check_address(address: IPv4Address | IPv6Address, settings: HelperSettings) -> None:
    """Raise TargetRefused unless the address is globally routable or the operator has exempted it."""
    if settings.allow_private_targets or is_globally_routable(address):
        return
    if any(address in network for network in _exempt_networks(settings)):
        return
    raise TargetRefused(f"{address} is not a public address")


def is_exempt_host(host: str, port: int, settings: HelperSettings) -> bool:
    """Whether the operator has listed the host, or the host with this port, in ``allowed_hosts``."""
    name = f"[{host}]" if ":" in host else host
    spellings = {host, name, f"{name}:{port}"}
    return any(entry.strip().lower().rstrip(".") in spellings for entry in settings.allowed_hosts)


def is_globally_routable(address: IPv4Address | IPv6Address) -> bool:
    """Whether the internet routes the address. An IPv6 form that only carries an IPv4 address is judged by that."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_IPV4)
    carried = _carried_ipv4(address)
    if carried is not None:
        return is_globally_routable(carried)
    return address in GLOBAL_IPV6 and not any(address in network for network in REFUSED_IPV6)


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address of a host written as one, in any notation that a resolver would take; None for a name.

    Raises TargetRefused for text that ends in a number and yet is no address, such as ``1.2.3.4.5``.
    """
    if "%" in host:
        raise TargetRefused("the URL's host may hold neither escapes nor a scope id")
    if ":" in host:
        try:
            return IPv6Address(host)
        except ValueError as exc:
            raise TargetRefused("the URL has a malformed IPv6 address") from exc
    parts = host.rstrip(".").split(".")
    if not _IPV4_PART.fullmatch(parts[-1]):
        return None
    try:
        return _loose_ipv4(parts)
    except ValueError as exc:
        raise TargetRefused("the URL has a malformed IPv4 address") from exc


def _loose_ipv4(parts: list[str]) -> IPv4Address:
    """inet_aton: 1-4 parts, each decimal, octal (0...) or hexadecimal (0x...); the last one fills what is left."""
    if len(parts) > 4 or not all(_IPV4_PART.fullmatch(part) and len(part) <= 16 for part in parts):
        raise ValueError("too many parts, or one is no number")
    numbers = [_part_number(part) for part in parts]
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):
        raise ValueError("a part is too large")
    return IPv4Address(sum(number << 8 * (3 - index) for index, number in enumerate(leading)) + last)


def _part_number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    return int(part, 8 if len(part) > 1 and part[0] == "0" else 10)


def _carried_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64 or address in IPV4_COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _exempt_networks(settings: HelperSettings) -> list[IPv4Network | IPv6Network]:
    networks: list[IPv4Network | IPv6Network] = []
    for entry in settings.allowed_hosts:
        try:
            networks.append(ipaddress.ip_network(entry.strip(), strict=False))
        except ValueError:
            continue  # a host name, not a CIDR
    return networks
