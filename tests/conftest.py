"""What every test run shares: how hard Hypothesis tries, by machine."""

import os

from hypothesis import HealthCheck, settings

# A busy machine is no finding, so no deadlines; the gate draws the same examples every time.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
# Under emulation everything is some six times slower: fewer examples, and slowness is no finding either.
settings.register_profile(
    "emulated", max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")
