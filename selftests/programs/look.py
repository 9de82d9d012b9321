# SPDX-License-Identifier: GPL-2.0
"""What the programs in Python look at, and how they say that it is wrong."""

import re


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, expected {wanted!r}"


def by_pmd(name):
    """kB mapped by PMDs of files with that in their name."""
    kb = 0
    ours = False
    with open("/proc/self/smaps") as smaps:
        for line in smaps:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                ours = name in line
            elif ours and re.match(r"(FilePmdMapped|ShmemPmdMapped):", line):
                kb += int(line.split()[1])
    return kb
