#!/bin/sh
# All three storeys, with everything that strata/kernel.h and the heap's own names offer, compiled
# for size and linked for a kernel, are at most 24 KiB of code and 8 KiB of static data:
#   size_of_all.sh IMAGE
# Constants (.rodata) and each CPU's own bins (.tbss, in memory of the kernel's) are told as well.
size -A "$1" | awk '
  $1 ~ /^\.text/ { text += $2 }
  $1 ~ /^\.rodata/ { constants += $2 }
  $1 ~ /^\.(data|bss)/ { data += $2 }
  $1 ~ /^\.t(data|bss)/ { cpu += $2 }
  END {
    printf "%d bytes of code, %d of constants, %d of static data, %d a CPU\n", \
           text, constants, data, cpu
    exit !(text > 0 && text <= 24 * 1024 && data > 0 && data <= 8 * 1024)
  }'
