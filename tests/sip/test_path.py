from __future__ import annotations

import pytest

from sip.errors import BadMessage
from sip.flow import Flow
from sip.path import LONGEST, MOST, first_hop_serves_outbound, path_of, told
from sip.registrar import Bindings, by_device
from tests.sip.net import BOX, PHONE, Bench, response
from tests.sip.test_registrar import UDP, Site

NEAR, EDGE = "<sip:near.example;lr>", "<sip:token@edge.example:5070;transport=tcp;lr;ob>"
CONTACT = "<sip:101@10.0.0.7:5062>"
BOTH = (("Path", f"{NEAR}, {EDGE}"), ("Supported", "path, outbound"))


def register(site: Site, *headers: tuple[str, str], contact: str = CONTACT, flow: Flow = UDP) -> object:
    request = site.phone.request("REGISTER", contact=False, headers=(("Contact", contact), *headers))
    return site.send(request, flow)


def test_it_is_kept_told_and_becomes_the_route() -> None:
    site = Site()
    answer = site.send(site.phone.request("REGISTER", contact=False, headers=(("Contact", CONTACT), *BOTH)))
    assert [value for name, value in answer.headers if name == "Path"] == [NEAR, EDGE]
    [binding] = site.bindings.lookup("a", site.now)
    assert binding.path == (NEAR, EDGE)
    assert binding.routes == (("Route", NEAR), ("Route", EDGE))
    # The proxy is where the request came from; the contact's own address leads nowhere from here.
    assert binding.flow.remote == PHONE


def test_who_does_not_know_of_it_is_not_told_and_reached_all_the_same() -> None:
    site = Site()
    answer = site.send(site.phone.request("REGISTER", contact=False, headers=(("Contact", CONTACT), BOTH[0])))
    assert answer.status == 200
    assert "Path" not in dict(answer.headers)
    assert site.bindings.lookup("a", site.now)[0].path == (NEAR, EDGE)


def test_another_path_is_a_change_and_the_same_is_none() -> None:
    site = Site()
    register(site, *BOTH)
    register(site, *BOTH)
    assert (site.changed, site.renewed) == (["a"], ["a"])
    register(site, ("Path", NEAR))
    assert site.changed == ["a", "a"]
    assert site.bindings.lookup("a", site.now)[0].path == (NEAR,)


@pytest.mark.parametrize(
    "value",
    [
        "<sip:strict.example>",
        "<tel:1>",
        "<sip:broken",
        ", ".join([NEAR] * (MOST + 1)),
        f"<sip:{'x' * LONGEST}.example;lr>",
    ],
)
def test_what_cannot_be_a_route_is_refused_and_changes_nothing(value: str) -> None:
    site = Site()
    request = site.phone.request("REGISTER", contact=False, headers=(("Contact", CONTACT), ("Path", value)))
    with pytest.raises(BadMessage):
        path_of(request)
    assert site.send(request).status == 400
    assert len(site.bindings) == 0


def test_it_outlives_a_restart() -> None:
    site = Site()
    register(site, *BOTH)
    fresh = Bindings(site.bindings.limits)
    fresh.load(site.bindings.dump(site.now), site.now)
    assert fresh.lookup("a", site.now)[0].path == (NEAR, EDGE)


def test_outbound_through_a_proxy_is_granted_where_the_first_proxy_serves_it() -> None:
    assert first_hop_serves_outbound((NEAR, EDGE))
    assert not first_hop_serves_outbound((EDGE, NEAR))
    assert not first_hop_serves_outbound(())
    contact = f'{CONTACT};+sip.instance="<urn:uuid:1>";reg-id=1'
    for path, granted in ((f"{NEAR}, {EDGE}", True), (NEAR, False)):
        site = Site()
        headers = (("Contact", contact), ("Path", path), ("Supported", "path, outbound"))
        request = site.phone.request("REGISTER", contact=False, headers=headers)
        request.add("Via", "SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bK-first")
        assert ("outbound" in dict(site.send(request).headers).get("Require", "")) is granted


def test_told_reads_the_option_tag_as_any_case() -> None:
    site = Site()
    assert told(site.phone.request("REGISTER", headers=(("Supported", "timer, PATH"),)))
    assert not told(site.phone.request("REGISTER", headers=(("Supported", "timer"),)))


def test_a_registrar_that_is_required_to_know_it_does() -> None:
    site = Site()
    bench = Bench(handlers={"REGISTER": lambda request, flow, _, now: site.send(request, flow)})
    required = site.phone.request("REGISTER", headers=(("Require", "path"), ("Path", NEAR)))
    assert response(bench.feed(required), 200)
    assert response(Bench().feed(site.phone.request("OPTIONS", headers=(("Require", "path"),))), 420)


def test_flows_of_one_device_are_one_way_after_the_other() -> None:
    site = Site()
    for number, (instance, flow) in enumerate((("1", 1), ("1", 2), ("2", 1)), 1):
        contact = f'<sip:{number}@h>;+sip.instance="<urn:uuid:{instance}>";reg-id={flow}'
        register(site, contact=contact, flow=Flow("TCP", BOX, PHONE, number))
    devices = by_device(site.bindings.lookup("a", site.now))
    assert sorted(sorted(binding.uri for binding in ways) for ways in devices) == [
        ["sip:1@h", "sip:2@h"],
        ["sip:3@h"],
    ]
    plain = Site()
    register(plain, contact="<sip:1@h>")
    register(plain, contact="<sip:2@h>")
    assert len(by_device(plain.bindings.lookup("a", plain.now))) == 2
