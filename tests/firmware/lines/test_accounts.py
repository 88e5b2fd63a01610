"""Accounts: hashes derived when loaded, and which changes end a registration."""

from dataclasses import replace

from firmware.lines.accounts import Accounts
from firmware.store.model import Extension
from sip.digest import ha1

ANNA = Extension("id-a", "t", "101", "Anna", "a secret of sixteen")
BEN = Extension("id-b", "t", "102", "Ben", "a secret of sixteen")


def accounts() -> Accounts:
    made = Accounts("branchline", ("SHA-256", "MD5"))
    assert made.load([ANNA, BEN]) == []
    return made


def test_hash_per_user_and_algorithm() -> None:
    for algorithm in ("SHA-256", "MD5"):
        assert accounts().ha1("101", algorithm) == ha1("101", "branchline", ANNA.secret, algorithm)
    assert accounts().ha1("101", "SHA-512-256") is None
    assert accounts().ha1("103", "MD5") is None


def test_renumbered_is_found_by_the_new_number_only() -> None:
    made = accounts()
    assert made.change("id-a", replace(ANNA, number="109"))
    assert made.find("101") is None
    found = made.find("109")
    assert found is not None
    assert found.party.extension == "id-a"
    assert made.ha1("109", "MD5") == ha1("109", "branchline", ANNA.secret, "MD5")


def test_only_number_secret_and_removal_end_registrations() -> None:
    made = accounts()
    assert not made.change("id-a", replace(ANNA, name="Anne", aliases=("5",)))
    assert made.change("id-a", replace(ANNA, secret="another one of sixteen"))
    assert made.change("id-b", None)
    assert made.find("102") is None
    assert not made.change("id-c", replace(ANNA, id="id-c", number="103"))
    assert made.load([ANNA]) == ["id-a", "id-c"]


def test_new_realm_derives_anew_and_keeps_registrations() -> None:
    made = accounts()
    made.reset("other", ("MD5",))
    assert made.load([ANNA, BEN]) == []
    assert made.ha1("101", "MD5") == ha1("101", "other", ANNA.secret, "MD5")
    assert made.ha1("101", "SHA-256") is None


def test_repr_of_a_party_names_nobody() -> None:
    account = accounts().find("101")
    assert account is not None
    assert "Anna" not in repr(account.party)
    assert "101" not in repr(account.party)
