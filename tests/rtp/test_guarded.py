"""Ends that prove who they are, in the loop, with sockets: what is heard, and what never leaves."""

from collections.abc import Iterator

import pytest
from pylibsrtp import Policy, Session

from rtp import control, dtls, ice, stun
from rtp.dtls import Identity
from rtp.keys import Keys
from rtp.link import ACTIVE, PASSIVE, Link
from rtp.packet import Packet
from rtp.plan import HOST
from rtp.stun import Message
from tests.rtp.test_loop import Portable
from tests.rtp.twin import BOX, Call, Phone
from tests.support.dtls_peer import OURS, THEIRS, Peer

PASSWORD = b"our-password-our-password"
ELSEWHERE = "127.0.0.9"


@pytest.fixture
def tier() -> Iterator[Portable]:
    tier = Portable()
    tier.loop.identity = Identity(*OURS[:2])
    yield tier
    tier.loop.close()
    Phone.close_all()


def check(*more: int, password: bytes = PASSWORD) -> bytes:
    attributes = [(stun.USERNAME, b"ours:theirs"), (stun.PRIORITY, bytes(4)), *[(each, b"") for each in more]]
    return Message(stun.REQUEST, bytes(12), tuple(attributes)).write(password)


class Proving(Call):
    """A call whose left phone shakes hands, with or without checks before, and whose right one is plain."""

    def __init__(self, tier: Portable, *, role: int = PASSIVE, checks: bool = True, **fields: object) -> None:
        super().__init__(tier)
        self.box = tier
        words = (b"ours", PASSWORD, b"theirs") if checks else ()
        self.link = Link(1, role, THEIRS[2], *words)
        self.peer = Peer(client=role == PASSIVE)
        self.out: Session | None = None
        self.change(self.left, **{"link": bytes(self.link), "mux": True, **fields})

    def check(self, *more: int, phone: Phone | None = None, password: bytes = PASSWORD) -> list[bytes]:
        one = phone or self.a
        one.rtp.sendto(check(*more, password=password), (BOX, self.left))
        self.tier.settle()
        return [data for data in Phone.raw(one.rtp) if data[0] < 4]

    def shake(self, phone: Phone | None = None) -> bool:
        """Whether the phone's handshake came to its end."""
        one = phone or self.a
        if self.link.role == ACTIVE:
            self.box.pass_time(0.5)  # until it says again what it began with
        said = self.peer.start()
        for _ in range(8):
            for each in said:
                one.rtp.sendto(each, (BOX, self.left))
            self.tier.settle()
            said = [
                more for each in Phone.raw(one.rtp) if 20 <= each[0] < 64 for more in self.peer.receive(each)
            ]
        if self.peer.done:
            material = self.peer.keys(56)
            client, server = material[:16] + material[32:44], material[16:32] + material[44:]
            theirs, ours = (client, server) if self.link.role == PASSIVE else (server, client)
            suite = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
            self.out = Session(Policy(theirs, Policy.SSRC_ANY_OUTBOUND, srtp_profile=suite))
            self.back = Session(Policy(ours, Policy.SSRC_ANY_INBOUND, srtp_profile=suite))
        return self.peer.done

    def say(self, text: bytes, phone: Phone | None = None) -> list[bytes]:
        assert self.out is not None
        packet = Packet(0, self.a.sequence, self.a.sequence * 160, 77, text)
        self.a.sequence += 1
        (phone or self.a).rtp.sendto(self.out.protect(bytes(packet)), (BOX, self.left))
        self.tier.settle()
        return self.b.heard()

    def hear(self, text: bytes, phone: Phone | None = None) -> list[bytes]:
        self.b.say(self.right, text)
        self.tier.settle()
        return [Packet.parse(self.back.unprotect(data)).payload for data in Phone.raw((phone or self.a).rtp)]

    def talks(self) -> bool:
        return self.say(b"one") == [b"one"] and self.hear(b"two") == [b"two"]


@pytest.mark.parametrize("role", [PASSIVE, ACTIVE])
@pytest.mark.parametrize("checks", [True, False])
def test_a_phone_that_proves_itself_talks_with_one_without_keys(
    tier: Portable, role: int, checks: bool
) -> None:
    call = Proving(tier, role=role, checks=checks)
    if checks:
        assert call.check(stun.USE_CANDIDATE)
    assert call.shake()
    assert call.talks()
    [keyed] = [each for each in tier.events() if isinstance(each, control.Keyed)]
    assert (keyed.port, keyed.association) == (call.left, 1)
    assert "Keyed" in repr(keyed)
    assert Keys.parse(keyed.keys).suite == 7


def test_before_it_has_proven_itself_it_is_sent_nothing(tier: Portable) -> None:
    call = Proving(tier)
    call.b.say(call.right, b"secret")
    tier.settle()
    assert Phone.raw(call.a.rtp) == []
    call.check(stun.USE_CANDIDATE)
    call.b.say(call.right, b"secret")
    tier.settle()
    assert Phone.raw(call.a.rtp) == []


def test_what_is_not_encrypted_is_not_heard(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.a.say(call.left, b"plain")
    tier.settle()
    call.shake()
    call.a.say(call.left, b"plain")
    tier.settle()
    assert call.b.heard() == []
    assert tier.statistics(call.left).packets == 0


def test_another_certificate_gets_no_media_and_is_counted(tier: Portable) -> None:
    call = Proving(tier)
    call.change(call.left, link=bytes(Link(2, PASSIVE, bytes(32), b"ours", PASSWORD, b"theirs")))
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert tier.loop.counters().unproven == 1
    call.b.say(call.right, b"secret")
    tier.settle()
    assert [data for data in Phone.raw(call.a.rtp) if data[0] >= 64] == []


def test_a_handshake_from_where_no_check_came_is_not_begun(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    stranger = Phone(ELSEWHERE)
    assert not call.shake(stranger)
    assert Phone.raw(stranger.rtp) == []


def test_without_checks_the_description_says_who_may_begin(tier: Portable) -> None:
    call = Proving(tier, checks=False, learning=HOST)
    assert not call.shake(Phone(ELSEWHERE))
    call.peer = Peer(client=True)
    assert call.shake()
    assert call.talks()


def test_only_an_authentic_nomination_moves_a_stream(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    moved = Phone(ELSEWHERE)
    assert call.check(stun.USE_CANDIDATE, phone=moved, password=b"another") == []
    assert call.talks()
    assert call.check(phone=moved)
    assert call.say(b"from elsewhere", phone=moved) == []
    assert call.talks()
    assert call.check(stun.USE_CANDIDATE, phone=moved)
    assert call.say(b"moved", phone=moved) == [b"moved"]
    assert call.hear(b"followed", phone=moved) == [b"followed"]
    assert Phone.raw(call.a.rtp) == []


def test_media_stops_when_the_far_end_shows_no_consent_and_a_check_brings_it_back(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    tier.pass_time(ice.CONSENT - 2)
    assert call.hear(b"still") == [b"still"]
    call.say(b"sound under its key is consent as well")
    tier.pass_time(ice.CONSENT - 2)
    assert call.hear(b"still") == [b"still"]
    tier.pass_time(3)
    assert call.hear(b"no more") == []
    call.check(stun.USE_CANDIDATE)
    assert call.hear(b"again") == [b"again"]


def test_its_reports_pass_muxed_and_encrypted(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    report = bytes.fromhex("80c90001") + b"ssrc"
    call.b.rtcp.sendto(report, (BOX, call.right + 1))
    tier.settle()
    [sealed] = Phone.raw(call.a.rtp)
    assert call.back.unprotect_rtcp(sealed) == report
    assert call.out is not None
    call.a.rtp.sendto(call.out.protect_rtcp(report), (BOX, call.left))
    tier.settle()
    assert call.b.reports() == [report]


def test_the_plan_may_change_around_it(tier: Portable) -> None:
    """Hold and resume, and the keys coming back from signalling, change nothing of the association."""
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    [keyed] = [each for each in tier.events() if isinstance(each, control.Keyed)]
    call.change(call.left, event=97)
    assert call.talks()
    call.change(call.left, srtp=keyed.keys, event=101)
    assert call.talks()


def test_another_association_begins_without_the_old_keys(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    call.change(call.left, link=bytes(Link(2, PASSIVE, THEIRS[2], b"ours", PASSWORD, b"theirs")))
    call.check(stun.USE_CANDIDATE)
    assert call.say(b"old key") == []
    assert call.hear(b"to whom?") == []
    call.peer = Peer(client=True)
    assert call.shake()
    assert call.talks()


def test_it_goes_on_in_another_media_process(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    events = tier.events()
    [keyed] = [each for each in events if isinstance(each, control.Keyed)]
    learned = [each for each in events if isinstance(each, control.Learned) and each.port == call.left][-1]
    tier.loop.clear()
    keys = Keys.parse(keyed.keys).masked(5)
    call.change(call.left, srtp=bytes(keys), source=(learned.host, learned.rtp))
    call.change(call.right)
    assert call.talks()


def test_an_end_that_needs_no_proof_any_more_is_an_ordinary_one(tier: Portable) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    assert call.talks()
    call.change(call.left, link=b"", srtp=b"", mux=False, window=9)
    tier.pass_time(3)
    Phone.raw(call.a.rtp)
    for _ in range(2):
        call.a.say(call.left, b"plain")
        tier.settle()
    assert call.b.heard()[-1:] == [b"plain"]


@pytest.mark.parametrize("first", [0, 1, 3, 4, 19, 20, 22, 63, 64, 127, 128, 191, 192, 255])
@pytest.mark.parametrize("size", [1, 12, 40, 1400])
def test_noise_of_every_kind_is_counted_and_changes_nothing(tier: Portable, first: int, size: int) -> None:
    call = Proving(tier)
    call.check(stun.USE_CANDIDATE)
    call.shake()
    stranger = Phone(ELSEWHERE)
    for phone in (stranger, call.a):
        phone.rtp.sendto(bytes([first]) * size, (BOX, call.left))
        tier.settle()
    assert Phone.raw(stranger.rtp) == []
    assert call.talks()
    counters = tier.loop.counters()
    assert counters.foreign + counters.bad >= 1


def test_the_spoofed_get_less_than_they_send(tier: Portable) -> None:
    call = Proving(tier, checks=False)
    [hello] = call.peer.start()
    for _ in range(20):
        call.a.rtp.sendto(hello, (BOX, call.left))
        tier.settle()
        assert sum(map(len, Phone.raw(call.a.rtp))) <= len(hello)
    assert not tier.loop.shaking


def test_a_removed_row_shakes_no_hands(tier: Portable) -> None:
    call = Proving(tier, role=ACTIVE, checks=False)
    assert tier.loop.shaking
    tier.remove(call.left)
    assert not tier.loop.shaking


def test_a_lost_flight_goes_out_again_by_the_loops_clock(tier: Portable) -> None:
    call = Proving(tier, role=ACTIVE, checks=False)
    tier.settle()
    assert len(Phone.raw(call.a.rtp)) == 1
    tier.pass_time(0.5)
    assert len(Phone.raw(call.a.rtp)) == 1


def test_what_the_far_end_says_before_its_answer_arrives_waits_for_it(tier: Portable) -> None:
    call = Proving(tier, link=bytes(Link.waiting()))
    [hello] = call.peer.start()
    call.a.rtp.sendto(check(stun.USE_CANDIDATE), (BOX, call.left))
    call.a.rtp.sendto(hello, (BOX, call.left))
    call.b.say(call.right, b"secret")
    tier.settle()
    assert Phone.raw(call.a.rtp) == []
    call.change(call.left, link=bytes(call.link))
    tier.settle()
    answer, *flight = Phone.raw(call.a.rtp)
    assert Message.parse(answer).kind == stun.SUCCESS
    for each in flight:
        for said in call.peer.receive(each):
            call.a.rtp.sendto(said, (BOX, call.left))
    assert call.shake()
    assert call.talks()


@pytest.mark.parametrize("again", [True, False])
def test_who_was_waited_for_may_be_another_or_nobody(tier: Portable, again: bool) -> None:
    call = Proving(tier, link=bytes(Link.waiting()))
    if again:
        tier.remove(call.left)
    call.change(call.left, link=b"", mux=False)
    assert call.exchange(b"one", b"two")[1] == [b"one"]
    assert call.exchange(b"three", b"four") == ([b"four"], [b"three"])


def test_what_a_handshake_needed_is_given_back_after_a_minute(tier: Portable) -> None:
    call = Proving(tier, checks=False)
    assert call.shake()

    def kept() -> bool:
        guard = tier.loop._ends[call.left].guard
        return guard is not None and guard._handshake is not None

    assert kept()
    tier.pass_time(dtls.LINGER + 1)
    assert not kept()
    for each in call.peer.flight:
        call.a.rtp.sendto(each, (BOX, call.left))
    assert call.talks()
