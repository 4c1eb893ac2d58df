#!/usr/bin/env bash
# Prints an image's full reference. Usage: reference.sh NAME
. "$(dirname "$0")/common.sh"
reference "$1"
