"""The kernel's tier under packets that nobody should send."""

from collections.abc import Iterator

import pytest

from tests.rtp.hostile import PORTS, HostileTests
from tests.rtp.kernel.test_twin import Relayed, maps
from tests.rtp.twin import Phone
from tests.support import namespace

__all__ = ["maps"]  # a fixture, used by its name
pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(bool(namespace.missing()), reason=namespace.missing() or "-"),
]


@pytest.fixture
def tier(maps: list[int]) -> Iterator[Relayed]:
    relayed = Relayed(maps, PORTS)
    yield relayed
    assert relayed.loop.fast is not None
    relayed.loop.clear()
    assert len(relayed.loop.fast) == 0
    left = list(relayed.loop.fast._legs.keys())
    relayed.loop.close()
    Phone.close_all()
    assert left == []


class TestKernel(HostileTests):
    """The kernel tier owes what every tier owes."""
