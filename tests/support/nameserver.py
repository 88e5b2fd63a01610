"""A DNS server on a loopback address: a zone in text, UDP and TCP, everything it is asked is noted."""

from __future__ import annotations

import asyncio
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

SOA = "ns.example.com. admin.example.com. 1 60 60 60 {minimum}"


class NameServer:
    """Serves `records`, lines of "name ttl TYPE data".

    What it does wrong is set by its attributes.

    async with NameServer("127.0.9.53", ["example.com. 60 A 192.0.2.1"]) as server: ...
    """

    def __init__(self, host: str, records: list[str], *, minimum: int = 60) -> None:
        self.host = host
        self.port = 0
        self.minimum = minimum
        self.asked: list[str] = []
        self.silent = False
        self.broken = False  # answers SERVFAIL
        self.truncated = False  # by UDP: come again by TCP
        self.over_tcp = 0
        self.put(records)

    def put(self, records: list[str]) -> None:
        """Serve these records from now on."""
        self.zone: dict[tuple[dns.name.Name, int], dns.rrset.RRset] = {}
        for record in records:
            name, ttl, kind, data = record.split(None, 3)
            key = (dns.name.from_text(name), dns.rdatatype.from_text(kind))
            one = dns.rrset.from_text(name, int(ttl), "IN", kind, data)
            if key in self.zone:
                self.zone[key].add(one[0])
            else:
                self.zone[key] = one

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._stream = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._stream.sockets[0].getsockname()[1]
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), (self.host, self.port)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._datagrams.close()
        self._stream.close()
        await self._stream.wait_closed()

    def answer(self, data: bytes, *, tcp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        self.asked.append(f"{dns.rdatatype.to_text(question.rdtype)} {question.name}")
        if self.silent:
            return None
        reply = dns.message.make_response(query)
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire(max_size=65535)
        if self.truncated and not tcp:
            reply.flags |= dns.flags.TC
            return reply.to_wire(max_size=65535)
        name = question.name
        alias = self.zone.get((name, dns.rdatatype.CNAME))
        if alias is not None:
            reply.answer.append(alias)
            name = alias[0].target
        found = self.zone.get((name, question.rdtype))
        if found is not None:
            reply.answer.append(found)
        else:
            if all(known != name for known, _ in self.zone):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            soa = SOA.format(minimum=self.minimum)
            reply.authority.append(dns.rrset.from_text("example.com.", self.minimum, "IN", "SOA", soa))
        return reply.to_wire(max_size=65535)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        reply = self.answer(await reader.readexactly(length), tcp=True)
        self.over_tcp += 1
        if reply is not None:
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        reply = self._server.answer(data, tcp=False)
        if reply is not None:
            self._transport.sendto(reply, source)
