"""How a phone is to ring, or not to: Alert-Info and its kin.

Auto-answer is no standard most phones know, so it is said in the words of several makers at once; each phone
obeys the one it knows, if its own settings allow that at all:

- `Alert-Info: <...>;info=alert-autoanswer;delay=0`: Yealink (support FAQ 546), Mitel/Aastra (release notes
  RN-001029), AudioCodes (310HD administrator's manual 22.6), Gigaset (FAQ "Auto-answer call").
- `Call-Info: <...>;answer-after=0`: Grandstream (GXP1200 user guide, "Allow Auto Answer by Call-Info"), Snom
  (setting answer_after_policy), AudioCodes, Gigaset.
- `Answer-Mode: Auto`: RFC 5373 section 5.1.
"""

from __future__ import annotations

from firmware.calls.leg import Manner, Party


def alert(manner: Manner, caller: Party, host: str) -> tuple[tuple[str, str], ...]:
    """Return the headers for a phone that is called; what rings it hears in the words of RFC 7462."""
    if manner is Manner.INTERCOM:
        return (
            ("Alert-Info", f"<http://{host}>;info=alert-autoanswer;delay=0"),
            ("Call-Info", f"<sip:{host}>;answer-after=0"),
            ("Answer-Mode", "Auto"),
        )
    source = f"<urn:alert:source:{'external' if caller.extension is None else 'internal'}>"
    recall = ", <urn:alert:service:recall:hold>" if manner is Manner.RECALL else ""
    return (("Alert-Info", source + recall),)
