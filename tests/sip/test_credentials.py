import pytest

from sip.credentials import authorized
from sip.message import Request, Response
from tests.sip.net import Phone, reply

REQUEST = Phone().request("BYE")


def give(response: Response, request: Request) -> str | None:
    return f"Digest {request.method} {response.status}"


@pytest.mark.parametrize(("status", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_each_challenge_has_its_header(status: int, name: str) -> None:
    headers = authorized((("X", "1"),), give, reply(REQUEST, status), REQUEST)
    assert headers == (("X", "1"), (name, f"Digest BYE {status}"))


def test_a_second_answer_replaces_the_first_and_leaves_the_other() -> None:
    first = (("Authorization", "old"), ("Proxy-Authorization", "kept"))
    assert authorized(first, give, reply(REQUEST, 401), REQUEST) == (
        ("Proxy-Authorization", "kept"),
        ("Authorization", "Digest BYE 401"),
    )


def test_there_may_be_nothing_to_answer() -> None:
    challenge = reply(REQUEST, 401)
    assert authorized((), give, reply(REQUEST, 403), REQUEST) is None
    assert authorized((), None, challenge, REQUEST) is None
    assert authorized((), give, challenge, None) is None
    assert authorized((), lambda *_: None, challenge, REQUEST) is None
