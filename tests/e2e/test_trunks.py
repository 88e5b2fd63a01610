"""Calls to the outside and from there: kamailio as a carrier we register at, sipp as one known by address."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import capture, kamailio, loopback
from tests.support.capture import Capture
from tests.support.kamailio import SECRET, Kamailio
from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 71
CARRIER, NETWORK, PEER = (loopback.address(NET, host) for host in (60, 61, 62))
USER = "+493012340"
CALLEE = "+4989123456"
SITE = {
    'country = "generic"': 'country = "de"',
    "[log]\n": f"""
[dialling]
main_number = "{USER}"
reception = "102"

[[trunk]]
name = "carrier"
mode = "register"
host = "{CARRIER}"
user = "{USER}"
number = "{USER}"
options_seconds = 2
answer_seconds = 2

[[trunk]]
name = "peer"
mode = "address"
host = "{PEER}"
options_seconds = 0
answer_seconds = 2
number_format = "00"
number = "{USER}"
identity = "asserted"

[log]
""",
}


@pytest.fixture(scope="module")
def carrier(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kamailio]:
    if kamailio.missing():
        pytest.skip(kamailio.missing())
    with Kamailio(tmp_path_factory.mktemp("carrier"), CARRIER, network=NETWORK) as carrier:
        office.box.cli("trunk", "secret", "carrier", stdin=f"{SECRET}\n")
        wait(lambda: trunk(office, "carrier")["up"])
        yield carrier


def trunk(office: Office, name: str) -> dict[str, Any]:
    """Return how a trunk is."""
    return next(row for row in office.box.ask("trunk.list") if row["name"] == name)


def wait(until: Callable[[], object], seconds: float = 40) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_trunk_registers_and_says_so(office: Office, carrier: Kamailio) -> None:
    row = trunk(office, "carrier")
    assert (row["server"], row["password"], row["failure"]) == (f"UDP {CARRIER}:5060", True, "")
    assert row["until"] > time.time() + 60
    shown = office.box.cli("trunk", "list")
    assert shown.splitlines()[1].startswith("carrier  up")
    assert SECRET not in shown + office.box.output()


def test_a_phone_calls_out_through_the_carrier(office: Office, carrier: Kamailio) -> None:
    before = len(office.records())
    with (
        office.sipp("uas_talk", 61, words={"RING": 200}) as callee,
        office.sipp("uac_talk", 21, "101", dialled="089123456", words={"TALK": 500}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    assert office.record(before + 1)["cause"] == "normal"
    assert trunk(office, "carrier")["calls"] == 0


def test_the_network_calls_a_phone_through_the_carrier(office: Office, carrier: Kamailio) -> None:
    before = len(office.records())
    with (
        office.phone("102", 22),
        office.sipp("uas_talk", 22, words={"RING": 100}) as callee,
        office.sipp(
            "uac_open", 61, server=f"{CARRIER}:5060",
            words={"TALK": 300, "CALLER": "+4940987654", "DIALLED": USER},
        ) as caller,
    ):  # fmt: skip
        caller.wait().expect(1)
        callee.wait().expect(1)
    record = office.record(before + 1)
    assert (record["cause"], record["ended_by"], record["callee"]) == ("normal", "caller", "102")


@pytest.mark.skipif(bool(capture.missing()), reason=capture.missing() or "there")
def test_what_the_carrier_is_told(office: Office, carrier: Kamailio, tmp_path: Path) -> None:
    """As another dissector reads it: the offer stays after the challenge, nothing inside gets out."""
    with (
        Capture(tmp_path / "out.pcapng", CARRIER) as seen,
        office.sipp("uas_talk", 61, words={"RING": 200}) as callee,
        office.sipp("uac_talk", 23, "101", dialled="089123456", words={"TALK": 300}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    sent = seen.read(
        f"sip.Method == INVITE && ip.dst == {CARRIER}",
        "sip.r-uri", "sip.from.addr", "sip.P-Asserted-Identity",
        "sdp.media.port", "sdp.connection_info.address", "sip.Call-ID", "sip.msg_hdr",
    )  # fmt: skip
    assert len(sent) >= 2
    assert {line[0] for line in sent} == {f"sip:{CALLEE}@{CARRIER}"}
    assert {line[1] for line in sent} == {f"sip:{USER}@{CARRIER}"}
    assert len({tuple(line[3:6]) for line in sent}) == 1  # trap 22
    for line in sent:
        assert "sip:101@" not in line[6]
        assert office.address(23) not in line[6]
    assert not seen.read("_ws.malformed", "frame.number")


def test_a_carrier_known_by_its_address_calls_and_is_called(office: Office) -> None:
    before = len(office.records())
    with (
        office.phone("102", 24),
        office.sipp("uas_talk", 24, words={"RING": 100}) as callee,
        office.sipp(
            "uac_open", 62, server=office.server,
            words={"TALK": 300, "CALLER": "004940987654", "DIALLED": "00493012340"},
        ) as caller,
    ):  # fmt: skip
        caller.wait().expect(1)
        callee.wait().expect(1)
    assert office.record(before + 1)["callee"] == "102"


def test_a_stranger_is_no_carrier(office: Office) -> None:
    with office.sipp(
        "uac_open", 63, server=office.server, seconds=5,
        words={"TALK": 1, "CALLER": "+4940987654", "DIALLED": USER},
    ) as stranger:  # fmt: skip
        outcome = stranger.wait()
    assert outcome.succeeded == 0
    assert "401 Unauthorized" in outcome.complaints


def test_an_outage_of_the_first_carrier_costs_no_call(
    office: Office, carrier: Kamailio, tmp_path: Path
) -> None:
    """Promises F27, F28: the second trunk takes the call, the first comes back by itself."""
    carrier.stop()
    with (
        office.sipp("uas_talk", 62, words={"RING": 200}) as callee,
        office.sipp("uac_talk", 25, "101", dialled="089123456", words={"TALK": 300}) as caller,
    ):
        caller.wait().expect(1)
        callee.wait().expect(1)
    wait(lambda: not trunk(office, "carrier")["up"])
    assert trunk(office, "carrier")["failure"] == "the carrier does not answer"
    with Kamailio(tmp_path / "again", CARRIER, network=NETWORK):
        wait(lambda: trunk(office, "carrier")["up"], 90)


@pytest.mark.skipif(bool(capture.missing()), reason=capture.missing() or "there")
def test_a_trunk_comes_and_goes_by_reload_and_a_stop_ends_its_registration(tmp_path: Path) -> None:
    if kamailio.missing():
        pytest.skip(kamailio.missing())
    added = f"""
[[trunk]]
name = "late"
mode = "register"
host = "{loopback.address(NET + 1, 60)}"
user = "{USER}"
"""
    with (
        Kamailio(tmp_path / "carrier", loopback.address(NET + 1, 60), network=NETWORK) as carrier,
        Office(tmp_path / "office", NET + 1) as office,
    ):
        assert office.box.ask("trunk.list") == []
        site = office.state / "site.toml"
        text = site.read_text()
        site.write_text(text + added)
        assert "trunk: late added" in office.box.cli("reload")
        office.box.cli("trunk", "secret", "late", stdin=f"{SECRET}\n")
        wait(lambda: trunk(office, "late")["up"])
        with Capture(tmp_path / "bye.pcapng", carrier.server[0]) as seen:
            assert office.box.stop() == 0
        ended = seen.read(
            "sip.CSeq.method == REGISTER && sip.Status-Code == 200", "sip.Expires", "sip.contact.uri"
        )
        assert len(ended) == 1
        assert ended[0][1] == ""  # it lists nobody any more
