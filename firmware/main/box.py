"""The running box: builds the parts, wires them, and takes them down again in the right order."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

from firmware.calls.house import Settings
from firmware.calls.plan import Plan
from firmware.calls.supervisor import Calls
from firmware.clock import Clock
from firmware.errors import OperatorError
from firmware.journal import CappedFile, Journal, Kind, Level, Terminal
from firmware.lines import Line
from firmware.main.start import SITE_FILE, NotStarted, say
from firmware.media import Media, MediaError
from firmware.media.worker import Worker
from firmware.store import FileKey, Store
from provisioning.site import Listener, Site
from sip.transport import BindError, Transports

LEVELS: Final = {"quiet": Level.WARNING, "normal": Level.INFO, "detailed": Level.DEBUG}
LOG_FILE: Final = "log"
FORCED: Final = 130

READY: Final = Kind("box.ready", "the box is ready: {listeners} listeners, {extensions} extensions")
STOPPING: Final = Kind("box.stopping", "the box stops: {calls} calls are ended")
MEDIA_BACK: Final = Kind("media.restarted", "the media process had died and is running again", Level.ALARM)
MEDIA_GONE: Final = Kind("media.gone", "the media process dies again and again: calls have no audio", Level.ALARM)


async def run_box(directory: str, site: Site, text: str | None, worker: Worker) -> int:
    """Run a box until it is told to stop; `text` is the site file to write when there is none yet."""
