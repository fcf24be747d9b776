#!/bin/sh
# Marked nodelete: dlclose must not take away the code behind blocks that are still alive.
set -eu
readelf -d "$1" | grep -q NODELETE || { echo "no NODELETE flag"; exit 1; }
