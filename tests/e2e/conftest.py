"""One box for each file of tests here, on a network of its own."""

from collections.abc import Iterator

import pytest

from tests.support.office import Office


@pytest.fixture(scope="module")
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Start a box as the file asks: NET is its network, SITE what differs from the default site file."""
    module = request.module
    with Office(tmp_path_factory.mktemp("office"), module.NET, getattr(module, "SITE", None)) as office:
        yield office
