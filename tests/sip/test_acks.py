import pytest

from sip.acks import Acks
from sip.errors import LocalError
from sip.flow import Flow
from sip.message import Request
from sip.transaction import INVITE_CLIENT, Transaction
from tests.sip.net import ANSWER, BOX, PHONE, Bench, Phone, only, reply, request

UDP = Flow("UDP", BOX, PHONE)


def after_2xx() -> tuple[Bench, Acks, Transaction, Request]:
    bench = Bench()
    invite = Phone().invite(
        cseq=3, headers=(("Authorization", "Digest x"), ("Proxy-Authorization", "Digest y"))
    )
    transaction = Transaction(INVITE_CLIENT, "key", UDP)
    transaction.request = invite
    return bench, Acks.take_over(bench.stack._core, transaction), transaction, invite


def test_an_ack_copies_the_credentials_and_the_number() -> None:
    bench, acks, transaction, invite = after_2xx()
    assert transaction.owner is acks
    acks.send(acks.dialog(reply(invite, 200)), "far", ANSWER)
    ack = request(bench.take(), "ACK")
    assert ack.cseq_number == 3
    assert ack.get("Authorization") == "Digest x"
    assert ack.get("Proxy-Authorization") == "Digest y"
    assert ack.body == ANSWER
    assert ack.branch != invite.branch


def test_a_repeat_before_the_ack_is_due_gets_nothing() -> None:
    bench, acks, transaction, invite = after_2xx()
    ok = reply(invite, 200)
    dialog = acks.dialog(ok)
    acks(transaction, "response", ok, bench.now)
    assert bench.take() == []
    acks.send(dialog, "far")
    ack = only(bench.take())
    acks(transaction, "response", ok, bench.now)
    assert bytes(only(bench.take())) == bytes(ack)
    acks(transaction, "timeout", None, bench.now)
    assert bench.take() == []


def test_the_invite_must_still_be_there() -> None:
    with pytest.raises(LocalError):
        Acks.take_over(Bench().stack._core, Transaction(INVITE_CLIENT, "key", UDP))
