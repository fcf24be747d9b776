#!/usr/bin/env python3
"""The errors that are promised to be found, by mode, size and thread: a table, or what it lacks.

    tests/errors/matrix.py          the table, of what the programs of this folder expect
    tests/errors/matrix.py check    ends with 1 and tells when something that is promised has no program

Letters are sizes: s small, m medium, l large, h huge; capitals where another thread makes the error
as well. A size is missing where the error cannot be made of it, or comes out as another one, as
PROMISED tells.
"""

import os
import sys

import run

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = "small medium large huge"
CHECKED = "hardened diagnose"
EVERY = "default " + CHECKED

# Error: programs that make it | modes that find it | sizes | own, or own and other thread.
PROMISED = """
free of a stack address             | freeing_the_stack | EVERY | small | own other
free of a global                    | freeing_a_global_variable freeing_a_string_constant | EVERY | small | own other
free of mapped memory               | freeing_mapped_memory | EVERY | small | own other
free of a wild pointer              | freeing_a_wild_pointer freeing_far_away_in_the_range | EVERY | small | own other
free of a misaligned pointer        | freeing_a_misaligned_pointer | EVERY | ALL | own other
free inside a block                 | freeing_inside_a_block freeing_far_inside_a_block | EVERY | ALL | own other
free of what is no block yet        | freeing_a_block_never_handed_out | EVERY | medium | own other
double free at once                 | freeing_twice_at_once | EVERY | ALL | own other
double free, others between         | freeing_twice_with_others_between | EVERY | ALL | own other
double free later                   | freeing_twice_later | EVERY | small medium large | own other
double free after another thread    | freeing_what_another_thread_freed | EVERY | ALL | own
double free of no bytes             | freeing_a_block_of_no_bytes_twice | EVERY | small | own other
realloc of a freed block            | resizing_a_freed_block | EVERY | ALL | own other
realloc inside a block              | resizing_inside_a_block resizing_inside_a_block_within_its_class | EVERY | ALL | own other
realloc of what is foreign          | resizing_what_is_not_ours | EVERY | small medium | own
size of a freed block               | asking_the_size_of_a_freed_block | EVERY | ALL | own other
sized free of a freed block         | freeing_a_freed_block_with_its_size | EVERY | ALL | own other
access to a block of no bytes       | touching_a_block_of_no_bytes reading_an_array_of_no_elements | EVERY | small | own other
overflow by one byte, found by free | overflowing_by_one_byte | CHECKED | ALL | own
overflow, found by realloc          | overflowing_before_realloc | CHECKED | small medium large | own other
overflow, found by exit             | overflowing_what_is_never_freed | CHECKED | small medium large | own
overflow past a huge block's pages  | overflowing_by_one_byte overflowing_far | EVERY | huge | own
overflow far from the block         | overflowing_far | CHECKED | ALL | own
underflow                           | underflowing_a_large_block | CHECKED | large huge | own
write after free, when used again   | writing_to_a_freed_block | CHECKED | small medium | own
write after free, found by exit     | writing_to_a_freed_block_until_exit | EVERY | small medium | own
freed memory reads zero             | freed_memory_reads_zero | CHECKED | small medium | own
access to a freed large block       | using_a_large_block_after_free | CHECKED | large huge | own
sized free with another size        | freeing_with_the_wrong_size | CHECKED | ALL | own other
delete with another size            | deleting_with_the_wrong_size | CHECKED | small medium large | own other
malloc, then delete                 | deleting_what_malloc_gave | CHECKED | ALL | own other
new, then free                      | freeing_what_new_gave | CHECKED | ALL | own other
new[], then free                    | freeing_what_new_array_gave | CHECKED | ALL | own other
new[], then delete                  | deleting_an_array_as_one_object | CHECKED | ALL | own other
new, then delete[]                  | deleting_one_object_as_an_array | CHECKED | ALL | own other
in a sampled block: overflow                   | overflowing_by_one_byte | sampled | small | own other
in a sampled block: underflow                  | underflowing_a_small_block | sampled | small | own other
in a sampled block: use after free             | using_a_small_block_after_free | sampled | small | own other
in a sampled block: double free                | freeing_twice_at_once | sampled | small | own other
in a sampled block: free inside a block        | freeing_inside_a_block | sampled | small | own
"""


def expected(program):
    """Of one program: (mode, size, by) that must be found out. Zeros that are read are found too."""
    for ending in (".c", ".cpp"):
        source = os.path.join(HERE, program + ending)
        if os.path.exists(source):
            return {(mode, size, by) for mode, size, by, said in run.expectations(source)
                    if said != "survived" or program == "freed_memory_reads_zero"}
    sys.exit(f"matrix: there is no program {program}")


def rows():
    for row in PROMISED.strip().splitlines():
        error, programs, modes, sizes, who = (part.strip() for part in row.split("|"))
        found = set().union(*map(expected, programs.split()))
        modes = modes.replace("EVERY", EVERY).replace("CHECKED", CHECKED).split()
        yield error, found, modes, sizes.replace("ALL", ALL).split(), who.split()


def letters(found, mode):
    text = ""
    for size in ALL.split():
        if (mode, size, "other") in found:
            text += size[0].upper()
        elif (mode, size, "own") in found:
            text += size[0]
    return text or "-"


def show():
    print("| error | " + " | ".join(EVERY.split()) + " | sampled |\n|---|---|---|---|---|")
    for error, found, modes, *_ in rows():
        cells = [letters(found, mode) if mode in modes else "-" for mode in (EVERY + " sampled").split()]
        print(f"| {error} | " + " | ".join(cells) + " |")


def check():
    lacks = [f"{error}: {mode}, {size}, {by}" for error, found, modes, sizes, who in rows()
             for mode in modes for size in sizes for by in who if (mode, size, by) not in found]
    print("\n".join(lacks) if lacks else "nothing is missing")
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["check"] else show())
