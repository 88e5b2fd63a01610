from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.answer import Answer
from sip.flow import Flow
from sip.message import Request
from sip.registrar import Bindings, RegistrarLimits
from tests.sip.net import BOX, PHONE, Phone

UDP = Flow("UDP", BOX, PHONE)
TCP = Flow("TCP", BOX, PHONE, 4)
LIMITS = RegistrarLimits(minimum=60, maximum=3600, default=600, contacts=3)


class Site:
    def __init__(self) -> None:
        self.changed: list[str] = []
        self.renewed: list[str] = []
        self.bindings = Bindings(LIMITS, self.changed.append, self.renewed.append)
        self.phone = Phone()
        self.now = 100.0

    def register(
        self,
        *contacts: str,
        expires: int | None = None,
        flow: Flow = UDP,
        cseq: int | None = None,
        **more: object,
    ) -> Answer:
        return self.send(self.request(*contacts, expires=expires, cseq=cseq, **more), flow)

    def request(
        self, *contacts: str, expires: int | None = None, cseq: int | None = None, **more: object
    ) -> Request:
        headers = tuple(("Contact", contact) for contact in contacts)
        if expires is not None:
            headers = (*headers, ("Expires", str(expires)))
        return self.phone.request("REGISTER", contact=False, headers=headers, cseq=cseq, **more)  # type: ignore[arg-type]

    def send(self, request: Request, flow: Flow = UDP) -> Answer:
        return self.bindings.register("a", request, flow, self.now)

    def uris(self) -> list[str]:
        return [binding.uri for binding in self.bindings.lookup("a", self.now)]


def listed(answer: Answer) -> list[str]:
    assert answer.status == 200
    return [value for name, value in answer.headers if name == "Contact"]


def test_a_contact_is_bound_found_listed_and_expires() -> None:
    site = Site()
    answer = site.register("<sip:101@192.0.2.9:5062;transport=UDP>;q=0.5", expires=300)
    assert listed(answer) == ["<sip:101@192.0.2.9:5062;transport=UDP>;q=0.5;expires=300"]
    (binding,) = site.bindings.lookup("a", site.now)
    assert (binding.uri, binding.flow, binding.q) == ("sip:101@192.0.2.9:5062;transport=UDP", UDP, 500)
    assert site.changed == ["a"]
    assert site.bindings.next_deadline() == 400
    site.now += 299.5
    assert listed(site.register()) == ["<sip:101@192.0.2.9:5062;transport=UDP>;q=0.5;expires=1"]
    site.now += 0.5
    assert site.uris() == []
    assert site.changed == ["a", "a"]
    assert len(site.bindings) == 0


def test_a_refresh_renews_the_binding_and_another_way_makes_a_new_one() -> None:
    site = Site()
    site.register("<sip:101@192.0.2.9>", expires=300)
    site.register("<sip:102@192.0.2.9>", expires=300)
    first = next(one for one in site.bindings.lookup("a", site.now) if "101" in one.uri)
    site.now += 100
    assert listed(site.register("<sip:101@192.0.2.9>", expires=600)) == [
        "<sip:102@192.0.2.9>;expires=200",
        "<sip:101@192.0.2.9>;expires=600",
    ]
    assert site.bindings.lookup("a", site.now)[0] is first
    assert first.expires_at == site.now + 600
    assert (site.changed, site.renewed) == (["a", "a"], ["a"])
    site.register("<sip:101@192.0.2.9>", expires=600, flow=TCP)
    newest = site.bindings.lookup("a", site.now)[0]
    assert newest is not first
    assert (newest.flow, first.flow) == (TCP, UDP)
    site.bindings.flow_closed(TCP)
    assert site.uris() == ["sip:102@192.0.2.9"]
    site.register("<sip:102@192.0.2.9>", expires=0)
    assert site.uris() == []


@pytest.mark.parametrize(
    ("contact", "expires", "granted"),
    [
        ("<sip:101@h>", None, 600),
        ("<sip:101@h>", 1200, 1200),
        ("<sip:101@h>", 99999, 3600),
        ("<sip:101@h>;expires=70", 1200, 70),
        ("<sip:101@h>;expires=4294967295", None, 3600),
    ],
)
def test_lifetimes_asked_and_granted(contact: str, expires: int | None, granted: int) -> None:
    assert listed(Site().register(contact, expires=expires))[0].endswith(f";expires={granted}")


def test_too_short_is_423_and_changes_nothing() -> None:
    site = Site()
    assert site.register("<sip:101@h>", "<sip:102@h>;expires=5") == Answer(423, (("Min-Expires", "60"),))
    assert site.uris() == []
    assert site.changed == []


def test_a_repeat_gets_the_same_answer_and_changes_nothing() -> None:
    site = Site()
    request = site.request("<sip:101@h>", expires=300)
    first = site.send(request)
    site.now += 7.7
    assert site.send(request) == first
    assert site.changed == ["a"]
    assert site.bindings.next_deadline() == 400


def test_a_refresh_prolongs_and_an_older_one_is_refused() -> None:
    site = Site()
    site.register("<sip:101@h>", expires=300)
    site.now += 100
    site.register("<sip:101@h>", expires=300)
    assert site.bindings.next_deadline() == 500
    assert site.register("<sip:101@h>", expires=0, cseq=1).status == 500
    assert site.uris() == ["sip:101@h"]


def test_another_life_of_the_phone_may_begin_counting_anew() -> None:
    site = Site()
    site.register("<sip:101@h>", cseq=50)
    site.phone = Phone()
    assert site.register("<sip:101@h>", cseq=1).status == 200
    assert len(site.bindings) == 1


def test_zero_removes_one_and_a_star_removes_all() -> None:
    site = Site()
    site.register("<sip:101@h>", "<sip:102@h>", "<sip:103@h>")
    assert len(listed(site.register("<sip:102@h>;expires=0"))) == 2
    star = site.request("*", expires=0)
    assert listed(site.send(star)) == []
    assert site.send(star) == Answer(200, ())
    assert len(site.bindings) == 0
    assert site.bindings.next_deadline() is None


@pytest.mark.parametrize("expires", [None, 60])
def test_a_star_stands_with_expires_0_only(expires: int | None) -> None:
    site = Site()
    site.register("<sip:101@h>")
    assert site.register("*", expires=expires).status == 400
    assert site.uris() == ["sip:101@h"]


def test_an_old_star_removes_nothing() -> None:
    site = Site()
    site.register("<sip:101@h>", cseq=9)
    assert site.register("*", expires=0, cseq=8).status == 500
    assert site.uris() == ["sip:101@h"]


def test_the_same_uri_by_rfc_3261_is_the_same_contact() -> None:
    site = Site()
    site.register("<sip:101@HOST.invalid:5060;Transport=udp>")
    site.register("<sip:101@host.invalid:5060;transport=UDP>")
    assert len(site.bindings) == 1


def test_the_same_instance_replaces_its_contact() -> None:
    site = Site()
    tail = ';+sip.instance="<urn:uuid:1>";reg-id=1'
    site.register(f"<sip:101@192.0.2.9:1>{tail}")
    site.register(f"<sip:101@192.0.2.9:2>{tail}")
    assert site.uris() == ["sip:101@192.0.2.9:2"]


def test_contacts_are_bounded_and_the_one_that_ends_first_gives_way() -> None:
    site = Site()
    for number in range(5):
        site.register(f"<sip:{number}@h>", expires=100 + number)
    assert site.uris() == ["sip:4@h", "sip:3@h", "sip:2@h"]
    assert site.register(*(f"<sip:x{number}@h>" for number in range(4))).status == 403


@pytest.mark.parametrize("contact", ["<tel:112>", "<mailto:a@b>", f"<sip:{'x' * 1100}@h>"])
def test_a_contact_we_could_not_call_is_refused(contact: str) -> None:
    assert Site().register(contact).status == 400


def test_the_best_way_comes_first() -> None:
    site = Site()
    site.register("<sip:low@h>;q=0.1", "<sip:high@h>", "<sip:mid@h>;q=0.7")
    assert site.uris() == ["sip:high@h", "sip:mid@h", "sip:low@h"]


@pytest.mark.parametrize(
    ("contact", "via", "remote"),
    [
        # Asked for symmetry: where it came from.
        ("sip:101@192.0.2.9:5099", "192.0.2.9:5062;branch=z9hG4bK1;rport", ("192.0.2.9", 5062)),
        # Translated: its own address leads nowhere from here.
        ("sip:101@10.0.0.3:5099", "10.0.0.3:5062;branch=z9hG4bK1", ("192.0.2.9", 5062)),
        ("sip:101@df7jal23ls0d.invalid", "df7jal23ls0d.invalid;branch=z9hG4bK1;rport", ("192.0.2.9", 5062)),
        # Sends from one port and listens on another.
        ("sip:101@192.0.2.9:5099", "192.0.2.9:5062;branch=z9hG4bK1", ("192.0.2.9", 5099)),
        ("sip:101@192.0.2.9", "192.0.2.9:5062;branch=z9hG4bK1", ("192.0.2.9", 5060)),
    ],
)
def test_the_way_to_a_udp_contact(contact: str, via: str, remote: tuple[str, int]) -> None:
    site = Site()
    site.register(f"<{contact}>", via=f"SIP/2.0/UDP {via}")
    (binding,) = site.bindings.lookup("a", site.now)
    assert binding.flow.remote[0] == remote[0]
    if "10.0.0.3" not in contact:
        assert binding.flow.remote == remote


def test_a_stream_contact_lives_as_long_as_its_connection() -> None:
    site = Site()
    site.register("<sip:101@10.0.0.3:5099;transport=tcp>", flow=TCP)
    site.register("<sip:102@192.0.2.9>", flow=UDP)
    assert (
        site.bindings.lookup("a", site.now)[1].flow == TCP
        or site.bindings.lookup("a", site.now)[0].flow == TCP
    )
    site.bindings.flow_closed(Flow("TCP", BOX, PHONE, 5))
    assert len(site.bindings) == 2
    site.bindings.flow_closed(TCP)
    assert site.uris() == ["sip:102@192.0.2.9"]
    assert site.changed == ["a", "a", "a"]
    assert not site.bindings._connections


def test_what_is_saved_comes_back_but_not_over_dead_connections() -> None:
    site = Site()
    site.register("<sip:101@192.0.2.9>;q=0.3", expires=300)
    site.register("<sip:102@192.0.2.9;transport=tcp>", flow=TCP)
    site.now += 100
    saved = site.bindings.dump(site.now)
    assert len(saved) == 2
    assert site.bindings.dump(site.now, "other") == []
    again = Bindings(LIMITS)
    again.load(saved, 5000.0)
    (binding,) = again.lookup("a", 5000.0)
    assert (binding.uri, binding.q, binding.flow) == ("sip:101@192.0.2.9", 300, UDP)
    assert again.next_deadline() == 5200
    assert again.dump(5000.0)[0] == saved[0]


def test_removing_and_expiring_on_request() -> None:
    site = Site()
    site.register("<sip:101@h>", expires=60)
    site.bindings.expire(159)
    assert len(site.bindings) == 1
    site.bindings.expire(160)
    assert len(site.bindings) == 0
    site.register("<sip:101@h>")
    site.bindings.remove("a")
    site.bindings.remove("a")
    assert site.uris() == []
    assert site.changed == ["a"] * 4


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from([0, 60, 300, 9999]),
            st.integers(0, 3),
            st.sampled_from([0, 1, 90]),
        ),
        max_size=30,
    )
)
def test_bindings_stay_bounded_and_their_indexes_true(steps: list[tuple[int, int, int, int]]) -> None:
    site = Site()
    answer: Callable[..., Answer] = site.register
    for user, expires, connection, wait in steps:
        flow = UDP if connection == 0 else Flow("TCP", BOX, PHONE, connection)
        assert answer(f"<sip:{user}@h>", expires=expires, flow=flow).status == 200
        site.now += wait
        if wait == 1:
            site.bindings.flow_closed(flow)
        assert len(site.bindings) <= LIMITS.contacts
        alive = {binding.flow.id for binding in site.bindings.lookup("a", site.now)} - {0}
        assert set(site.bindings._connections) == alive


FLOW = '<sip:a@192.0.2.9:5062;ob>;+sip.instance="<urn:uuid:1>"'


def test_a_phone_that_asks_for_outbound_learns_that_its_flow_is_used_and_for_how_long() -> None:
    site = Site()
    asked = site.request(f"{FLOW};reg-id=1")
    assert "Flow-Timer" not in dict(site.send(asked).headers)
    phone = Site()
    headers = (("Contact", f"{FLOW};reg-id=1"), ("Supported", "path, outbound"))
    request = phone.phone.request("REGISTER", contact=False, headers=headers)
    told = dict(phone.send(request, TCP).headers)
    assert (told["Require"], told["Flow-Timer"]) == ("outbound", "120")
    again = phone.phone.request("REGISTER", contact=False, headers=headers)
    # By datagram a phone must speak before a translator forgets it: 30 s are what most grant at least.
    assert dict(phone.send(again, UDP).headers)["Flow-Timer"] == "30"
    plain = (("Contact", "<sip:a@192.0.2.9>"), ("Supported", "outbound"))
    assert "Require" not in dict(
        phone.send(phone.phone.request("REGISTER", contact=False, headers=plain)).headers
    )
