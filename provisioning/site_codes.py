"""The codes people dial for features of the box: `[codes]` in the site file."""

from typing import Final

from provisioning.site_check import Table

DEFAULTS: Final = {
    "forward_always": "*72",
    "forward_always_off": "*73",
    "forward_busy": "*90",
    "forward_busy_off": "*91",
    "forward_no_answer": "*92",
    "forward_no_answer_off": "*93",
    "forward_unreachable": "*94",
    "forward_unreachable_off": "*95",
    "dnd": "*78",
    "dnd_off": "*79",
    "withhold": "#31#",
    "show": "*31#",
    "call_waiting": "*70",
    "call_waiting_off": "*71",
    "pickup": "**",
    "park": "*68",
    "intercom": "*80",
    "page": "*81",
    "echo": "*43",
    "number": "*65",
    "meet": "*82",
}
"""Every feature with a code, and the code where the site says nothing."""

Codes = tuple[tuple[str, str], ...]
"""Features and their codes, in the order of DEFAULTS; "" switches a feature's code off."""


def read_codes(table: Table) -> Codes:
    """Read the table; no code may begin another, or what follows could not be told from it."""
    right = 'a code such as *72: * or #, then one to four of 0-9, * and #; "" for none'
    codes: list[tuple[str, str]] = []
    for feature, usual in DEFAULTS.items():
        code = table.text(feature, right, is_code, usual)
        for other, taken in codes:
            if code and taken and (code.startswith(taken) or taken.startswith(code)):
                table.fault(feature, f"{code} and the code of {other} begin alike", "write a code of its own")
        codes.append((feature, code))
    table.close()
    return tuple(codes)


def is_code(text: str) -> bool:
    """Tell whether this can be a code: it begins as no telephone number does."""
    return not text or (
        2 <= len(text) <= 5 and text[0] in "*#" and all(each in "0123456789*#" for each in text)
    )
