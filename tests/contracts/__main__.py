"""`python -m tests.contracts`: part of `make lint` that reads calls and shapes; exit 1 if one is wrong."""

import sys
from pathlib import Path

from tests.contracts import calls, shape


def main() -> int:
    """Check the tree in the current directory."""
    wrong = [*map(str, calls.check(Path())), *shape.check(Path())]
    for line in wrong:
        print(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
