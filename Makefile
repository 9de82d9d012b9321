# SPDX-License-Identifier: GPL-2.0
# The few verbs a person types. The module's own make rules are in Kbuild, the tools' in
# tools/Makefile; all that is built goes below build/.

PREFIX ?= /usr/local
DESTDIR ?=
KDIR ?= /lib/modules/$(shell uname -r)/build

all: tools
	@if [ -f $(KDIR)/Makefile ]; then \
		scripts/build module host KDIR=$(KDIR); \
	else \
		echo "zcpool.ko was not built: no kernel headers in $(KDIR)"; \
		echo "(install linux-headers-$$(uname -r), or give KDIR=)"; \
	fi

tools:
	@scripts/build tools

install: all
	@scripts/install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

demo check style docs:
	@scripts/$@

check-all:
	@scripts/check --all

MINUTES ?= 10
soak:
	@scripts/soak --minutes $(MINUTES) $(if $(KERNEL),--kernel $(KERNEL))

bench:
	@scripts/bench $(if $(KERNEL),--kernel $(KERNEL))

clean:
	rm -rf build

help:
	@echo "make            build the module for the running kernel (KDIR=) and the tools"
	@echo "make install    install both (PREFIX=$(PREFIX), DESTDIR=)"
	@echo "make demo       show a file go from disk to another process, in a test machine"
	@echo "make check      run all tests, in test machines with Debian's newest kernel, 6.12"
	@echo "                and 6.1 and one with KASAN, which is built the first time; some on ARM"
	@echo "make check-all  the same and what takes hours: data races, all of ARM and of 32 bits,"
	@echo "                PREEMPT_RT, fuzzing, soak"
	@echo "make soak       mixed load, kills, scarce memory, reloads (MINUTES=10 KERNEL=6.12)"
	@echo "make bench      compare costs with other kinds of memory, in a test machine with the"
	@echo "                newest kernel (KERNEL=6.12 for that one)"
	@echo "make style      look at the form of the sources only"
	@echo "make docs       the documentation as HTML, in build/docs"
	@echo "make clean      remove build/ (the kernels stay in ~/.cache/zcpool)"
	@echo "scripts/vm      run a command or a shell in a test machine"

.PHONY: all tools install demo check check-all soak bench style docs clean help
