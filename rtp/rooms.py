"""All rooms of the media process, and the 20 ms they share.

The loop asks `due` how long it may sleep and calls `tick`; no room, no waking up. A tick that comes late is
made up for, up to CATCH_UP frames; what is later than that nobody can hear any more in time and is skipped,
with the timestamps of every stream going on as time did.
"""

from __future__ import annotations

from rtp import orders
from rtp.codec import FRAME, CodecError
from rtp.packet import HEADER, payload_start
from rtp.room import Party, Room
from rtp.seat import Seat, SeatError
from rtp.talker import Talker

TICK = 1.0 / FRAME
CATCH_UP = 5

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rtp.control import Message
    from rtp.plan import Row
    from rtp.player import Player
    from rtp.recorder import Recorder


class Rooms:
    """Tells what happens. Counts seats `refused`, packets of `strange` types, ticks `skipped`."""

    def __init__(self, tell: Callable[[Message], None]) -> None:
        self.due: float | None = None
        self.refused = self.strange = self.skipped = 0
        self._tell = tell
        self._rooms: dict[int, Room] = {}
        self._parties: dict[int, Party] = {}

    # -- the plan

    def put(self, row: Row, send: Callable[[bytes], None], now: float) -> bool:
        """Follow a row with a seat, new or changed; False when it cannot be: it hears and says nothing."""
        try:
            seat = Seat.parse(row.seat)
            party = self._parties.get(row.port)
            if party is None:
                party = Party(row.port, seat, Talker(seat), send)
            elif party.seat.room == seat.room:
                party.talker.follow(seat)
                party.seat, party.send = seat, send
                self._rooms[seat.room].settle()
                return True
            else:
                party.talker.follow(seat)
                self._leave(party)
                party.seat, party.send = seat, send
        except (SeatError, CodecError):
            self.refused += 1
            self.remove(row.port)
            return False
        room = self._rooms.get(seat.room)
        if room is None:
            room = self._rooms[seat.room] = Room(self._told)
        if not room.enter(party):
            self.refused += 1
            self._parties[row.port] = party
            self.remove(row.port)
            return False
        self._parties[row.port] = party
        if self.due is None:
            self.due = now + TICK
        return True

    def remove(self, port: int) -> None:
        """Let a party go; no party, no error."""
        party = self._parties.pop(port, None)
        if party is not None:
            self._leave(party)
            if party.player is not None:
                self._played(party.player)
            self._recorded(party)
            party.talker.close()
        if not self._parties:
            self.due = None

    def _leave(self, party: Party) -> None:
        room = self._rooms.get(party.seat.room)
        if room is not None:
            room.leave(party.port)
            if not room.parties:
                if room.player is not None:
                    self._played(room.player)
                del self._rooms[party.seat.room]

    # -- packets and time

    def take(self, port: int, buffer: bytearray, size: int, now: float) -> None:
        """Take one RTP packet that an end accepted for a party."""
        party = self._parties.get(port)
        if party is None:
            return
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(buffer)
        start = payload_start(buffer, size)
        end = size - buffer[size - 1] if first & 0x20 else size
        if not party.talker.put(second & 127, sequence, timestamp, ssrc, bytes(buffer[start:end]), now):
            self.strange += 1

    def tick(self, now: float) -> None:
        """Do what is due."""
        due = self.due
        if due is None:
            return
        behind = int((now - due) * FRAME) + 1 if now >= due else 0
        if behind > CATCH_UP:
            gone = behind - CATCH_UP
            self.skipped += gone
            due += gone * TICK
            for room in self._rooms.values():
                room.skip(gone)
            behind = CATCH_UP
        for _ in range(behind):
            for room in tuple(self._rooms.values()):
                playing = [room.player, *[party.player for party in room.parties.values()]]
                room.tick(due)
                playing_now = {id(room.player), *[id(party.player) for party in room.parties.values()]}
                for player in playing:
                    if player is not None and id(player) not in playing_now:
                        self._played(player)
            due += TICK
        self.due = due

    # -- orders

    def play(self, port: int, room: int, player: Player) -> None:
        """Play to one party, or with port 0 to everybody in a room, instead of what played there."""
        party, place = self._parties.get(port), self._rooms.get(room)
        if port and party is not None:
            before, party.player = party.player, player
        elif not port and place is not None:
            before, place.player = place.player, player
        else:
            before = player  # nobody there
        if before is not None:
            self._played(before)

    def stop(self, port: int, room: int) -> None:
        """Stop what plays there."""
        for place in (self._parties.get(port), self._rooms.get(room) if not port else None):
            if place is not None and place.player is not None:
                self._played(place.player)
                place.player = None

    def record(self, port: int, recorder: Recorder | None) -> None:
        """Record a party, or stop with None."""
        party = self._parties.get(port)
        if party is None:
            if recorder is not None:
                recorder.close()
                self.refuse_record(recorder.token)
            return
        self._recorded(party)
        party.recorder = recorder

    def refuse_record(self, token: int) -> None:
        """Say that there will be no such recording."""
        self._tell(orders.Recorded(token=token, left_out=0, broken=1))

    def press(self, port: int, digits: bytes, length: int) -> None:
        """Send digits to a party's far end as telephone-events of `length` ms each."""
        party = self._parties.get(port)
        if party is not None:
            for event in digits:
                party.talker.press(event, length / 1000)

    def _recorded(self, party: Party) -> None:
        recorder, party.recorder = party.recorder, None
        if recorder is not None:
            recorder.close()
            told = orders.Recorded(
                token=recorder.token, left_out=recorder.left_out, broken=int(recorder.broken)
            )
            self._tell(told)

    def _played(self, player: Player) -> None:
        player.close()
        self._tell(orders.Played(token=player.token, failed=int(player.failed)))

    def _told(self, what: str, port: int, *numbers: int) -> None:
        if what == "digit":
            self._tell(orders.Digit(port=port, event=numbers[0], length=numbers[1]))
        else:
            self._tell(orders.Speaker(port=port, room=self._parties[port].seat.room))
