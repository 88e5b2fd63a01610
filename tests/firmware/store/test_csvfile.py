"""Extensions from a CSV file: every fault with its row, before anything is added."""

import pytest

from firmware.store import Invalid
from firmware.store.csvfile import parse


def test_rows_become_extensions() -> None:
    text = (
        '\ufeffNumber,Name,Secret,Aliases\r\n100,"Ottilie, Dr.",Abc1Def2Ghi3Jkl4,+4930901820 301\r\n\r\n'
        " 101 ,,,\r\n102\r\n"
    )
    rows = parse(text, "t" * 32)
    assert [row for row, _ in rows] == [2, 4, 5]
    first, second, third = (extension for _, extension in rows)
    assert (first.number, first.name, first.secret) == ("100", "Ottilie, Dr.", "Abc1Def2Ghi3Jkl4")
    assert first.aliases == ("+4930901820", "301")
    assert first.tenant == "t" * 32
    assert (second.number, second.name, second.aliases) == ("101", "", ())
    assert len(second.secret) == 20
    assert third.number == "102"
    assert len({first.id, second.id, third.id}) == 3


def test_semicolons_and_fewer_columns_will_do() -> None:
    rows = parse("name;number\nOttilie;100\n", "")
    assert [(extension.number, extension.name) for _, extension in rows] == [("100", "Ottilie")]
    assert parse("number\n", "") == []


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("", 1),
        ("100,Ottilie\n", 1),
        ("number,colour\n100,red\n", 1),
        ("number,number\n100,100\n", 1),
        ("number,name\n100,a\n1,b\n", 3),
        ("number,name\n100,a,b\n", 2),
        ("number,secret\n100,short\n", 2),
        ("number,aliases\n100,300\n101,300\n", 3),
        ("number\n100\n\n100\n", 4),
        ('number,name\n100,"a\n', 2),
        ('number,name\n100,"a"b\n', 2),
        ("number,name\n100,a\0b\n", 2),
    ],
)
def test_a_fault_is_told_with_its_row(text: str, row: int) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, "")
    assert caught.value.values["row"] == row
    assert str(caught.value).startswith(f"row {row}: ")
    assert "\n" not in str(caught.value)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(Invalid, match="at most 5000"):
        parse("number\n" + "\n".join(str(number) for number in range(10000, 15002)), "")
