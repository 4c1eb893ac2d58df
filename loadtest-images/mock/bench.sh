#!/usr/bin/env bash
# How fast the mock is: see bench/mock/run.py of this repository.
exec python "$(dirname "$0")/../../bench/mock/run.py" "$@"
