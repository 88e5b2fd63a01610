"""Draws the house: `python docs/pictures/draw.py` writes house.svg beside this file.

What exists in the tree is drawn in full, what later work will fill is drawn faint; so the picture cannot promise
more than there is. A test compares the committed picture with a fresh one.
"""

from pathlib import Path
from xml.sax.saxutils import escape

TREE = Path(__file__).parents[2]
OUTPUT = Path(__file__).with_name("house.svg")
WIDTH, HEIGHT = 1080, 760

INK, FAINT, PAPER = "#1d2b36", "#8a949b", "#fbfaf6"
CALL, PACKET, QUIET = "#0b6e99", "#c2541b", "#5d7a52"
FLOORS = [
    (["main"], "builds the objects, wires events, starts and stops the box"),
    (["web", "console", "cli"], "skins over the same operations"),
    (["operations"], "typed: arguments, role, audit; one local socket"),
    (["update", "lines"], "endpoints behind one Leg interface"),
    (["calls"], "a call is a task tree: who rings, who talks, who pays"),
    (["privacy"], "rights, consent, retention"),
    (["media", "store", "egress"], "plans for packets; encrypted rows; what may leave"),
    (["journal"], "typed events, masked"),
    (["clock", "labels", "errors"], "time; what data is and why; one clear line"),
]


def there(name: str) -> bool:
    """Tell whether a module or package is in the tree with anything inside."""
    folder = TREE / name
    return folder.with_suffix(".py").exists() or any(
        path.stat().st_size and path.name != "__init__.py" for path in folder.rglob("*.py")
    )


def text(x: float, y: float, words: str, size: int = 14, *, fill: str = INK, more: str = "") -> str:
    """Return a line of text; (x, y) is its baseline."""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" {more}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, *, fill: str = "#fff", line: str = INK, more: str = "") -> str:
    """Return a rounded box."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" fill="{fill}" stroke="{line}" {more}/>'
    )


def arrow(points: str, colour: str, *, both: bool = False, dashed: bool = False) -> str:
    """Return a path with an arrow head at its end, or at both ends."""
    name = {CALL: "call", PACKET: "packet", QUIET: "quiet"}[colour]
    start = f' marker-start="url(#{name})"' if both else ""
    dash = ' stroke-dasharray="2 5" stroke-linecap="round"' if dashed else ""
    return (
        f'<path d="{points}" fill="none" stroke="{colour}" stroke-width="2.5"{dash} marker-end="url(#{name})"{start}/>'
    )


def step(x: float, y: float, number: int, colour: str) -> str:
    """Return a numbered dot, told about in docs/map.md."""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="11" fill="{colour}"/>'
        f'<text x="{x:g}" y="{y + 4.5:g}" font-size="13" fill="#fff" text-anchor="middle" font-weight="700">{number}</text>'
    )


def place(x: float, y: float, width: float, height: float, name: str, words: str, colour: str) -> list[str]:
    """Return a room or a device: a box with a name and a line below it; faint when it is not in the tree."""
    exists = colour == INK or there(name)
    faint = 'stroke-dasharray="4 4"' if not exists else 'stroke-width="1.6"'
    parts = [box(x, y, width, height, line=colour if exists else FAINT, more=faint)]
    parts.append(text(x + 14, y + 26, name, 17, fill=INK if exists else FAINT, more='font-weight="700"'))
    for number, line in enumerate(words.split("\n")):
        parts.append(text(x + 14, y + 46 + 17 * number, line, 12, fill=INK if exists else FAINT))
    return parts


def floors(x: float, y: float, width: float) -> list[str]:
    """Return the floors of the firmware, high to low."""
    parts = []
    for number, (names, words) in enumerate(FLOORS):
        top = y + number * 38
        parts.append(box(x, top, width, 32, fill="#f1f5f6", line="#c3ced4"))
        left = x + 12
        for name in names:
            exists = there(f"firmware/{name}")
            style = 'font-weight="700"' if exists else 'font-style="italic"'
            parts.append(text(left, top + 21, name, 14, fill=INK if exists else FAINT, more=style))
            left += 8.6 * len(name) + 16
        parts.append(text(x + width - 12, top + 21, words, 12, fill="#50616b", more='text-anchor="end"'))
    return parts


def house() -> str:
    """Return the whole picture."""
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        for name, colour in (("call", CALL), ("packet", PACKET), ("quiet", QUIET))
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Inter, Segoe UI, Helvetica, Arial, sans-serif" role="img">',
        "<title>Branchline: rooms, floors and processes</title>",
        f"<defs>{heads}</defs>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="14" fill="{PAPER}"/>',
        # the signalling process
        box(210, 30, 540, 596, line=CALL, more='stroke-width="2"'),
        text(226, 56, "process branchline", 15, fill=CALL, more='font-weight="700"'),
        text(734, 56, "one event loop, one thread that writes", 12, fill=CALL, more='text-anchor="end"'),
        text(226, 82, "firmware", 17, more='font-weight="700"'),
        text(310, 82, "a floor imports only floors below it", 12, fill="#50616b"),
        *floors(226, 94, 508),
        text(226, 462, "the rooms know neither each other nor the firmware", 12, fill="#50616b"),
        *place(226, 474, 160, 136, "sip", "messages, transactions,\ndialogs, offer and answer,\nregistrar, digest.\nSockets: sip/transport", CALL),
        *place(400, 474, 160, 136, "provisioning", "the site file: typed,\nrefused with line and key,\ncountry profiles as data", CALL),
        *place(574, 474, 160, 136, "board", "HAT, FXS and FXO lines", CALL),
        # the media process
        box(830, 30, 220, 596, line=PACKET, more='stroke-width="2"'),
        text(846, 56, "process branchline-media", 15, fill=PACKET, more='font-weight="700"'),
        *place(846, 94, 188, 172, "rtp", "the forwarding plan:\nrows of plain numbers\n\nrtp.control: typed messages\nrtp.process: its ports\nrtp.loop: follows the plan", PACKET),
        *place(846, 474, 188, 136, "ports", "one pair for each side\nof a call; learn a source\nonce, then connect", INK),
        arrow("M940 268V470", PACKET, both=True),
        text(952, 352, "epoll,", 12, fill=PACKET),
        text(952, 369, "no allocation", 12, fill=PACKET),
        text(952, 386, "per packet", 12, fill=PACKET),
        # between the two
        arrow("M736 338H790V180H842", QUIET, both=True),
        text(762, 142, "edits down,", 12, fill=QUIET),
        text(762, 158, "events up", 12, fill=QUIET),
        step(790, 250, 6, QUIET),
        # phones
        *place(24, 474, 130, 136, "phones", "desk phones and\nsoftphones, at least\ntwo of them", INK),
        arrow("M156 520H222", CALL, both=True),
        text(160, 510, "SIP", 12, fill=CALL, more='font-weight="700"'),
        step(188, 546, 1, CALL),
        arrow("M90 612V690H940V614", PACKET, both=True),
        text(100, 682, "RTP, both ways, through the box and past the signalling", 12, fill=PACKET, more='font-weight="700"'),
        step(800, 690, 7, PACKET),
        # the way of a call upwards
        arrow("M300 472V438H206V228H222", CALL, dashed=True),
        step(300, 454, 2, CALL),
        step(206, 330, 3, CALL),
        # state directory
        box(400, 646, 334, 30, fill="#eef3ea", line=QUIET),
        text(414, 666, "state directory: site.toml · encrypted store · key ring", 12, fill=QUIET, more='font-weight="700"'),
        arrow("M567 612V643", QUIET, both=True),
        text(24, 738, "Bold: in the tree today. Faint: a place that later work fills. The numbers are told in docs/map.md.", 12, fill=FAINT),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(house())
