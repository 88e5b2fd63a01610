"""The line index agrees with tomllib on every path and points at the right line."""

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.site_lines import line_index

CURIOUS = '''\
# comment with = and [brackets]
title = "a # no comment" # one
"quoted key" = 1
'literal.key' = 2
"esc\\u0061pe\\"d" = 3
a.b.c = 4
a . d = 5
long = """
[no.table]
x = 1 \\"""
"""""
raw = \'\'\'
[[neither]]
\'\'\'\'
list = [ # first
  1, 2,
  "]", # ] in text
  [3, { x = 1, y.z = [ {} ] }],
]
empty = []
when = 1979-05-27 07:32:00
inline = { p = 1, q = { r = "}" } }

[table.inner]
k = true
[ table ]
k = 1
[[many]]
n = 1
[many.sub]
s = 1
[[many.deep]]
d = 1
[[many.deep]]
d = 2
[[many]]
n = 2
[[many.deep]]
d = 3
["x.y"."z"]
last = -inf'''


def paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found |= paths(inner, (*path, number))
    return found


def test_line_index_names_exactly_the_paths_tomllib_found() -> None:
    assert set(line_index(CURIOUS)) == paths(tomllib.loads(CURIOUS))


@pytest.mark.parametrize(
    ("path", "start"),
    [
        (("quoted key",), '"quoted key"'),
        (("literal.key",), "'literal.key'"),
        (('escape"d',), '"esc'),
        (("a", "b", "c"), "a.b.c"),
        (("a", "d"), "a . d"),
        (("long",), "long"),
        (("raw",), "raw"),
        (("list",), "list"),
        (("list", 1), "  1, 2,"),
        (("list", 2), '  "]"'),
        (("list", 3, 1, "y", "z"), "  [3"),
        (("inline", "q", "r"), "inline"),
        (("table",), "[ table ]"),
        (("table", "inner", "k"), "k = true"),
        (("many", 0, "sub", "s"), "s = 1"),
        (("many", 0, "deep", 1, "d"), "d = 2"),
        (("many", 1, "n"), "n = 2"),
        (("many", 1, "deep", 0, "d"), "d = 3"),
        (("x.y", "z", "last"), "last"),
    ],
)
def test_line_index_points_at_the_line(path: tuple[str | int, ...], start: str) -> None:
    for text in (CURIOUS, CURIOUS.replace("\n", "\r\n")):
        assert text.splitlines()[line_index(text)[path] - 1].startswith(start)


KEYS = st.one_of(
    st.text("abz019_-", min_size=1, max_size=4),
    st.text('a."\\=[]#\n', max_size=4).map(json.dumps),
)
VALUES = st.recursive(
    st.sampled_from(["1", "true", '"a"', "'[x]'", '"""\nz = 1\n"""', "'''a\n[b]'''", "1979-05-27", '"\\\\"']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: "[" + ",\n# note\n".join(parts) + "]"),
        st.lists(inner, max_size=3).map(
            lambda parts: "{" + ", ".join(f"k{i}.m = {part}" for i, part in enumerate(parts)) + "}"
        ),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: f"[{'.'.join(keys)}]"),
    st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: f"[[{' . '.join(keys)}]] # c"),
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=8))
def test_line_index_agrees_with_tomllib_on_anything_valid(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(line_index(text)) == paths(values)
