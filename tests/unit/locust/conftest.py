"""Locust makes the whole process cooperative when it is imported; the other tests of this process must not be."""

import os

os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")
