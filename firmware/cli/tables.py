"""Answers as people read them."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from firmware.cli.phone import describe
from firmware.clock import local_moment


def readable(command: str, result: Any) -> str:
    """Print the JSON result of an operation as text for a terminal, without a final line end."""
    return _SHOW.get(command, _anything)(result)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align columns under their heads."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def _anything(result: Any) -> str:
    """Show what has no shape of its own: rows as a table, an object as names and values."""
    if isinstance(result, dict):
        width = max(map(len, result), default=0)
        return "\n".join(f"{name.ljust(width)}  {_cell(value)}" for name, value in result.items())
    if isinstance(result, list) and result and isinstance(result[0], dict):
        return table([name.upper() for name in result[0]], [list(map(_cell, row.values())) for row in result])
    return _cell(result)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return "-" if value is None else str(value)


def _extensions(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no extensions; add one with `branchline extension add --name NAME`"
    cells = [
        [
            row["number"],
            row["name"],
            " ".join(row["aliases"]),
            "-" if row["phones"] is None else str(row["phones"]),
        ]
        for row in rows
    ]
    return table(["NUMBER", "NAME", "ALIASES", "PHONES"], cells)


def _imported(rows: list[dict[str, Any]]) -> str:
    cells = [[row["number"], row["name"], row["secret"]] for row in rows]
    return (
        table(["NUMBER", "NAME", "SECRET"], cells)
        + f"\n{len(rows)} extensions; the secrets are shown this once"
    )


def _made(row: dict[str, Any]) -> str:
    if "secret" in row:
        return describe(row) + "\nThe secret is shown this once."
    return f"extension {row['number']}: {row['name']}, aliases: {' '.join(row['aliases']) or 'none'}"


def _handling(row: dict[str, Any]) -> str:
    lines = [f"extension {row['number']}: {'do not disturb' if row['dnd'] else 'phones ring'}"]
    if not row["waiting"]:
        lines.append("a second call finds it busy")
    for each in row["forwards"]:
        after = "" if each["seconds"] is None else f" after {each['seconds']} s"
        lines.append(f"{each['occasion']}: calls go to {each['target']}{after}")
    return "\n".join(lines)


def _private(row: dict[str, Any]) -> str:
    return f"extension {row['number']}: {'private' if row['private'] else 'shown to who it talks with'}"


def _digest(row: dict[str, Any]) -> str:
    said = " or ".join(row["accepted"]) or "whatever the listener offers"
    return f"extension {row['number']}: accepted with {said}"


def _messages(row: dict[str, Any]) -> str:
    return f"extension {row['number']}: {row['new']} new messages, {row['old']} old"


def _groups(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no ring groups; add one with `branchline group add NUMBER --name NAME --member NUMBER`"
    cells = [
        [
            row["number"],
            row["name"],
            row["strategy"],
            f"{row['seconds']} s",
            " ".join(row["members"]),
            row["last"] or "-",
        ]
        for row in rows
    ]
    return table(["NUMBER", "NAME", "RINGS", "EACH", "MEMBERS", "LAST"], cells)


def _trunks(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no trunks; write a [[trunk]] table into the site file"
    cells = [
        [
            row["name"],
            "up" if row["up"] else "down",
            "-" if row["until"] is None else _when(row["until"]),
            row["server"] or "-",
            f"{row['calls']} of {row['most']}",
            row["failure"] or "-",
        ]
        for row in rows
    ]
    return table(["TRUNK", "STATE", "REGISTERED UNTIL", "SERVER", "CALLS", "WHY NOT"], cells)


def _trunk_secret(row: dict[str, Any]) -> str:
    return f"trunk {row['name']} has {'a' if row['password'] else 'no'} password now"


def _reloaded(result: dict[str, Any]) -> str:
    return "\n".join(result["changes"]) or "the site file says what is in force already"


def _status(row: dict[str, Any]) -> str:
    lines = [
        ["box", "running since " + _when(row["started"]) if row["running"] else "not running"],
        ["site", f"{row['site']} ({row['country']})"],
        ["extensions", str(row["extensions"])],
    ]
    if row["running"]:
        lines += [
            ["phones", str(row["registered"])],
            ["calls", str(row["calls"])],
            ["listening", ", ".join(row["listeners"])],
            ["memory", f"{row['memory'] / 1e6:.1f} MB"],
        ]
        lines += [["count", f"{name} {count}"] for name, count in sorted(row["counters"].items()) if count]
    if row["alarm"]:
        lines.append(["ALARM", row["alarm"]])
    return "\n".join(f"{name:11}{value}" for name, value in lines)


def _calls(result: dict[str, Any]) -> str:
    active = [
        [row["id"], row["state"], row["caller"], row["callee"], _when(row["since"])]
        for row in result["active"]
    ]
    recent = [
        [
            _when(row["started"]),
            row["caller"] or "-",
            row["dialled"] or row["callee"] or "-",
            "-" if row["answered"] is None else f"{row['ended'] - row['answered']:.1f} s",
            row["cause"],
            row["ended_by"],
        ]
        for row in result["recent"]
    ]
    parts = [
        table(["RUNNING", "STATE", "CALLER", "CALLEE", "SINCE"], active) if active else "no call is running"
    ]
    if recent:
        parts.append(table(["STARTED", "CALLER", "DIALLED", "TALKED", "CAUSE", "ENDED BY"], recent))
    return "\n\n".join(parts)


def _decisions(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "the box refused nothing by itself within the week"
    return "\n".join(
        f"{row['number']}  {local_moment(row['last'])}  {row['times']} x  {row['why']}"
        + ("  (taken back)" if row["undone"] else "")
        for row in rows
    )


def _quality(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nothing is known of past calls; with monitor = true under [media] of the site file it is kept"
    cells = [
        [
            _when(row["ended"]),
            row["speaker"] or "-",
            row["side"],
            row["codec"] or "-",
            f"{row['lost']} of {row['packets'] + row['lost']}",
            f"{row['jitter']:.1f} ms",
            "-" if row["round_trip"] is None else f"{row['round_trip']:.0f} ms",
            f"{row['mos']:.2f}",
            str(row["quiet"]),
        ]
        for row in rows
    ]
    head = ["ENDED", "SPEAKER", "SIDE", "CODEC", "LOST", "JITTER", "ROUND TRIP", "MOS", "QUIET"]
    return table(head, cells)


def _parked(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nobody is parked"
    cells = [[row["slot"], row["who"], row["by"], _when(row["since"]), row["call"]] for row in rows]
    return table(["SLOT", "WHO", "BY", "SINCE", "CALL"], cells)


def _conferences(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nobody is in a conference"
    cells = [[row["room"], row["who"], _state(row), _when(row["since"]), row["call"]] for row in rows]
    return table(["ROOM", "WHO", "", "SINCE", "CALL"], cells)


def _state(row: dict[str, Any]) -> str:
    words = {"speaking": "speaks", "muted": "muted", "locked": "locked"}
    return " ".join(word for name, word in words.items() if row[name])


def _when(wall: float) -> str:
    return local_moment(wall)


_SHOW: Final[dict[str, Callable[[Any], str]]] = {
    "extension.add": _made,
    "extension.import": _imported,
    "extension.list": _extensions,
    "extension.change": _made,
    "extension.remove": lambda result: f"extension {result['number']} is removed",
    "extension.show": describe,
    "extension.forward": _handling,
    "extension.dnd": _handling,
    "extension.private": _private,
    "extension.digest": _digest,
    "extension.messages": _messages,
    "extension.waiting": _handling,
    "group.add": lambda row: _groups([row]),
    "group.list": _groups,
    "group.change": lambda row: _groups([row]),
    "group.remove": lambda result: f"group {result['number']} is removed",
    "trunk.list": _trunks,
    "trunk.secret": _trunk_secret,
    "status": _status,
    "calls": _calls,
    "quality": _quality,
    "parked": _parked,
    "conferences": _conferences,
    "decision.list": _decisions,
    "reload": _reloaded,
    "stop": lambda _result: "the box is down",
    "hangup": lambda _result: "the call is ended",
    "authority": lambda result: str(result["certificate"]).rstrip(),
}
