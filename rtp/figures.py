"""What one row saw, told as Statistics, whichever tier saw it."""

from __future__ import annotations

from rtp import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.end import End
    from rtp.loop import Loop


def statistics(end: End, loop: Loop, token: int) -> control.Statistics:
    """Return an end's figures so far."""
    own = {name: getattr(end, name) for name in control.Statistics.__slots__ if hasattr(end, name)}
    own |= {name: getattr(end.overheard, name, 0) for name in control.FAR}
    own |= {"lost": end.reception.lost, "jitter": end.reception.jitter, "rtcp": end.rtcp_count}
    fast, heard = loop.fast, end.heard
    if fast is not None:
        seen = fast.seen(end)
        for name, more in (("packets", seen.packets), ("octets", seen.octets), ("lost", seen.lost)):
            own[name] += more
        own["undelivered"] += seen.cut
        own["sent"] += fast.seen(end.route).forwarded if end.route is not None else 0
        own["jitter"] = seen.jitter if end.relayed else own["jitter"]
        heard = max(heard, seen.heard)
    idle = int(max(0.0, loop.now - heard) * 1000)
    return control.Statistics(token=token, idle=idle, **own)
