"""What a row says of how its far end proves who it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp.link import ACTIVE, PASSIVE, Link, LinkError, sound
from rtp.plan import PlanError, Row

DIGEST = bytes(range(32))
words = st.binary(min_size=1, max_size=64)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([ACTIVE, PASSIVE]), words, words, words)
def test_it_travels_inside_a_row(
    association: int, role: int, ufrag: bytes, password: bytes, far: bytes
) -> None:
    link = Link(association, role, DIGEST, ufrag, password, far)
    row = Row.parse(bytes(Row(4000, link=bytes(link), srtp=b"", seat=b"seat")))
    back = Link.parse(row.link)
    assert (back.association, back.role, back.digest) == (association, role, DIGEST)
    assert (back.ufrag, back.password, back.far_ufrag, back.ice) == (ufrag, password, far, True)


def test_without_ice() -> None:
    assert not Link.parse(bytes(Link(1, ACTIVE, DIGEST))).ice


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        bytes(Link(1, 2, DIGEST)),
        bytes(Link(1, 0, DIGEST, b"only", b"", b"")),
        bytes(Link(1, 0, DIGEST)) + b"x",
        bytes(Link(1, 0, DIGEST, b"a" * 65, b"b", b"c")),
        bytes(Link(1, 0, DIGEST, b"a", b"b", b"c"))[:-1],
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    assert not sound(data)
    with pytest.raises(LinkError):
        Link.parse(data)
    with pytest.raises(PlanError):
        Row(4000, link=data).check()
    assert "only" not in repr(Link(1, 0, DIGEST, b"only"))
