# SPDX-License-Identifier: GPL-2.0
"""Python's shared memory and SQLite in a directory, unmodified.

usage: small.py DIRECTORY

Prints "ok NAME" or "not ok NAME" for each test. /dev/shm is to be the same file system.
ZCPOOL_TEST_PMD=yes: what is mapped has to be mapped by PMDs.
"""

import ctypes
import mmap
import multiprocessing
import os
import re
import signal
import sqlite3
import sys
import time
import traceback
from multiprocessing import shared_memory

from look import by_pmd, equal

MIB = 1 << 20
PMD = os.environ.get("ZCPOOL_TEST_PMD") == "yes"
# No interpreter is started anew: that takes seconds where the processor is emulated.
fork = multiprocessing.get_context("fork")
failed = False


def test(function):
    """Run it, and say whether all it asserts was true."""
    global failed
    name = function.__doc__
    began = time.monotonic()
    try:
        function()
    except Exception:
        for line in traceback.format_exc().splitlines():
            print("#", line)
        print("not ok", name, flush=True)
        failed = True
    else:
        print("ok", name, flush=True)
    print(f"# {time.monotonic() - began:.1f} s")


def in_child(function, *arguments):
    """Run it in another process; what it raises, it prints, and fails."""
    child = fork.Process(target=function, args=arguments)
    child.start()
    child.join()
    equal(child.exitcode, 0)


def write_block(name):
    block = shared_memory.SharedMemory(name)
    equal(bytes(block.buf[:5]), b"hello")
    block.buf[5 * MIB:5 * MIB + 5] = b"world"
    block.close()


def test_shared_memory():
    """Python: SharedMemory, by its name from another process"""
    block = shared_memory.SharedMemory("zcpool-test", create=True, size=8 * MIB)
    equal(os.listdir("/dev/shm").count("zcpool-test"), 1)
    equal(os.stat("/dev/shm/zcpool-test").st_size, 8 * MIB)
    block.buf[:5] = b"hello"
    in_child(write_block, "zcpool-test")
    equal(bytes(block.buf[5 * MIB:5 * MIB + 5]), b"world")
    equal(bytes(block.buf[MIB:MIB + 4096]), bytes(4096))
    for at in range(0, 8 * MIB, 4096):
        block.buf[at] = 1
    if PMD:
        equal(by_pmd("zcpool-test"), 8192)
    block.close()
    block.unlink()
    assert "zcpool-test" not in os.listdir("/dev/shm")
    listed = shared_memory.ShareableList(["text", 7, 2.5, None, True])
    equal(list(listed), ["text", 7, 2.5, None, True])
    listed.shm.close()
    listed.shm.unlink()


def add(array, value, times):
    for i in range(times):
        with value.get_lock():
            value.value += 1
        with array.get_lock():
            array[i] += 1


def test_array():
    """Python: Array and Value, with their locks"""
    array = fork.Array(ctypes.c_long, 1000, lock=True)
    value = fork.Value("i", 0)
    big = fork.Array("B", 4 * MIB, lock=False)
    with open("/proc/self/maps") as maps:
        arenas = re.findall(r"/dev/shm/pym-\S+", maps.read())
    assert arenas, "the arenas are not in /dev/shm"
    children = [fork.Process(target=add, args=(array, value, 100)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        equal(child.exitcode, 0)
    equal(value.value, 300)
    equal(array[:101], [3] * 100 + [0])
    big[4 * MIB - 1] = 7
    equal(sum(big[-10:]), 7)


def give(semaphore, condition, queue, barrier):
    for _ in range(3):
        semaphore.release()
    with condition:
        condition.notify()
    barrier.wait()
    queue.put(os.getpid())


def test_semaphores():
    """Python: Semaphore, Lock, Condition, Barrier, Queue"""
    semaphore = fork.Semaphore(0)
    condition = fork.Condition()
    queue = fork.Queue()
    barrier = fork.Barrier(2)
    lock = fork.Lock()
    assert lock.acquire(block=False)
    assert not lock.acquire(block=False)
    with condition:
        child = fork.Process(target=give, args=(semaphore, condition, queue, barrier))
        child.start()
        assert condition.wait(60)
    for _ in range(3):
        assert semaphore.acquire(timeout=60)
    assert not semaphore.acquire(block=False)
    barrier.wait(60)
    equal(queue.get(timeout=60), child.pid)
    child.join()
    equal(child.exitcode, 0)


def test_mmap():
    """Python: mmap, shared and private, beyond the end, of what grows"""
    with open("mapped", "w+b") as file:
        file.write(b"a" * 5000)
        file.flush()
        with mmap.mmap(file.fileno(), 5000) as shared, \
                mmap.mmap(file.fileno(), 5000, access=mmap.ACCESS_COPY) as private:
            private[0:3] = b"bcd"
            equal(shared[:4], b"aaaa")
            equal(private[:4], b"bcda")
            shared[4999:5000] = b"z"
            # a page that is no copy yet
            equal(private[4999:5000], b"z")
            shared.flush()
            os.ftruncate(file.fileno(), 3 * MIB)
            shared.resize(3 * MIB)
            equal(shared[4998:5003], b"az\0\0\0")
            shared[3 * MIB - 1:] = b"e"
            file.seek(-1, os.SEEK_END)
            equal(file.read(), b"e")
            shared.madvise(mmap.MADV_REMOVE, 0, mmap.PAGESIZE)
            equal(shared[:4097], bytes(4096) + b"a")
            equal(private[:4], b"bcda")
    os.unlink("mapped")


def count(database):
    return database.execute("select count(*), total(length(what)) from t").fetchone()


def write_rows(path, rows, end):
    database = sqlite3.connect(path, timeout=60, isolation_level=None)
    for begin in range(0, rows, 50):
        database.execute("begin immediate")
        database.executemany("insert into t(what) values (?)", [("x" * 500,)] * 50)
        if begin + 50 >= rows and end == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        database.execute("commit")
    database.close()


def test_sqlite():
    """SQLite: WAL, writers at once, one that dies, mmap_size"""
    path = os.path.abspath("wal.db")
    database = sqlite3.connect(path, timeout=60, isolation_level=None)
    equal(database.execute("pragma journal_mode=wal").fetchone(), ("wal",))
    equal(database.execute("pragma mmap_size=16777216").fetchone(), (16777216,))
    database.execute("pragma synchronous=full")
    database.execute("create table t(id integer primary key, what text)")
    writers = [fork.Process(target=write_rows, args=(path, 500, end))
               for end in ("well", "well", "die")]
    for writer in writers:
        writer.start()
    equal(count(database)[0] % 50, 0)
    for writer in writers:
        writer.join()
    equal([writer.exitcode for writer in writers], [0, 0, -signal.SIGKILL])
    equal(sorted(os.listdir("."))[:3], ["wal.db", "wal.db-shm", "wal.db-wal"])
    equal(count(database), (1450, 1450 * 500.0))
    equal(database.execute("pragma wal_checkpoint(truncate)").fetchone()[0], 0)
    equal(os.stat("wal.db-wal").st_size, 0)
    database.execute("delete from t where id % 2")
    database.execute("vacuum")
    equal(count(database), (725, 725 * 500.0))
    equal(database.execute("pragma integrity_check").fetchone(), ("ok",))
    equal(database.execute("pragma journal_mode=delete").fetchone(), ("delete",))
    database.close()
    equal(os.listdir("."), ["wal.db"])
    os.unlink("wal.db")


os.chdir(sys.argv[1])
test(test_shared_memory)
test(test_array)
test(test_semaphores)
test(test_mmap)
test(test_sqlite)
sys.exit(failed)
