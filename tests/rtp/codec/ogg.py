"""Opus packets in an Ogg file (RFC 3533, RFC 7845), so that other programs read them."""

import struct

_SERIAL = 7


def _crc(data: bytes) -> int:
    crc = 0
    for octet in data:
        crc ^= octet << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _page(packet: bytes, number: int, position: int, flags: int) -> bytes:
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, _SERIAL, number, 0, len(lacing))
    page = head + lacing + packet
    return page[:22] + struct.pack("<I", _crc(page)) + page[26:]


def written(packets: list[bytes]) -> bytes:
    """Return an Ogg file of mono packets of 20 ms, nothing to be skipped at its start."""
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 1) + b"x" + struct.pack("<I", 0)
    pages = [_page(head, 0, 0, 2), _page(tags, 1, 0, 0)]
    for number, packet in enumerate(packets, 1):
        last = 4 if number == len(packets) else 0
        pages.append(_page(packet, number + 1, number * 960, last))
    return b"".join(pages)
