#!/bin/sh
# Installs the build into a folder of its own, and builds and runs programs with nothing but that:
# the C example with the library shared, static, and the region alone; the C++ ones by headers; found by
# pkg-config and by CMake's find_package.
# Usage: programs_build_from_an_installed_tree.sh BUILD EXAMPLES
set -eu
build=$1
examples=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/tree" > "$work/log" || { cat "$work/log"; exit 1; }
# Moved, so that nothing can depend on where it was installed.
mv "$work/tree" "$work/moved"
packages=$(dirname "$(find "$work/moved" -name strata.pc)")
lib=$(dirname "$packages")
flags() { PKG_CONFIG_PATH=$packages pkg-config "$@"; }
cd "$work"

run() {
  echo "== $1"
  shift
  "$@" > out || { echo "failed: $*"; cat out; exit 1; }
}
cc "$examples/region.c" $(flags --cflags --libs strata) -Wl,-rpath,"$lib" -o shared
run "C, shared" ./shared
grep -q "name: kept while it grows" out
cc "$examples/region.c" $(flags --cflags strata) "$lib/libstrata.a" -pthread -o static
run "C, static" ./static
cc "$examples/region.c" $(flags --cflags --libs strata-region) -o alone
run "C, the region alone" ./alone
# The region alone brings no malloc of ours and needs nothing of libc but memcpy and its kin.
if nm alone | grep -q ' T malloc$'; then echo "the region alone replaces malloc"; exit 1; fi
for example in real_time textbook_spans shared_memory; do
  c++ -std=c++20 "$examples/$example.cpp" $(flags --cflags strata-region) -pthread -o "$example"
  run "C++, $example" "./$example"
done
c++ -std=c++20 "$examples/pmr.cpp" $(flags --cflags --libs strata) -Wl,-rpath,"$lib" -o pmr
run "C++, pmr" ./pmr

mkdir project
cat > project/CMakeLists.txt << end
cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES C CXX)
find_package(strata 0.1 REQUIRED)
foreach(kind strata static region)
  add_executable(c_\${kind} "$examples/region.c")
  target_link_libraries(c_\${kind} PRIVATE strata::\${kind})
endforeach()
add_executable(pmr "$examples/pmr.cpp")
target_link_libraries(pmr PRIVATE strata::strata)
end
cmake -S project -B built -DCMAKE_PREFIX_PATH="$work/moved" > log 2>&1 || { cat log; exit 1; }
cmake --build built > log 2>&1 || { cat log; exit 1; }
for program in c_strata c_static c_region pmr; do run "CMake, $program" "./built/$program"; done

# The command finds what it starts and preloads, and brings its manual.
if [ -x "$work/moved/bin/strata" ]; then
  run "strata record" "$work/moved/bin/strata" record -o "$work/ls.trace" -- ls
  run "strata replay" "$work/moved/bin/strata" replay "$work/ls.trace" --with strata,system --rounds 1
  test -s "$work/moved/share/man/man1/strata-record.1" || { echo "no manual page"; exit 1; }
fi
