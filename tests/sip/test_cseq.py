from __future__ import annotations

import pytest
from hypothesis import given

from sip.cseq import CSeq
from sip.errors import BadMessage
from tests.sip import strategies


@given(strategies.cseqs)
def test_survives(cseq: CSeq) -> None:
    assert CSeq.parse(str(cseq)) == cseq


def test_read() -> None:
    assert CSeq.parse("0009 \t INVITE") == CSeq(9, "INVITE")
    assert CSeq.parse("2147483647 invite") == CSeq(2**31 - 1, "invite")


@pytest.mark.parametrize(
    "text",
    ["", "1", "INVITE", "1 IN VITE", "2147483648 INVITE", "-1 INVITE", "1INVITE", "1\x85INVITE", "² INVITE"],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadMessage) as caught:
        CSeq.parse(text)
    assert caught.value.header == "CSeq"
