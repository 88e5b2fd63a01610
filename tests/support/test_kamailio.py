"""The peer of the benchmark lets in who has the secret and nobody else."""

from pathlib import Path

import pytest

from tests.support import kamailio
from tests.support.kamailio import Kamailio
from tests.support.load import Login
from tests.support.storm import storm


@pytest.mark.skipif(bool(kamailio.missing()), reason=kamailio.missing() or "there")
def test_it_registers_who_has_the_secret(tmp_path: Path) -> None:
    with Kamailio(tmp_path, "127.0.69.1") as peer:
        assert storm(peer.server, "127.0.69.9", peer.logins(5)).registered == 5
        assert storm(peer.server, "127.0.69.9", [Login("200", "wrong")]).refused == 1
        assert peer.cpu() > 0
