#!/bin/sh
# The good-fit region is at most 8 KB of text when compiled for size: code_size.sh OBJECT
text=$(size -A "$1" | awk '/^\.text/ { sum += $2 } END { print sum }')
echo "$text bytes of text"
[ "$text" -gt 0 ] && [ "$text" -le 8192 ]
