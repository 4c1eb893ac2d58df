"""`python -m gatebench_analysis analyze|compare`."""

from __future__ import annotations

import sys

from gatebench_analysis.cli import main

if __name__ == "__main__":
    sys.exit(main())
