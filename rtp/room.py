"""Rooms: parties that hear one another, mixed every 20 ms.

Everybody hears the sum of the others (N-1). Two who talk get each other's frames untouched; whoever is silent
gets the sum of all, made and, where the format has no memory, encoded once for all of them.
A room runs at the highest sampling rate of its parties.
"""

from __future__ import annotations

from rtp.audio import audioop
from rtp.limiter import Limiter, add, widen, without
from rtp.rates import Converter
from rtp.seat import DEAF, ECHO, MUTED, RELAY, UNITY

PARTIES = 32
QUIET = 200  # RMS below which nobody counts as speaking (-44 dBov)
SMOOTH = 0.1  # weight of the newest frame in a party's loudness
OUTDO = 1.5  # times louder than the speaker to become the speaker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rtp.player import Player
    from rtp.recorder import Recorder
    from rtp.seat import Seat
    from rtp.talker import Talker


class Party:
    """Somebody in a room. `send` takes a whole RTP packet; `player` is heard by them alone."""

    __slots__ = (
        "_down", "_limiter", "_up", "loudness", "player", "port", "recorder", "seat", "send", "talker",
    )  # fmt: skip

    def __init__(self, port: int, seat: Seat, talker: Talker, send: Callable[[bytes], None]) -> None:
        self.port = port
        self.seat = seat
        self.talker = talker
        self.send = send
        self.player: Player | None = None
        self.recorder: Recorder | None = None
        self.loudness = 0.0
        self._limiter = Limiter()
        self._up = Converter()
        self._down = Converter()

    def hear(self, rate: int, now: float) -> bytes | None:
        """Return what this party says in the next 20 ms, at the room's rate."""
        frame = self.talker.take(now)
        if frame is None:
            return None
        frame = self._up(frame, self.talker.hearing, rate)
        gain = self.seat.gain
        if gain != UNITY:
            frame = self._limiter.narrow(widen(frame, gain / UNITY))
        return frame

    def encode(self, rate: int, frame: bytes) -> bytes:
        """Return the payload of a frame of the room."""
        return self.talker.encode(self._down(frame, rate, self.talker.rate))

    def sum(self, total: bytes) -> bytes:
        """Return a sum as samples for this party."""
        return self._limiter.narrow(total)


class Room:
    """One room. `told(event, port, *numbers)` hears of digits: ("digit", port, event, ms)."""

    __slots__ = ("_limiter", "_told", "parties", "player", "rate", "speaker")

    def __init__(self, told: Callable[..., None]) -> None:
        self.parties: dict[int, Party] = {}
        self.player: Player | None = None  # heard by everybody
        self.speaker = 0  # port of who speaks, in a room of more than two
        self.rate = 8000
        self._told = told
        self._limiter = Limiter()

    def enter(self, party: Party) -> bool:
        """Take somebody in, or anew; False when it is full."""
        if party.port not in self.parties and len(self.parties) >= PARTIES:
            return False
        self.parties[party.port] = party
        self.settle()
        return True

    def leave(self, port: int) -> None:
        """Let somebody go; no party, no error."""
        if self.parties.pop(port, None) is not None:
            self.speaker = 0 if self.speaker == port else self.speaker
            self.settle()

    def settle(self) -> None:
        """Find the room's rate, when somebody's format changed."""
        rates = [party.talker.rate for party in self.parties.values()]
        self.rate = min(48000, max(rates, default=8000))

    def skip(self, frames: int) -> None:
        """Let time pass in which nobody could be served."""
        for party in self.parties.values():
            party.talker.skip(frames)

    def tick(self, now: float) -> None:
        """Go on by 20 ms: hear everybody, send everybody what the others said."""
        rate = self.rate
        heard = []  # (port, frame)
        said: dict[int, bytes] = {}
        for party in self.parties.values():
            frame = party.hear(rate, now)
            if party.talker.digits:
                self._pass_digits(party)
            if frame is not None:
                said[party.port] = frame
                if not party.seat.flags & MUTED:
                    heard.append((party.port, frame))
        if len(self.parties) > 2:
            self._listen(heard)
        if self.player is not None:
            played = self.player.take(rate)
            if played is None:
                self.player = None
            else:
                heard.append((0, played))
        self._serve(_Mix(heard, self._limiter), said)

    def _serve(self, mix: _Mix, said: dict[int, bytes]) -> None:
        # sound made once for all who share it; kept with its frame, or a later one might get the same id
        payloads: dict[tuple[int, str], tuple[bytes, bytes]] = {}
        rate = self.rate
        for party in self.parties.values():
            flags = party.seat.flags
            frame = None if flags & DEAF else mix.for_party(party)
            if flags & ECHO:
                frame = said.get(party.port)
            if party.player is not None:
                played = party.player.take(rate)
                if played is None:
                    party.player = None
                elif frame is None:
                    frame = played
                else:
                    frame = party.sum(add(widen(frame), widen(played)))
            if party.recorder is not None:
                party.recorder.put(said.get(party.port), frame, rate)
            payload = None
            if frame is not None and not party.talker.occupied:
                shared = party.talker.shares
                key = id(frame), shared
                made = payloads.get(key) if shared else None
                payload = made[1] if made is not None else party.encode(rate, frame)
                if shared and made is None:
                    payloads[key] = frame, payload
            for packet in party.talker.say(payload):
                party.send(packet)

    def _pass_digits(self, party: Party) -> None:
        digits = party.talker.digits
        while digits:
            event, length = digits.popleft()
            self._told("digit", party.port, event, length)
            if length and party.seat.flags & RELAY:
                for other in self.parties.values():
                    if other is not party:
                        other.talker.press(event, length / 1000)

    def _listen(self, heard: list[tuple[int, bytes]]) -> None:
        """Find who speaks: the loudest, if clearly louder than who spoke before."""
        frames = dict(heard)
        for party in self.parties.values():
            frame = frames.get(party.port)
            level = audioop.rms(frame, 2) if frame is not None else 0
            party.loudness += (level - party.loudness) * SMOOTH
        loudest = max(self.parties.values(), key=lambda party: party.loudness)
        before = self.parties.get(self.speaker)
        if loudest is not before and loudest.loudness > max(
            QUIET, OUTDO * before.loudness if before is not None else 0
        ):
            self.speaker = loudest.port
            self._told("speaker", loudest.port)


class _Mix:
    """What was said in one tick, and the sums of it that are wanted."""

    __slots__ = ("_all", "_heard", "_limiter", "_ports", "_total", "_wide")

    def __init__(self, heard: list[tuple[int, bytes]], limiter: Limiter) -> None:
        self._heard = heard
        self._limiter = limiter
        self._ports = frozenset([port for port, _ in heard])
        self._all: bytes | None = None
        self._total = b""
        self._wide: dict[int, bytes] = {}

    def for_party(self, party: Party) -> bytes | None:
        """Return what everybody but this party said; None when nobody did."""
        heard = self._heard
        port = party.port
        own = port in self._ports
        others = len(heard) - own
        if not others:
            return None
        if others == 1:  # untouched
            return heard[0][1] if heard[0][0] != port else heard[1][1]
        if not self._wide:
            self._wide = {who: widen(frame) for who, frame in heard}
            total, *more = self._wide.values()
            for one in more:
                total = add(total, one)
            self._total = total
        if own:
            return party.sum(without(self._total, self._wide[port]))
        if self._all is None:
            self._all = self._limiter.narrow(self._total)
        return self._all
