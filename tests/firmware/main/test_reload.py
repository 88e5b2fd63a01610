"""A changed site takes hold in a running box: how people prove who they are."""

from pathlib import Path

import pytest

from tests.support.box import Box, free_port
from tests.support.sipwire import Wire, parameters

pytestmark = pytest.mark.timeout(180)


def test_one_listener_is_given_other_algorithms(tmp_path: Path) -> None:
    with Box(tmp_path / "state") as box, Wire("127.0.0.1", box.udp, free_port()) as wire:
        secret = box.secret("100")
        assert wire.register("100", secret, algorithm="MD5").status == 200
        site = box.state / "site.toml"
        own = 'transport = "udp"\ndigest = ["SHA-512-256", "SHA-256"]\n'
        site.write_text(site.read_text().replace('transport = "udp"\n', own))
        assert box.json("reload")["changes"] == [
            f"listener udp 127.0.0.1:{box.udp[1]}, digest: as [sip] becomes SHA-512-256 SHA-256; "
            "takes hold now"
        ]
        asked = wire.answer_to(wire.request("REGISTER", "sip:127.0.0.1", user="100"))
        offered = [parameters(each)["algorithm"] for each in asked.all("www-authenticate")]
        assert offered == ["SHA-512-256", "SHA-256"]
        for algorithm in offered:
            assert wire.register("100", secret, algorithm=algorithm).status == 200
