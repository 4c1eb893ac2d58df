"""Lets the tests import the benchmark, which is a package of the repository and not of the product."""

from __future__ import annotations

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3]))
