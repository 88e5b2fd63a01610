"""The C library for PCM that Python brings: `from rtp.audio import audioop`.

Python 3.13 no longer brings it; the package audioop-lts carries the same module on. Nothing else here
imports it, so that its warning of that is silenced in one place.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = ["audioop"]
