"""Draws the house: `python docs/pictures/draw.py` writes house.svg beside this file.

What exists in the tree is drawn in full, what later work will fill is drawn faint; so the picture cannot
promise more than there is. A test compares the committed picture with a fresh one.
"""

from pathlib import Path
from xml.sax.saxutils import escape

TREE = Path(__file__).parents[2]
OUTPUT = Path(__file__).with_name("house.svg")
WIDTH, HEIGHT = 1080, 760

INK, FAINT, PAPER = "#1d2b36", "#8a949b", "#fbfaf6"
CALL, PACKET, QUIET = "#0b6e99", "#c2541b", "#5d7a52"
SOFT = "#50616b"
SIP = "messages, transactions,\ndialogs, registrar,\noffer and answer, digest;\nsockets: sip/transport"
PROVISIONING = "the site file, typed;\nrefused by line and\nkey; countries\nas data"
BOARD = "HAT, FXS and\nFXO lines"
RTP = "the forwarding plan:\nrows of plain numbers\n\ncontrol: typed messages\nloop: follows the plan"
PORTS = "a pair for each side\nof a call; a source is\nlearnt once, then the\nsocket is connected"
PHONES = "desk phones\nand softphones"
LEGEND = "Bold: in the tree. Faint: a place that later work fills. The numbers are told in docs/map.md."
STEPS = {"lines": 4, "calls": 5, "media": 6, "store": 7}
FLOORS = [
    (["main"], "builds the objects, wires events, starts and stops the box"),
    (["web", "console", "cli"], "skins over the same operations"),
    (["operations"], "typed: arguments, role, audit; one local socket"),
    (["update", "lines"], "endpoints behind one Leg interface"),
    (["calls"], "a call is a task tree: who rings, who talks"),
    (["privacy"], "rights, consent, retention"),
    (["media", "store", "egress"], "plans, rows, destinations"),
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


def box(
    x: float, y: float, width: float, height: float, *, fill: str = "#fff", line: str = INK, more: str = ""
) -> str:
    """Return a rounded box."""
    area = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {area} rx="8" fill="{fill}" stroke="{line}" {more}/>'


def arrow(points: str, colour: str, *, both: bool = False, dashed: bool = False) -> str:
    """Return a path with an arrow head at its end, or at both ends."""
    name = {CALL: "call", PACKET: "packet", QUIET: "quiet"}[colour]
    start = f' marker-start="url(#{name})"' if both else ""
    dash = ' stroke-dasharray="2 5" stroke-linecap="round"' if dashed else ""
    ends = f'marker-end="url(#{name})"{start}'
    return f'<path d="{points}" fill="none" stroke="{colour}" stroke-width="2.5"{dash} {ends}/>'


def step(x: float, y: float, number: int) -> str:
    """Return a numbered dot, told about in docs/map.md."""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="10" fill="{CALL}"/>'
        f'<text x="{x:g}" y="{y + 4.5:g}" font-size="12" fill="#fff" text-anchor="middle">{number}</text>'
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
            left += 9 * len(name) + 16
            if name in STEPS:
                parts.append(step(left, top + 16, STEPS[name]))
                left += 20
        parts.append(text(x + width - 12, top + 21, words, 12, fill=SOFT, more='text-anchor="end"'))
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
        box(200, 30, 556, 596, line=CALL, more='stroke-width="2"'),
        text(240, 56, "process branchline", 15, fill=CALL, more='font-weight="700"'),
        text(740, 56, "one event loop, one thread that writes", 12, fill=CALL, more='text-anchor="end"'),
        text(240, 82, "firmware", 17, more='font-weight="700"'),
        text(740, 82, "a floor imports only floors below it", 12, fill=SOFT, more='text-anchor="end"'),
        *floors(240, 94, 500),
        text(
            740,
            460,
            "the rooms know neither each other nor the firmware",
            12,
            fill=SOFT,
            more='text-anchor="end"',
        ),
        *place(240, 474, 180, 136, "sip", SIP, CALL),
        *place(430, 474, 166, 136, "provisioning", PROVISIONING, CALL),
        *place(606, 474, 134, 136, "board", BOARD, CALL),
        step(374, 494, 2),
        step(400, 494, 3),
        # the media process
        box(850, 30, 206, 596, line=PACKET, more='stroke-width="2"'),
        text(864, 56, "branchline-media", 15, fill=PACKET, more='font-weight="700"'),
        text(864, 78, "a process of its own", 12, fill=PACKET),
        *place(864, 94, 178, 150, "rtp", RTP, PACKET),
        *place(864, 474, 178, 136, "ports", PORTS, INK),
        arrow("M953 246V470", PACKET, both=True),
        text(965, 346, "epoll; nothing", 12, fill=PACKET),
        text(965, 363, "is allocated", 12, fill=PACKET),
        text(965, 380, "per packet", 12, fill=PACKET),
        # between the two
        arrow("M742 338H802V180H860", QUIET, both=True),
        text(770, 152, "edits down,", 12, fill=QUIET),
        text(770, 168, "events up", 12, fill=QUIET),
        # phones
        *place(24, 474, 126, 136, "phones", PHONES, INK),
        arrow("M152 520H236", CALL, both=True),
        text(160, 508, "SIP", 12, fill=CALL, more='font-weight="700"'),
        step(186, 546, 1),
        arrow("M87 612V700H953V614", PACKET, both=True),
        text(
            100,
            692,
            "RTP goes both ways through the media process only",
            12,
            fill=PACKET,
            more='font-weight="700"',
        ),
        # the way of a call upwards
        arrow("M262 472V452H220V224H236", CALL, dashed=True),
        # what is kept
        box(500, 642, 256, 30, fill="#eef3ea", line=QUIET),
        text(628, 662, "site.toml, encrypted store, key ring", 12, fill=QUIET, more='text-anchor="middle"'),
        arrow("M778 338V657H760", QUIET),
        text(24, 738, LEGEND, 12, fill=FAINT),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(house())
