#!/bin/sh
# A C program must not be made to load a C++ run-time library: nothing but the C library is needed.
set -eu
if readelf -d "$1" | grep NEEDED | grep -v -e 'libc\.so' -e 'ld-linux' -e 'libpthread\.so' -e 'libdl\.so'
then
  exit 1
fi
# What is left open must be the C library's, or weak.
if nm -D --undefined-only "$1" | grep ' U ' | grep -v '@GLIBC_'; then exit 1; fi
