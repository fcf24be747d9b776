#!/bin/sh
# The thread cache is reached without a call (__tls_get_addr may itself allocate), and small enough
# for the room that the loader keeps for libraries opened later (1664 bytes by default).
set -eu
if nm -D "$1" | grep __tls_get_addr; then exit 1; fi
size=$(readelf -lW "$1" | awk '$1 == "TLS" {print $6}')
[ -z "$size" ] || [ $((size)) -le 1664 ] || { echo "thread-local data: $((size)) bytes"; exit 1; }
