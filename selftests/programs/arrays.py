# SPDX-License-Identifier: GPL-2.0
"""numpy's arrays in files of a directory: usage: arrays.py DIRECTORY

Ends with 0 when all is well. ZCPOOL_TEST_PMD=yes: what is mapped has to be mapped by PMDs.
"""

import os
import sys

import numpy

from look import by_pmd, equal

MIB = 1 << 20
PMD = os.environ.get("ZCPOOL_TEST_PMD") == "yes"

os.chdir(sys.argv[1])
shape = (1024, 1024)
made = numpy.memmap("array", dtype="float64", mode="w+", shape=shape)
equal(os.stat("array").st_size, 8 * MIB)
made[:] = numpy.arange(MIB).reshape(shape)
made.flush()
if PMD:
    equal(by_pmd("/array"), 8192)
again = numpy.memmap("array", dtype="float64", mode="r+", shape=shape)
equal(float(again[1023, 1023]), float(MIB - 1))
again[0, 0] = 42
equal(float(made[0, 0]), 42.0)
copy = numpy.memmap("array", dtype="float64", mode="c", shape=shape)
copy[0, 0] = 43
equal(float(copy[0, 0]), 43.0)
equal(float(made[0, 0]), 42.0)
read = numpy.memmap("array", dtype="float64", mode="r", shape=shape)
equal(float(read.sum()), float(MIB * (MIB - 1) // 2 + 42))
numpy.save("saved.npy", made[:100])
equal(numpy.load("saved.npy", mmap_mode="r").shape, (100, 1024))
made[1:2].tofile("raw")
equal(float(numpy.fromfile("raw")[5]), 1029.0)
with open("raw", "rb") as file:
    equal(float(numpy.frombuffer(file.read())[5]), 1029.0)
