"""Fixed words are fixed: all over our source, `Word` is only ever given a literal."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("firmware", "board", "rtp", "sip", "provisioning")


def _fixed(node: ast.expr) -> bool:
    """Tell a literal or a member of an enum, such as Level.INFO, from anything computed."""
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id[:1].isupper()
    return isinstance(node, ast.Constant)


def loose_words(source: str) -> list[int]:
    """Return the lines where a Word is made of anything but a literal, or Kind's text is put together."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Word", "Kind")
        and not all(map(_fixed, node.args))
    ]


def test_words_are_literals() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for line in loose_words(path.read_text("utf-8"))
    ]
    assert found == []


def test_a_loose_word_is_found() -> None:
    assert loose_words("log(KIND, who=Word('UDP')); Kind('a', 'b', Level.INFO)") == []
    assert loose_words("log(KIND, who=Word(request.user))") == [1]
    assert loose_words("log(KIND, who=Word(user))") == [1]
    assert loose_words("log(KIND, who=Word(f'{user}'))") == [1]
    assert loose_words("Kind('a', 'b' + name)") == [1]
