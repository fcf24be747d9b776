"""Memory maps for the kernel to play: DIMMs with holes, a map as recorded, and its mutations.

A map is text, one line an entry: BASE LENGTH usable|reserved|dimm, in hex.
"""

import random

from qemu import GIB, MIB


def dimms(count, seed):
    """QEMU's arguments and the map's text for `count` DIMMs of 64 MiB with holes between them."""
    choose = random.Random(seed)
    at, extra, text = 5 * GIB, [], ""
    for i in range(count):
        at += 64 * MIB * choose.randint(1, 12)
        extra += ["-object", f"memory-backend-ram,id=m{i},size=64M",
                  "-device", f"pc-dimm,id=d{i},memdev=m{i},addr={at:#x}"]
        text += f"{at:#x} {64 * MIB:#x} dimm\n"
        at += 64 * MIB
    return extra, text


# In the style of maps recorded on real machines: a desktop with many small holes below 4 GiB.
DESKTOP = [
    (0x0, 0x58000, "usable"), (0x58000, 0x1000, "reserved"), (0x59000, 0x45000, "usable"),
    (0x9e000, 0x2000, "reserved"), (0xf0000, 0x10000, "reserved"),
    (0x100000, 0x1ff00000, "usable"), (0x20000000, 0x200000, "reserved"),
    (0x20200000, 0x1fe04000, "usable"), (0x40004000, 0x1000, "reserved"),
    (0x40005000, 0x3d6f3800, "usable"), (0x7d6f8800, 0x5d7800, "reserved"),
    (0x7dcd0000, 0x1b2c000, "usable"), (0x7f7fc000, 0x804000, "reserved"),
    (0xe0000000, 0x10000000, "reserved"), (0xfec00000, 0x1000, "reserved"),
    (0xfee00000, 0x1000, "reserved"), (0x100000000, 0x77e000000, "usable"),
    (0xfd00000000, 0x300000000, "reserved"),
]
# A board whose RAM starts at 1 GiB, with pieces kept by its firmware.
BOARD = [
    (0x40000000, 0x04000000, "usable"), (0x43f00000, 0x00180000, "reserved"),
    (0x44000000, 0x0c000000, "usable"), (0x4a345000, 0x00023800, "reserved"),
    (0x50000000, 0x10000000, "usable"), (0x5ffff000, 0x00002000, "reserved"),
    (0x68000000, 0x78000000, "usable"), (0x880000000, 0x80000000, "usable"),
]


def text_of(entries):
    return "".join(f"{base:#x} {length:#x} {kind}\n" for base, length, kind in entries)


def mutate(entries, seed):
    """Shuffles, duplicates, overlaps, empties and wraps entries: what firmware does."""
    choose = random.Random(seed)
    out = list(entries)
    for _ in range(choose.randint(20, 300)):
        base, length, kind = choose.choice(entries)
        what = choose.randint(0, 5)
        if what == 0:
            out.append((base, 0, "usable"))
        elif what == 1:
            out.append((base + choose.randint(0, 1 << 16), length, kind))
        elif what == 2:
            out.append(((1 << 64) - 4096 * choose.randint(1, 9), 1 << 20, "usable"))
        elif what == 3:
            out.append((choose.randrange(1 << 31), choose.randint(1, 1 << 18), "reserved"))
        elif what == 4:
            out.append((base, length, kind))
        else:
            out.append((choose.randrange(1 << 32), choose.randint(1, 5000), "usable"))
    choose.shuffle(out)
    return text_of(out)
