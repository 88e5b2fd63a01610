"""Publications (RFC 3903), the side of who keeps them: what phones say of their own state, until it ends.

One phone has one document, which it names by the entity-tag of its last answer. Everything is bounded: a
phone that forgot its tag takes the place of the oldest document of its resource. A repeated PUBLISH gets the
answer it had, so it needs no transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sip.answer import Answer
from sip.message import Request

T = TypeVar("T")
_RETRY: Final = (("Retry-After", "60"),)


@dataclass(frozen=True, slots=True)
class PublishLimits:
    """Bounds: seconds of life, bytes of a body, documents of one resource and of all."""

    shortest: int = 60
    longest: int = 3600
    body: int = 8192
    resource: int = 10
    total: int = 2000


@dataclass(frozen=True, slots=True)
class _Document(Generic[T]):
    resource: str
    state: T
    expires_at: float


class Publications(Generic[T]):
    """What was published, by entity-tag; the order is that of the last change.

    `content_type` is what bodies must be, `read` makes a state of one, None where it cannot be read; `random`
    must be fit for secrets.
    """

    def __init__(
        self,
        content_type: str,
        read: Callable[[bytes], T | None],
        random: Callable[[int], bytes],
        limits: PublishLimits | None = None,
    ) -> None:
        self.limits = limits or PublishLimits()
        self._type = content_type
        self._read = read
        self._random = random
        self._documents: dict[str, _Document[T]] = {}
        self._answers: dict[str, dict[int, Answer]] = {}

    def __len__(self) -> int:
        return len(self._documents)

    def publish(self, resource: str, request: Request, now: float) -> Answer:
        """Do what a PUBLISH for a resource, already authorised, asks for (RFC 3903 6)."""
        repeat = hash((request.call_id, request.cseq_number))
        known = self._answers.get(resource, {}).get(repeat)
        if known is not None:
            return known
        answer = self._publish(resource, request, now)
        if answer.status == 200:
            answers = self._answers.setdefault(resource, {})
            answers[repeat] = answer
            if len(answers) > self.limits.resource:
                del answers[next(iter(answers))]
        return answer

    def newest(self, resource: str, now: float) -> T | None:
        """Return the latest state that was published for a resource, None where none is alive."""
        for document in reversed(self._documents.values()):
            if document.resource == resource and document.expires_at > now:
                return document.state
        return None

    def next_end(self) -> float | None:
        """Return when the next document ends."""
        return min((document.expires_at for document in self._documents.values()), default=None)

    def expire(self, now: float) -> set[str]:
        """Let go of what has ended; return the resources it was about."""
        ended = [tag for tag, document in self._documents.items() if document.expires_at <= now]
        return {self._documents.pop(tag).resource for tag in ended}

    def drop(self, resource: str) -> None:
        """Forget whatever was published for a resource."""
        self._answers.pop(resource, None)
        for tag in [tag for tag, document in self._documents.items() if document.resource == resource]:
            del self._documents[tag]

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()
        self._documents.clear()

    # -- inside ------------------------------------------------------------------------------------

    def _publish(self, resource: str, request: Request, now: float) -> Answer:
        tag = request.get("SIP-If-Match")
        old = None if tag is None else self._documents.get(tag)
        if tag is not None and (old is None or old.resource != resource or old.expires_at <= now):
            return Answer(412)
        seconds = self.limits.longest if request.expires is None else request.expires
        seconds = min(seconds, self.limits.longest)
        if 0 < seconds < self.limits.shortest:
            return Answer(423, (("Min-Expires", str(self.limits.shortest)),))
        state: T | Answer
        if request.body:
            state = self._state(request)
        elif old is None:
            return Answer(400, reason="No Body")
        else:
            state = old.state
        if isinstance(state, Answer):
            return state
        if old is None and seconds and len(self._documents) >= self.limits.total:
            return Answer(503, _RETRY)
        if tag is not None:
            del self._documents[tag]
        fresh = self._random(8).hex()
        if seconds:
            self._documents[fresh] = _Document(resource, state, now + seconds)
            self._make_room(resource)
        return Answer(200, (("SIP-ETag", fresh), ("Expires", str(seconds))))

    def _state(self, request: Request) -> T | Answer:
        if request.content_type != self._type:
            return Answer(415, (("Accept", self._type),))
        if len(request.body) > self.limits.body:
            return Answer(413)
        state = self._read(request.body)
        return Answer(400, reason="Bad Body") if state is None else state

    def _make_room(self, resource: str) -> None:
        tags = [tag for tag, document in self._documents.items() if document.resource == resource]
        for tag in tags[: -self.limits.resource]:
            del self._documents[tag]
