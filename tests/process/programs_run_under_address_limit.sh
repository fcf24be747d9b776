#!/bin/sh
# Real small programs run under ulimit -v, from 64 MiB up: a heap that wants a large reservation must
# do with a small one. Usage: programs_run_under_address_limit.sh MEGABYTES
set -eu
ulimit -v $(($1 * 1024))
[ "$(sh -c 'echo a b c | wc -w' | tr -d ' ')" = 3 ]
[ "$(seq 1 20000 | grep -c 7)" = "$(seq 1 20000 | awk '/7/' | wc -l | tr -d ' ')" ]
[ "$(seq 1 20000 | sort -rn | head -n 1)" = 20000 ]
if command -v python3 > /dev/null; then
  python3 -S -c '
words = [str(i) * 3 for i in range(50000)]
table = {w: i for i, w in enumerate(words)}
assert table["777"] == 7 and len(table) == 50000
try:
    bytearray(1 << 45)
except MemoryError:
    pass
else:
    raise SystemExit("no MemoryError")
assert len(bytearray(5 << 20)) == 5 << 20
'
fi
