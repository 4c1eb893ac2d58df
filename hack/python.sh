#!/usr/bin/env bash
# Makes .venv from the hashed lock, with the product in it as it stands in the tree. A second call does nothing.
. "$(dirname "$0")/cluster/env.sh"

venv=$repo/.venv
lock=$repo/requirements/dev.txt
stamp=$(content_hash -- "$lock" "$repo/pyproject.toml")
[ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

for python in python3.11 python3 ""; do
  [ -n "$python" ] || die "no Python of version 3.11 or later is installed"
  "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
done
say "installing the Python packages of requirements/dev.txt"
log=$repo/build/venv.log
mkdir -p "$repo/build"
{
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --require-hashes -r "$lock"
  "$venv/bin/python" -m pip install --no-deps --no-build-isolation -e "$repo"
} >"$log" 2>&1 </dev/null || die "the Python packages cannot be installed; read $log"
echo "$stamp" >"$venv/stamp"
