"""The documents say what is so: files they name exist, links lead somewhere, the picture is the tree's."""

import re
import runpy
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
PAGES = sorted([*TREE.glob("*.md"), *(TREE / "docs").rglob("*.md")])

# Places that the documents speak of as to come, or that only a running tree has.
ELSEWHERE = {"board/bus.py", "board/audio.py"}
FILE = re.compile(r"`((?:sip|rtp|board|provisioning|firmware|tests|docs|\.ci)/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TREE).as_posix())
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    named = {name for name in FILE.findall(text) if name not in ELSEWHERE}
    assert sorted(name for name in named if not (TREE / name).exists()) == []
    assert sorted(link for link in LINK.findall(text) if not (page.parent / link).exists()) == []


def test_the_picture_shows_the_tree_as_it_is() -> None:
    drawn = runpy.run_path(str(TREE / "docs" / "pictures" / "draw.py"))["house"]()
    assert (TREE / "docs" / "pictures" / "house.svg").read_text() == drawn, "run python docs/pictures/draw.py"


def test_every_make_target_is_in_help_and_every_target_a_page_names_exists() -> None:
    makefile = (TREE / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    assert {name for name in targets if re.search(rf"^{name}:.*## ", makefile, re.MULTILINE)} == targets
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert named <= targets
