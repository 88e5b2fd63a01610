"""Publications: entity-tags, the answers, and that nothing grows."""

from itertools import count

import pytest

from sip.message import Request
from sip.publish import Publications, PublishLimits
from tests.sip.net import Bench, Phone, response

TYPE = "text/x-state"
_calls = count(1)


def make(limits: PublishLimits | None = None) -> Publications[str]:
    numbers = count(1)

    def read(body: bytes) -> str | None:
        return None if body == b"unreadable" else body.decode()

    return Publications(TYPE, read, lambda size: next(numbers).to_bytes(size, "big"), limits)


def publish(
    body: bytes = b"",
    *,
    tag: str | None = None,
    expires: int | None = 600,
    call_id: str = "",
    kind: str = TYPE,
) -> Request:
    lines = [
        ("Call-ID", call_id or f"call-{next(_calls)}"),
        ("CSeq", "1 PUBLISH"),
        ("Event", "presence"),
        *([] if expires is None else [("Expires", str(expires))]),
        *([] if tag is None else [("SIP-If-Match", tag)]),
        *([("Content-Type", kind)] if body else []),
    ]
    return Request.new("PUBLISH", "sip:101@192.0.2.1", lines, body)


def etag(book: Publications[str], request: Request, resource: str = "a", now: float = 0.0) -> str:
    answer = book.publish(resource, request, now)
    assert answer.status == 200
    return dict(answer.headers)["SIP-ETag"]


def test_a_document_is_published_refreshed_changed_and_removed() -> None:
    book = make()
    first = etag(book, publish(b"away"))
    assert book.newest("a", 0.0) == "away"
    second = etag(book, publish(tag=first), now=500.0)
    assert second != first
    assert (book.newest("a", 1099.0), book.newest("a", 1100.0)) == ("away", None)
    third = etag(book, publish(b"busy", tag=second), now=600.0)
    assert (book.newest("a", 600.0), len(book)) == ("busy", 1)
    etag(book, publish(tag=third, expires=0), now=600.0)
    assert (book.newest("a", 600.0), len(book), book.next_end()) == (None, 0, None)


def test_a_tag_that_does_not_fit() -> None:
    book = make()
    tag = etag(book, publish(b"away"))
    assert book.publish("a", publish(tag="other"), 0.0).status == 412
    assert book.publish("b", publish(tag=tag), 0.0).status == 412
    assert book.publish("a", publish(tag=tag), 600.0).status == 412
    etag(book, publish(tag=tag))
    assert book.publish("a", publish(tag=tag), 0.0).status == 412


def test_a_repeat_gets_the_same_answer_and_changes_nothing() -> None:
    book = make()
    tag = etag(book, publish(b"away"))
    again = publish(b"busy", tag=tag, call_id="same")
    answer = book.publish("a", again, 1.0)
    assert book.publish("a", again, 2.0) == answer
    assert book.next_end() == 601.0
    gone = publish(tag=dict(answer.headers)["SIP-ETag"], expires=0, call_id="over")
    assert book.publish("a", gone, 3.0) == book.publish("a", gone, 4.0)
    assert len(book) == 0


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (publish(), 400),
        (publish(b"unreadable"), 400),
        (publish(b"x" * 11), 413),
        (publish(b"away", kind="text/plain"), 415),
        (publish(b"away", expires=30), 423),
        (publish(b"away", expires=0), 200),
    ],
)
def test_what_keeps_nothing(request_: Request, status: int) -> None:
    book = make(PublishLimits(body=10))
    assert book.publish("a", request_, 0.0).status == status
    assert len(book) == 0


def test_life_is_bounded() -> None:
    book = make(PublishLimits(longest=900))
    for expires in (None, 100000):
        assert ("Expires", "900") in book.publish("a", publish(b"away", expires=expires), 0.0).headers
    assert book.expire(899.0) == set()
    assert book.expire(900.0) == {"a"}
    assert len(book) == 0


def test_documents_are_bounded_and_a_forgetful_phone_takes_the_oldest() -> None:
    book = make(PublishLimits(resource=2, total=3))
    first = etag(book, publish(b"1"))
    etag(book, publish(b"2"))
    etag(book, publish(b"3"))
    assert len(book) == 2
    assert book.publish("a", publish(tag=first), 0.0).status == 412
    etag(book, publish(b"4"), "b")
    answer = book.publish("c", publish(b"5"), 0.0)
    assert (answer.status, answer.headers) == (503, (("Retry-After", "60"),))
    book.drop("a")
    assert (len(book), book.newest("a", 0.0), book.newest("b", 0.0)) == (1, None, "4")
    book.clear()
    assert len(book) == 0


def test_a_stack_hands_a_publish_with_its_body_on() -> None:
    book = make()
    bench = Bench(
        handlers={"PUBLISH": lambda request, _, identity, now: book.publish(str(identity), request, now)}
    )
    headers = (("Event", "presence"), ("Expires", "600"))
    request = bytes(Phone().request("PUBLISH", headers=headers, body=b"away"))
    sent = bench.feed(request.replace(b"application/sdp", TYPE.encode()))
    assert response(sent, 200).get("SIP-ETag")
    assert book.newest("somebody", bench.now) == "away"
