"""Subscriptions (RFC 6665), the notifier's side: who watches what of ours, and telling them when it changes.

A subscription is a dialog of its own. Each has at most one NOTIFY on its way; what changes meanwhile is told
in the next one. Every NOTIFY carries the whole state, so a lost one does no lasting harm. A far end that
refuses a NOTIFY, or does not answer, has none any more. Everything is bounded: subscriptions altogether and
of one watcher; the same phone asking for the same thing anew takes the place of its former subscription.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from sip.core import Core
from sip.dialog import Dialog, contact_of
from sip.flow import Flow
from sip.message import Request, Response
from sip.timers import Timer
from sip.transaction import Transaction


class Package(Protocol):
    """One event package. `content_type` is what its bodies are."""

    content_type: str

    def watcher(self, identity: object) -> str | None:
        """Return a name for who asks, None for somebody who may not."""

    def resource(self, request: Request) -> str | None:
        """Return the name of what a SUBSCRIBE wants to watch, None if there is no such thing."""

    def may(self, watcher: str, resource: str) -> bool:
        """Tell whether this one may watch that."""

    def body(self, resource: str, entity: str, version: int) -> bytes:
        """Return the whole state of a resource; `version` counts the bodies of one subscription from 0.

        `entity` is the URI the watcher knows it by.
        """


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Bounds of one notifier; times in seconds."""

    shortest: int = 60
    longest: int = 3600
    watcher: int = 200
    total: int = 4000


RETRY: Final = (("Retry-After", "60"),)


class _Subscription:
    """One subscription; `event` is the Event header as the watcher wrote it, its id included."""

    __slots__ = (
        "dialog", "entity", "event", "expires_at", "package", "resource", "stale", "timer", "version",
        "waiting", "watcher",
    )  # fmt: skip

    def __init__(self, package: str, event: str, dialog: Dialog, who: tuple[str, str], entity: str) -> None:
        self.package = package
        self.event = event
        self.dialog = dialog
        self.watcher, self.resource = who
        self.entity = entity
        self.version = 0
        self.expires_at = 0.0
        self.timer: Timer | None = None
        self.waiting = False
        self.stale = False

    @property
    def key(self) -> str:
        return f"{self.dialog.call_id} {self.dialog.local_tag}"


class Notifier:
    """All subscriptions at one stack, which hands it every SUBSCRIBE that passed the gate."""

    def __init__(
        self, core: Core, packages: Mapping[str, Package], limits: EventLimits | None = None
    ) -> None:
        self._core = core
        self._packages = dict(packages)
        self.limits = limits or EventLimits()
        self._all: dict[str, _Subscription] = {}
        self._watched: dict[tuple[str, str], dict[str, _Subscription]] = {}
        self.allowed = (("Allow-Events", ", ".join(sorted(self._packages))),)

    def serve(self, packages: Mapping[str, Package], now: float) -> None:
        """Serve these packages from now on; subscriptions to others end."""
        for one in list(self._all.values()):
            if one.package not in packages:
                self._terminate(one, "rejected", now)
        self._packages = dict(packages)
        self.allowed = (("Allow-Events", ", ".join(sorted(self._packages))),)

    def __len__(self) -> int:
        return len(self._all)

    def watched(self, package: str) -> list[str]:
        """Return the resources of a package that somebody watches."""
        return [resource for name, resource in self._watched if name == package]

    def changed(self, package: str, resource: str, now: float) -> None:
        """Tell everybody who watches it that the state of a resource changed."""
        for subscription in list(self._watched.get((package, resource), {}).values()):
            self._notify(subscription, now)

    def end(self, name: str, now: float) -> None:
        """End every subscription of a watcher or to a resource of this name."""
        for one in list(self._all.values()):
            if name in (one.watcher, one.resource):
                self._terminate(one, "noresource", now)

    def review(self, package: str, resource: str, now: float) -> None:
        """End the subscriptions to a resource of those who may not watch it any more."""
        for one in list(self._watched.get((package, resource), {}).values()):
            if not self._packages[package].may(one.watcher, resource):
                self._terminate(one, "rejected", now)

    # -- SUBSCRIBE ---------------------------------------------------------------------------------

    def receive(self, request: Request, key: str, flow: Flow, identity: object, now: float) -> None:
        """Serve a SUBSCRIBE, the first of a subscription or a later one."""
        transaction = self._core.layer.serve(request, key, flow, None, now)
        known = self._all.get(f"{request.call_id} {request.to_tag}") if request.to_tag else None
        status, headers = self._judge(request, known, identity)
        if status != 200:
            self._core.count(f"subscription refused {status}")
            self._core.reply(
                transaction,
                request,
                status,
                now,
                tag="" if request.to_tag else self._core.tag(),
                headers=headers,
            )
            return
        expires = min(
            self.limits.longest if request.expires is None else request.expires, self.limits.longest
        )
        subscription = known or self._begin(request, flow, identity)
        subscription.dialog.refresh(request, flow)
        headers = (("Expires", str(expires)), ("Contact", self._core.contact(flow)))
        tag = "" if known else subscription.dialog.local_tag
        self._core.reply(transaction, request, 200, now, tag=tag, headers=headers)
        if not expires:
            self._terminate(subscription, "timeout", now)
            return
        subscription.expires_at = now + expires
        if subscription.timer is not None:
            self._core.timers.cancel(subscription.timer)
        subscription.timer = self._core.timers.after(expires, partial(self._lapse, subscription), now)
        self._notify(subscription, now)

    def _judge(
        self, request: Request, known: _Subscription | None, identity: object
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Return the status a SUBSCRIBE deserves and headers that go with a refusal."""
        package = self._packages.get(_name(request.get("Event") or ""))
        if package is None:
            return 489, self.allowed
        if request.expires is not None and 0 < request.expires < self.limits.shortest:
            return 423, (("Min-Expires", str(self.limits.shortest)),)
        watcher = package.watcher(identity)
        if watcher is None:
            return 403, ()
        if request.to_tag:
            return self._judge_refresh(request, known, watcher), ()
        return self._judge_first(request, package, watcher)

    def _judge_first(
        self, request: Request, package: Package, watcher: str
    ) -> tuple[int, tuple[tuple[str, str], ...]]:
        if not contact_of(request):
            return 400, ()
        accepted = {value.partition(";")[0].strip(" \t").lower() for value in request.values("Accept")}
        if accepted and accepted.isdisjoint({package.content_type, "application/*", "*/*"}):
            return 406, (("Accept", package.content_type),)
        resource = package.resource(request)
        if resource is None:
            return 404, ()
        if not package.may(watcher, resource):
            return 403, ()
        theirs = sum(one.watcher == watcher for one in self._all.values())
        if len(self._all) >= self.limits.total or theirs >= self.limits.watcher:
            return 503, RETRY
        return 200, ()

    def _judge_refresh(self, request: Request, known: _Subscription | None, watcher: str) -> int:
        if known is None or known.dialog.remote_tag != request.from_tag:
            return 481
        if known.watcher != watcher:
            return 403
        if (request.get("Event") or "") != known.event:
            return 481  # another subscription in the same dialog: we make no such (RFC 6665 4.5.2)
        return 200 if known.dialog.in_order(request) else 500

    def _begin(self, request: Request, flow: Flow, identity: object) -> _Subscription:
        event = request.get("Event") or ""
        name = _name(event)
        package = self._packages[name]
        who = (package.watcher(identity) or "", package.resource(request) or "")
        dialog = Dialog.of_server(request, self._core.tag(), 0, flow)
        fresh = _Subscription(name, event, dialog, who, str(request.to.uri))
        for old in list(self._watched.get((name, fresh.resource), {}).values()):
            if (old.watcher, old.dialog.target) == (fresh.watcher, dialog.target):
                self._forget(old)
        self._all[fresh.key] = fresh
        self._watched.setdefault((name, fresh.resource), {})[fresh.key] = fresh
        return fresh

    # -- NOTIFY ------------------------------------------------------------------------------------

    def _notify(self, subscription: _Subscription, now: float) -> None:
        """Tell the state as it is, or as soon as the NOTIFY before is answered."""
        if subscription.waiting:
            subscription.stale = True
            return
        left = max(0, round(subscription.expires_at - now))
        self._send(subscription, f"active;expires={left}", now)

    def _terminate(self, subscription: _Subscription, reason: str, now: float) -> None:
        """Send the last NOTIFY; nobody waits for its answer, and one before it may still be open."""
        self._forget(subscription)
        self._send(subscription, f"terminated;reason={reason}", now)

    def _send(self, subscription: _Subscription, state: str, now: float) -> None:
        core, dialog = self._core, subscription.dialog
        package = self._packages[subscription.package]
        headers = (
            ("Contact", core.contact(dialog.flow)),
            ("Event", subscription.event),
            ("Subscription-State", state),
            *self.allowed,
            ("Content-Type", package.content_type),
        )
        body = package.body(subscription.resource, subscription.entity, subscription.version)
        subscription.version += 1
        subscription.waiting, subscription.stale = True, False
        request = dialog.request("NOTIFY", core.via(dialog.flow), headers, body)
        core.layer.call(request, dialog.flow, partial(self._answered, subscription), now)

    def _answered(
        self,
        subscription: _Subscription,
        transaction: Transaction,
        event: str,
        message: Request | Response | None,
        now: float,
    ) -> None:
        del transaction, event
        if isinstance(message, Response) and message.status < 200:
            return
        subscription.waiting = False
        if subscription.key not in self._all:
            return
        if not isinstance(message, Response) or message.status >= 300:
            # RFC 6665 4.2.2: nobody is there any more, or not for this.
            self._core.count("subscription dropped")
            self._forget(subscription)
        elif subscription.stale:
            self._notify(subscription, now)

    def _lapse(self, subscription: _Subscription, now: float) -> None:
        subscription.timer = None
        if subscription.key in self._all:
            self._terminate(subscription, "timeout", now)

    def _forget(self, subscription: _Subscription) -> None:
        self._all.pop(subscription.key, None)
        place = (subscription.package, subscription.resource)
        watching = self._watched.get(place, {})
        watching.pop(subscription.key, None)
        if not watching:
            self._watched.pop(place, None)
        if subscription.timer is not None:
            self._core.timers.cancel(subscription.timer)
            subscription.timer = None


def _name(event: str) -> str:
    return event.partition(";")[0].strip(" \t").lower()
