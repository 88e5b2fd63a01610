"""From the site and the people in the store to the dial plan: the one place where it is made."""

from collections.abc import Iterable

from firmware.calls.codes import Codes, Feature
from firmware.calls.dialling import Caps, Dialling, Head
from firmware.calls.hours import Hours, Span
from firmware.calls.money import Price, Tariff
from firmware.calls.numbers import Numbering
from firmware.calls.plan import Callable, MeetAt, Plan
from firmware.store.model import Group, Reach
from provisioning.site import Site
from provisioning.site_money import Money


def make_plan(site: Site, extensions: Iterable[Callable], groups: Iterable[Group]) -> Plan:
    """Return the plan for a site, its extensions and its ring groups."""
    codes = Codes({Feature(name): code for name, code in site.codes})
    return Plan(
        site.country.emergency,
        extensions,
        groups,
        codes,
        dialling_of(site),
        dict(site.country.services),
        site.desk.slots,
        tuple(MeetAt(room.number, room.pin) for room in site.rooms),
    )


def dialling_of(site: Site) -> Dialling | None:
    """Return what the site says of the outside, None where it says nothing."""
    said = site.dialling
    if said is None:
        return None
    home = said.home
    return Dialling(
        Numbering(home.code, home.international, home.trunk, home.lengths, said.area, said.outside),
        home.region or _region(home.code),
        said.main,
        said.reception,
        {rule.number: rule.to for rule in said.did if not rule.digits},
        tuple(Head(rule.number, rule.digits) for rule in said.did if rule.digits),
        frozenset(map(Reach, said.allow)),
        said.countries,
        frozenset(said.services),
        said.send_on,
        Caps(said.caps.extension_at_once, said.caps.extension_hourly, said.caps.line_hourly),
        Hours(
            said.hours.zone or site.country.zone,
            tuple(Span(*span) for span in said.hours.spans),
            frozenset(map(Reach, said.hours.lock)),
        ),
        _tariff(said.money),
    )


def _tariff(money: Money) -> Tariff:
    starts = [(each.start, Price(each.call, each.minute)) for each in money.prices if each.start]
    return Tariff(
        money.currency,
        money.extension_day,
        money.line_day,
        {Reach(each.kind): Price(each.call, each.minute) for each in money.prices if each.kind},
        tuple(sorted(starts, key=lambda each: -len(each[0]))),
    )


def _region(code: str) -> str:
    if not code:
        return ""
    from firmware.calls.reach import country_of

    return country_of(code)
