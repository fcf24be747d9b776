#!/bin/sh
# Runs the conformance and process programs under other allocators and says which fails which.
# A promise that every allocator breaks is a wish or a wrong test; one that none breaks is a floor.
# Usage: tests/against.sh BUILD_DIRECTORY system|LIBRARY...
set -u
build=$1
shift
for library in "$@"; do
  [ "$library" = system ] && preload= || preload=$library
  echo "== $library"
  for program in "$build"/tests/conformance/* "$build"/tests/process/*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    case $program in */helper_* | */*.so) continue ;; esac
    said=$(LD_PRELOAD=$preload timeout 60 "$program" 2>&1 > /dev/null)
    code=$?
    case $code in
      0) ;;
      77) echo "skip ${program##*/}: $said" ;;
      *) echo "FAIL ${program##*/}: exit $code: $(echo "$said" | tail -n 1)" ;;
    esac
  done
done
