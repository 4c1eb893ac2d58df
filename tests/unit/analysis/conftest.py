"""Properties are checked without a clock: a busy machine is no reason to fail."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("no clock", deadline=None)
hypothesis.settings.load_profile("no clock")
