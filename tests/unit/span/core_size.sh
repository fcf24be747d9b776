#!/bin/sh
# The code of the span core, compiled for size, is at most 1.5 KB:
#   core_size.sh OBJECT
size -A "$1" | awk '
  $1 ~ /^\.text/ { text += $2 }
  END {
    printf "%d bytes of code\n", text
    exit !(text > 0 && text <= 1536)
  }'
