#!/usr/bin/env bash
# Chromium for the tests of the report: Debian's package, which Playwright's Python package drives. Nothing else is
# downloaded for it.
. "$(dirname "$0")/cluster/env.sh"

"$hack/packages.sh" chromium
"$(command -v chromium)" --version 2>/dev/null | head -1
