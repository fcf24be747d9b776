#!/bin/sh
# Real programs under the textbook allocator: each prints the same as without it.
#   tests/programs/textbook_malloc.sh build/libtextbook_malloc.so
set -u
library=$(realpath "$1")
here=$(cd "$(dirname "$0")/../.." && pwd)
failed=0
run() {
  command -v "$1" >/dev/null || { echo "skip $1: not installed"; return; }
  plain=$("$@" 2>&1)
  preloaded=$(LD_PRELOAD=$library "$@" 2>&1)
  if [ "$plain" = "$preloaded" ]; then
    echo "same $*" | cut -c1-90
  else
    echo "DIFFERS $*" | cut -c1-90
    printf '%s\n' "$preloaded" | head -3
    failed=1
  fi
}
run ls -lR "$here/src"
run grep -r namespace "$here/src"
run sort -r "$here/src/region/region.hpp"
run awk '{ n[$1]++ } END { for (w in n) s += n[w]; print s }' "$here/src/region/region.hpp"
run sed 's/a/b/g' "$here/src/region/region.hpp"
run tar -cf - -C "$here" src --sort=name --mtime=@0 --owner=0 --group=0
run find "$here/src" -name '*.hpp'
run git -C "$here" log --stat -n 20
run perl -e 'my %h; $h{$_ % 5000} .= "x" for 1..100000; my $n = 0; $n += length $h{$_} for keys %h; print $n'
run python3 -c 'import threading, json
def work(): json.loads(json.dumps([{"a": list(range(200))}] * 50))
t = [threading.Thread(target=work) for _ in range(8)]
[x.start() for x in t]; [x.join() for x in t]
import subprocess; print(subprocess.run(["echo", "child"], capture_output=True).stdout)'
run g++ -std=c++20 -I "$here/src" -I "$here/include" -fsyntax-only "$here/src/region/region_c_api.cpp"
exit $failed
