"""The running box as operations see it: what it does now, and what it lets itself be told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from firmware.calls.house import Settings
from firmware.calls.plan import Plan
from firmware.calls.supervisor import Calls
from firmware.journal import Journal, Level
from firmware.operations.context import ActiveCall, Phone
from provisioning.site import Listener, Site, read_site
from provisioning.site_plan import plan as differences

LEVELS: Final = {"quiet": Level.WARNING, "normal": Level.INFO, "detailed": Level.DEBUG}
