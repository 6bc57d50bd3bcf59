"""Which addresses count as public, and that the one connected to is the one that was asked about."""

import pytest

from rowen.provider.transport import HttpTransport
from rowen.provider.transport.public import public
from rowen.testing.upstream import FaultUpstream, Reply
from rowen.values.errors import Refused


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "::",
        "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
        "ff02::1", "nonsense",
    ],
)  # fmt: skip
def test_addresses_of_one_s_own_network_are_not_public(address):
    assert not public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"])
def test_addresses_of_the_internet_are_public(address):
    assert public(address)


async def test_a_name_without_an_allowed_address_is_not_connected_to():
    async with FaultUpstream() as up:
        up.on("/", Reply(body=b"secret"))
        transport = HttpTransport(allowed=public)

        with pytest.raises(Refused) as caught:
            await transport.open("GET", up.url.replace("127.0.0.1", "localhost") + "/", {}, b"", connect_timeout=5)
        await transport.close()

    assert caught.value.code == "address_refused"
    assert not up.requests
