"""Extensions: made, imported, changed, shown, removed; secrets once; emergency numbers never."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from firmware.operations.context import Phone
from tests.support.operations import WrittenLive, carry_out, opened


def test_add_takes_the_lowest_free_number_and_answers_with_a_secret(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        first = carry_out(context, "extension.add", name="Front desk", alias=["0555100", "0555101"])
        carry_out(context, "extension.add", name="Taken", number="101")
        third = carry_out(context, "extension.add", name="Third")
    assert (first["number"], third["number"]) == ("100", "102")
    assert len(first["secret"]) >= 16
    assert first["secret"] != third["secret"]
    assert first["uri"] == "sip:100@192.0.2.1;transport=udp"
    assert first["servers"] == ["udp 192.0.2.1:5060", "tcp 192.0.2.1:5060", "tls 192.0.2.1:5061"]
    with opened(tmp_path) as context:
        listed = carry_out(context, "extension.list")
    assert [row["number"] for row in listed] == ["100", "101", "102"]
    assert listed[0] == {
        "number": "100",
        "name": "Front desk",
        "aliases": ["0555100", "0555101"],
        "phones": None,
    }


def test_list_never_tells_secrets_and_show_does(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        secret = carry_out(context, "extension.add", name="a")["secret"]
        assert secret not in str(carry_out(context, "extension.list"))
        assert carry_out(context, "extension.show", number="100")["secret"] == secret


def test_list_counts_registered_phones(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        live.registered[context.store.extensions.list()[0].id] = [Phone("UDP", "192.0.2.9:5060", 60.0)] * 2
        assert carry_out(context, "extension.list")[0]["phones"] == 2


def test_change_keeps_what_is_not_given(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        made = carry_out(context, "extension.add", name="a", alias=["0555100"])
        changed = carry_out(context, "extension.change", number="0555100", new_number="200")
        assert changed == {"number": "200", "name": "a", "aliases": ["0555100"], "phones": None}
        assert carry_out(context, "extension.show", number="200")["secret"] == made["secret"]
        renewed = carry_out(context, "extension.change", number="200", new_secret=True)
        assert renewed["secret"] != made["secret"]
        own = carry_out(context, "extension.change", number="200", secret="correct-horse-battery")
        assert own["secret"] == "correct-horse-battery"
        assert carry_out(context, "extension.change", number="200", no_alias=True)["aliases"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "nothing to change"),
        ({"alias": ["0555100"], "no_alias": True}, "both given and taken away"),
        ({"secret": "correct-horse-battery", "new_secret": True}, "choose one"),
        ({"secret": "short"}, "at least 16"),
        ({"new_number": "112"}, "emergency"),
        ({"new_number": "101"}, "in use"),
        ({"alias": ["112"]}, "emergency"),
    ],
)
def test_change_refuses(tmp_path: Path, arguments: dict[str, object], says: str) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        carry_out(context, "extension.add", name="b")
        before = context.store.extensions.list()
        with pytest.raises(OperatorError, match=says):
            carry_out(context, "extension.change", number="100", **arguments)
        assert context.store.extensions.list() == before


def test_unknown_extension(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        for name in ("extension.show", "extension.remove", "extension.change"):
            with pytest.raises(OperatorError, match="no such extension") as caught:
                carry_out(context, name, number="999")
            assert caught.value.key == "extension.unknown"


@pytest.mark.parametrize("arguments", [{"number": "112"}, {"alias": ["0555", "112"]}])
def test_emergency_numbers_are_nobodys(tmp_path: Path, arguments: dict[str, object]) -> None:
    with opened(tmp_path) as context:
        with pytest.raises(OperatorError, match="emergency number"):
            carry_out(context, "extension.add", name="a", **arguments)
        assert context.store.extensions.list() == ()


def test_free_numbers_pass_over_emergency_numbers(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        csv = "number,name\n" + "".join(f"{number},x\n" for number in range(100, 112))
        carry_out(context, "extension.import", csv=csv)
        assert carry_out(context, "extension.add", name="next")["number"] == "113"


def test_import_is_all_or_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        with pytest.raises(OperatorError, match="row 3"):
            carry_out(context, "extension.import", csv="number,name,aliases\n200,a,\n201,b,0555 112\n")
        with pytest.raises(OperatorError, match="row 3"):
            carry_out(context, "extension.import", csv="number,name\n200,a\nx,b\n")
        assert context.store.extensions.list() == ()
        made = carry_out(context, "extension.import", csv="number,name,aliases\n200,a,\n201,b,0555 0556\n")
    assert [(row["number"], row["aliases"]) for row in made] == [("200", []), ("201", ["0555", "0556"])]
    assert all(len(row["secret"]) >= 16 for row in made)


def test_remove_is_for_good(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        assert carry_out(context, "extension.remove", number="100") == {"number": "100"}
    with opened(tmp_path) as context:
        assert carry_out(context, "extension.list") == []


def test_running_box_is_told_of_every_change(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        someone = context.store.extensions.list()[0].id
        carry_out(context, "extension.change", number="100", name="b")
        carry_out(context, "extension.import", csv="number,name\n200,a\n")
        carry_out(context, "extension.remove", number="100")
        carry_out(context, "extension.list")
    assert live.told == [("changed", someone), ("changed", someone), ("changed", None), ("changed", someone)]
