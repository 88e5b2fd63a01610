"""What changes from one site to the next, in words, and when each change takes hold.

Running calls keep what they started with: nothing here ever asks for touching one.
"""

from dataclasses import dataclass, fields
from enum import Enum

from provisioning.site import Listener, Site
from provisioning.site_sounds import Room
from provisioning.site_trunk import Trunk


class Effect(Enum):
    """When a change takes hold; the value completes "takes hold ..."."""

    NOW = "now"
    NEW_CALLS = "for new calls"
    IDLE = "when no call is running"
    RESTART = "at the next start of the box"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two sites: the key, what becomes of it, and when."""

    key: str
    what: str
    effect: Effect

    def __str__(self) -> str:
        return f"{self.key}: {self.what}; takes hold {self.effect.value}"


def plan(old: Site, new: Site) -> list[Change]:
    """Return the differences in the order of the file; an empty list when the sites say the same."""
    changes = [
        _value("name", old.name, new.name, Effect.NOW),
        _value("country", old.country.code, new.country.code, Effect.NEW_CALLS),
    ]
    if old.country.code == new.country.code:
        before, after = (" ".join(site.country.emergency) for site in (old, new))
        changes.append(_value("country, emergency numbers", before, after, Effect.NEW_CALLS))
    changes += [
        Change("listener", f"{listener} removed", Effect.IDLE)
        for listener in old.listeners
        if listener not in new.listeners
    ]
    changes += [
        Change("listener", f"{listener} added", Effect.NOW)
        for listener in new.listeners
        if listener not in old.listeners
    ]
    changes += [
        change
        for one in old.listeners
        for two in new.listeners
        if one == two
        for change in (
            _value(f"listener {one}, origins", _words(one.origins), _words(two.origins), Effect.NOW),
            _value(f"listener {one}, digest", _digest(one), _digest(two), Effect.NOW),
        )
    ]
    changes += [
        _value("media.address", old.media.address, new.media.address, Effect.RESTART),
        _value("media.address6", old.media.address6, new.media.address6, Effect.RESTART),
        _value("media.first_port", old.media.first_port, new.media.first_port, Effect.RESTART),
        _value("media.last_port", old.media.last_port, new.media.last_port, Effect.RESTART),
        _value("media.monitor", old.media.monitor, new.media.monitor, Effect.NOW),
        _value("media.dtls", old.media.dtls, new.media.dtls, Effect.RESTART),
        _value("media.srtp", old.media.srtp, new.media.srtp, Effect.NOW),
        _value("media.transcode", _words(old.media.transcode), _words(new.media.transcode), Effect.RESTART),
        _value("sip.digest", " ".join(old.sip.digest), " ".join(new.sip.digest), Effect.NOW),
        _value("sip.session_seconds", old.sip.session_seconds, new.sip.session_seconds, Effect.NEW_CALLS),
        _value("sip.shortest_session", old.sip.shortest_session, new.sip.shortest_session, Effect.NEW_CALLS),
        _value("registration.shortest", old.registration.shortest, new.registration.shortest, Effect.NOW),
        _value("registration.longest", old.registration.longest, new.registration.longest, Effect.NOW),
        _value("registration.phones", old.registration.phones, new.registration.phones, Effect.NOW),
        _value("calls.most", old.calls.most, new.calls.most, Effect.NEW_CALLS),
        _value("calls.ring_seconds", old.calls.ring_seconds, new.calls.ring_seconds, Effect.NEW_CALLS),
        *(
            _value(
                f"codes.{feature}", code or "none", dict(new.codes).get(feature) or "none", Effect.NEW_CALLS
            )
            for feature, code in old.codes
        ),
        *_dialling(old, new),
        _value("desk.pickup", old.desk.pickup, new.desk.pickup, Effect.NEW_CALLS),
        _value("desk.intercom", old.desk.intercom, new.desk.intercom, Effect.NEW_CALLS),
        _value("desk.presence", _flag(old.desk.presence), _flag(new.desk.presence), Effect.NOW),
        _value("park.first", old.desk.park_first, new.desk.park_first, Effect.NEW_CALLS),
        _value("park.slots", old.desk.park_slots, new.desk.park_slots, Effect.NEW_CALLS),
        _value("park.seconds", old.desk.park_seconds, new.desk.park_seconds, Effect.NEW_CALLS),
        _value("sounds.prompts", old.sounds.prompts or "none", new.sounds.prompts or "none", Effect.RESTART),
        _value("sounds.language", old.sounds.language, new.sounds.language, Effect.NEW_CALLS),
        _value("sounds.hold", old.sounds.hold or "none", new.sounds.hold or "none", Effect.NOW),
        _value("sounds.refused", _flag(old.sounds.refused), _flag(new.sounds.refused), Effect.NEW_CALLS),
        *_rooms(old.rooms, new.rooms),
        *_trunks(old.trunks, new.trunks),
        _value("dns", _dns(old), _dns(new), Effect.NOW),
        _value("log.level", old.log.level, new.log.level, Effect.NOW),
        _value("log.file_kilobytes", old.log.file_kilobytes, new.log.file_kilobytes, Effect.RESTART),
    ]
    return [change for change in changes if change is not None]


def _dialling(old: Site, new: Site) -> list[Change | None]:
    changes = [_value("emergency.notify", " ".join(old.notify), " ".join(new.notify), Effect.NOW)]
    if old.dialling != new.dialling:
        changes.append(Change("dialling", "the rules for numbers outside change", Effect.NEW_CALLS))
    return changes


def _trunks(old: tuple[Trunk, ...], new: tuple[Trunk, ...]) -> list[Change | None]:
    before, after = ({trunk.name: trunk for trunk in trunks} for trunks in (old, new))
    changes: list[Change | None] = [
        Change("trunk", f"{name} removed; its calls go on", Effect.NOW)
        for name in before
        if name not in after
    ]
    for name, trunk in after.items():
        if name not in before:
            changes.append(Change("trunk", f"{name} added", Effect.NOW))
        elif trunk != before[name]:
            words = [
                field.name
                for field in fields(trunk)
                if getattr(trunk, field.name) != getattr(before[name], field.name)
            ]
            changes.append(Change("trunk", f"{name}: {', '.join(words)} changed", Effect.NEW_CALLS))
    if list(before) != list(after) and set(before) == set(after):
        changes.append(_value("trunk, order", " ".join(before), " ".join(after), Effect.NEW_CALLS))
    return changes


def _rooms(old: tuple[Room, ...], new: tuple[Room, ...]) -> list[Change | None]:
    before, after = ({room.number: room.pin for room in rooms} for rooms in (old, new))
    words = [f"{number} removed" for number in before if number not in after]
    words += [f"{number} added" for number in after if number not in before]
    words += [
        f"{number}: pin changed" for number in after if before.get(number, after[number]) != after[number]
    ]
    return [Change("room", word, Effect.NEW_CALLS) for word in words]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _words(words: tuple[str, ...]) -> str:
    return " ".join(words) or "none"


def _digest(listener: Listener) -> str:
    return " ".join(listener.digest) or "as [sip]"


def _dns(site: Site) -> str:
    dns = site.dns
    return "none" if dns is None else f"{' '.join(dns.servers)}, port {dns.port}, {dns.seconds} s"


def _value(key: str, old: object, new: object, effect: Effect) -> Change | None:
    return None if old == new else Change(key, f"{old} becomes {new}", effect)
