"""`python -m firmware`: the same as the installed command `branchline`."""

import sys

from firmware.main import entry

sys.exit(entry())
