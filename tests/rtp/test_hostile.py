"""The portable tier under packets that nobody should send."""

from collections.abc import Iterator

import pytest

from tests.rtp.hostile import PORTS, HostileTests
from tests.rtp.test_loop import Portable
from tests.rtp.twin import Phone


@pytest.fixture
def tier() -> Iterator[Portable]:
    portable = Portable(PORTS)
    yield portable
    portable.loop.close()
    Phone.close_all()


class TestPortable(HostileTests):
    """The portable tier owes what every tier owes."""
