"""What desk phones may do with each other's calls: `[desk]` and `[park]` in the site file."""

from dataclasses import dataclass
from typing import Final

from provisioning.site_check import Table

REACH: Final = ["off", "group", "all"]
"""For nobody, for those who are in one ring group, for every extension."""


@dataclass(frozen=True, slots=True)
class Desk:
    """`pickup`: whose calls one may pick up; `intercom`: whose phone one may make answer by itself.

    `presence`: whether extensions may see who of the others is reachable and who is on the phone.
    `park_first` is the number of the first of `park_slots` slots (0: nobody is parked); after `park_seconds`
    who parked somebody is called.
    """

    pickup: str = "group"
    intercom: str = "all"
    park_first: int = 701
    park_slots: int = 10
    park_seconds: int = 120
    presence: bool = False

    @property
    def slots(self) -> tuple[str, ...]:
        """The numbers of the slots."""
        return tuple(str(self.park_first + each) for each in range(self.park_slots))


def read_desk(table: Table, park: Table) -> Desk:
    """Read both tables."""
    desk = Desk(
        table.choice("pickup", REACH, "group"),
        table.choice("intercom", REACH, "all"),
        park.integer("first", 10, 999900, 701),
        park.integer("slots", 0, 100, 10),
        park.integer("seconds", 10, 3600, 120),
        table.flag("presence", default=False),
    )
    table.close()
    park.close()
    return desk
