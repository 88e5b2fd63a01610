from __future__ import annotations

import pytest

from sip.transport.route import choose, source_towards

HERE, HERE6, ANY = ("127.0.0.1", 5060), ("::1", 5060), ("0.0.0.0", 5060)  # noqa: S104  # written, not bound
OTHER, FAR = ("127.0.0.2", 5060), ("192.0.2.1", 5060)


@pytest.mark.parametrize(
    ("ours", "remote", "local", "chosen"),
    [
        ([HERE, OTHER, HERE6], "127.0.0.9", "", HERE),
        ([OTHER, HERE], "127.0.0.9", "", HERE),  # what the kernel would take
        ([OTHER, HERE], "127.0.0.9", "127.0.0.2", OTHER),
        ([OTHER, HERE], "127.0.0.9", "127.0.0.3", None),
        ([HERE, HERE6], "::1", "", HERE6),
        ([HERE], "::1", "", None),
        ([HERE], "192.0.2.7", "", None),  # this machine's inside leads nowhere else
        ([HERE, FAR], "192.0.2.7", "", FAR),
        ([FAR], "127.0.0.1", "", None),
        ([ANY], "127.0.0.1", "", ANY),
        ([], "127.0.0.1", "", None),
    ],
)
def test_the_socket_that_fits(
    ours: list[tuple[str, int]], remote: str, local: str, chosen: tuple[str, int] | None
) -> None:
    assert choose(ours, (remote, 5060), local) == chosen


def test_the_kernel_names_the_source() -> None:
    assert source_towards(("127.0.0.9", 9)) == "127.0.0.1"
    assert source_towards(("::1", 9)) == "::1"
