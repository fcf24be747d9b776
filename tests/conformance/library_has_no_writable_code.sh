#!/bin/sh
# No text relocation, no executable stack, no segment both writable and executable.
set -eu
if readelf -d "$1" | grep TEXTREL; then exit 1; fi
if readelf -lW "$1" | grep -E 'GNU_STACK.* RWE |LOAD.* RWE '; then exit 1; fi
