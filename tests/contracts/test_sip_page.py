"""`docs/sip.md`: no promise without a test that is there."""

import re
from pathlib import Path

from tests.support.named import missing

PAGE = Path(__file__).parents[2] / "docs" / "sip.md"
NAMED = re.compile(r"`([\w/]+::test_\w+)`")

# What has to have a line, whatever it says (and may have more).
LISTED = (
    "3261 6026 4320 3264 6337 8866 3263 3581 3262 3311 4028 3515 4488 3891 3892 6665 4235 3842 7616 8760 "
    "5626 3327 3608 4733 2976 6086 3550 3551 4568 5763 5764 7118 8445 8839 5761 3325 3323 3326 5118 4475 "
    "5627 7044 5806 3903 3856 3863 4662 3911 4579 4575 5589 5407 7462 6140 7714 3428 5922"
)


def lines() -> list[list[str]]:
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_line_says_how_far_and_proves_what_it_promises() -> None:
    assert len(lines()) > 40
    for rfc, what, state, test in lines():
        assert state in {"supported", "no"} or state.startswith("partly: "), (rfc, state)
        assert bool(NAMED.fullmatch(test)) is (state != "no"), (rfc, what, test)


def test_every_test_it_names_is_there() -> None:
    named = NAMED.findall(PAGE.read_text())
    assert missing(named) == []


def test_nothing_a_telephone_exchange_needs_is_passed_over() -> None:
    known = {number for rfc, *_ in lines() for number in re.findall(r"\d+", rfc)}
    assert sorted(set(LISTED.split()) - known) == []
