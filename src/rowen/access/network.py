"""Networks that a key may be used from, parsed once and then compared as integers."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from rowen.values import Mistaken

_MAPPED = 0xFFFF_0000_0000
"""The high bits of an IPv6 address that stands for an IPv4 one (`::ffff:0:0/96`, RFC 4291)."""
_MAPPED_MASK = (1 << 128) - (1 << 32)


@dataclass(frozen=True, slots=True)
class Network:
    """A range of addresses of one IP version."""

    version: int
    base: int
    mask: int

    def holds(self, version: int, number: int) -> bool:
        """Whether an address is in the range."""
        return version == self.version and number & self.mask == self.base

    def covers(self, other: "Network") -> bool:
        """Whether all of another range is in this one."""
        return self.holds(other.version, other.base) and other.mask & self.mask == self.mask


def network_of(text: str, place: str = "networks") -> Network:
    """Return a CIDR range. A range of IPv4-mapped IPv6 addresses is the IPv4 range that it stands for.

    Raises:
        Mistaken: `field_invalid` when the text is not a range, or has bits set beyond its prefix.

    """
    try:
        parsed: IPv4Network | IPv6Network = ip_network(text)
    except ValueError as error:
        raise Mistaken("field_invalid", f"{text!r} is not a network range such as 10.0.0.0/8", place=place) from error
    base, mask = int(parsed.network_address), int(parsed.netmask)
    if parsed.version == 6 and base & _MAPPED_MASK == _MAPPED and parsed.prefixlen >= 96:
        return Network(4, base & 0xFFFF_FFFF, mask & 0xFFFF_FFFF)
    return Network(parsed.version, base, mask)


def address_of(text: str) -> tuple[int, int] | None:
    """Return an address as its version and number, an IPv4-mapped one as IPv4; None when it is not an address."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    number = int(parsed)
    if parsed.version == 6 and number & _MAPPED_MASK == _MAPPED:
        return 4, number & 0xFFFF_FFFF
    return parsed.version, number


def is_loopback(text: str) -> bool:
    """Whether an address is of this machine."""
    found = address_of(text)
    return found is not None and (found[1] >> 24 == 127 if found[0] == 4 else found[1] == 1)


def neighbourhood(text: str) -> str:
    """Return what one person commands of an address: the IPv4 address itself, the first 64 bits of an IPv6 one."""
    found = address_of(text)
    if found is None:
        return "unknown"
    version, number = found
    return f"4-{number:08x}" if version == 4 else f"6-{number >> 64:016x}"
