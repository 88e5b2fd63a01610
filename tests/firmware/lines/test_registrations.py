"""Registrations outlive a restart, end with their extension, and are told without naming anybody."""

import asyncio
from dataclasses import replace

from firmware.lines.registrations import Phone
from tests.firmware.lines.house import House, play


def test_a_restart_loses_no_phone_and_a_call_rings_at_once() -> None:
    async def scene(house: House) -> None:
        anna, ben = house.phone("101", 11), house.phone("102", 12)
        await anna.register()
        await ben.register()
        await asyncio.sleep(50)
        house.line.close()
        house.start()
        [phone] = house.line.phones("id-102")
        assert phone == Phone("UDP", ("192.168.1.12", 5062), 250)
        await anna.call("102")
        await ben.answer()
        await anna.hangup()

    assert [record.cause for record in play(scene).records] == ["normal"]


def test_saved_soon_after_a_change_even_if_the_box_dies() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        await anna.register()
        [row] = house.kept.rows["id-101"]
        assert (row.transport, row.source, row.local) == (
            "UDP",
            ("192.168.1.11", 5062),
            ("192.168.1.1", 5060),
        )
        assert abs(row.expires - house.clock.wall() - 300) < 0.2
        await asyncio.sleep(100)
        await anna.register()
        assert house.kept.rows["id-101"] == [row], "a refresh is worth no commit of its own"
        await asyncio.sleep(5.1)
        assert abs(house.kept.rows["id-101"][0].expires - row.expires - 100) < 0.3
        await asyncio.sleep(100)
        await anna.register()
        await anna.register(expires=0)
        assert house.kept.rows["id-101"] == [], "a change takes what waited along"
        await anna.register(expires=0)
        assert house.kept.rows["id-101"] == []

    play(scene)


def test_restored_registrations_of_an_extension_that_is_gone_are_left_out() -> None:
    async def scene(house: House) -> None:
        await house.phone("101", 11).register()
        house.line.close()
        del house.kept.extensions.all["id-101"]
        house.start()
        assert house.line.phones("id-101") == []

    play(scene)


def test_removed_extension_and_new_secret_end_registrations_a_new_name_does_not() -> None:
    async def scene(house: House) -> None:
        people = house.kept.extensions.all
        for number, last in (("100", 10), ("101", 11), ("102", 12)):
            await house.phone(number, last).register()
        people["id-100"] = replace(people["id-100"], name="Nora N")
        people["id-101"] = replace(people["id-101"], secret="another secret, long")
        for changed in ("id-100", "id-101"):
            house.line.extension_changed(changed)
        assert [len(house.line.phones(f"id-{n}")) for n in (100, 101, 102)] == [1, 0, 1]
        del people["id-102"]
        house.line.extension_changed()
        assert [len(house.line.phones(f"id-{n}")) for n in (100, 101, 102)] == [1, 0, 0]
        assert await house.phones["192.168.1.11", 5062].register() == 401
        assert await house.phones["192.168.1.12", 5062].register() == 401

    play(scene)


def test_new_limits_hold_for_new_registrations() -> None:
    async def scene(house: House) -> None:
        house.line.settings = replace(house.line.settings, shortest=400, longest=500)
        anna = house.phone("101", 11)
        assert await anna.register(expires=300) == 423
        assert await anna.register(expires=9000) == 200
        assert house.line.phones("id-101")[0].seconds == 500

    play(scene)


def test_other_algorithms_at_run_time() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        assert await anna.register() == 200
        house.line.settings = replace(house.line.settings, algorithms=("SHA-256", "MD5"))
        assert await anna.register() == 200
        assert house.line.phones("id-101"), "a running registration was dropped"
        last = house.sent_to(anna, "SIP/2.0 401")[-1]
        assert last.count("WWW-Authenticate") == 2

    play(scene)


def test_refreshes_are_silent_and_nobody_is_named() -> None:
    async def scene(house: House) -> None:
        anna = house.phone("101", 11)
        for _ in range(3):
            await anna.register()
        await anna.register(expires=0)
        assert tuple(kind.name for kind, _ in house.events) == ("register.ok", "register.gone")
        shown = repr(house.events)
        for secret in ("101", "192.168", "Anna"):
            assert secret not in shown

    play(scene)
