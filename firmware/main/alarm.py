"""Who in the house is told of a call for help: the extensions and groups the site names."""

from collections.abc import Callable

from firmware.calls.help import Alarm
from firmware.journal import Journal, Kind, Level
from firmware.labels import Personal
from firmware.lines.sip_endpoint import SipEndpoint
from firmware.store import Store
from provisioning.site import Site

TOLD = Kind(
    "emergency.told", "{phones} phones in the house are told of the emergency call of {caller}", Level.ALARM
)


class Alarms:
    """Shows a text on the phones the site names (`[emergency] notify`)."""

    def __init__(self, store: Store, line: SipEndpoint, journal: Journal, site: Callable[[], Site]) -> None:
        self._store = store
        self._line = line
        self._journal = journal
        self._site = site

    def tell(self, alarm: Alarm) -> None:
        """Tell everybody who is named."""
        who = " ".join(filter(None, (alarm.caller.number or "an unknown phone", alarm.caller.name)))
        where = f", {alarm.location}" if alarm.location else ""
        text = f"EMERGENCY CALL {alarm.number} by {who}{where}"
        phones = sum(self._line.show(each, text) for each in self._people())
        self._journal.log(TOLD, phones=phones, caller=Personal("ext", alarm.caller.number))

    def _people(self) -> list[str]:
        found: dict[str, None] = {}
        for number in self._site().notify:
            extension, group = self._store.extensions.find(number), self._store.groups.find(number)
            ids = [] if extension is None else [extension.id]
            found |= dict.fromkeys([*ids, *(() if group is None else group.members)])
        return list(found)
