# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What differs between the architectures that the test kernels are of; to source.

# A foreign kernel does not run this machine's programs. The root directory of its test
# machine is made of packages of that architecture, and programs are built for it.
is_foreign()
{
	[[ " ${foreign[*]} " == *" $1 "* ]]
}

# Where the programs are built that run on a kernel
programs_dir()
{
	printf '%s\n' "$build$(! is_foreign "$1" || printf '/%s' "$1")"
}

# use_architecture KERNEL: sets
#   arch            Debian's name of its architecture
#   tools           what stands before the names of its compiler, linker and the like
#   compiler        for programs
#   emulator        a command: the program and how it is started
#   machine, processor, most_nodes
#   console_port    the serial port that the kernel writes to
#   verdict_port    the one for how the machine ended
#   parameters      what else is told the kernel
# shellcheck disable=SC2034  # each is for some script that sources this
use_architecture()
{
	case $1 in
	686-pae) arch=i386 ;;
	arm64 | armhf) arch=$1 ;;
	*) arch=amd64 ;;
	esac
	case $arch in
	amd64 | i386) use_pc ;;
	arm64 | armhf) use_virt ;;
	esac
	case $arch in
	amd64) tools='' compiler=gcc most_nodes=2 ;;
	i386) tools='' compiler="gcc -m32" most_nodes=1 ;;
	arm64)
		tools=aarch64-linux-gnu- compiler=aarch64-linux-gnu-gcc-12
		emulator=(qemu-system-aarch64) processor=cortex-a57 most_nodes=2
		;;
	armhf)
		tools=arm-linux-gnueabihf- compiler=arm-linux-gnueabihf-gcc-12
		emulator=(qemu-system-arm) processor=cortex-a15 most_nodes=1
		;;
	esac
}

# shellcheck disable=SC2034
use_pc()
{
	local qemu
	qemu=$(kernel_dir qemu)
	# Debian 13's program, by the libraries it came with
	emulator=("$qemu/usr/lib64/ld-linux-x86-64.so.2" --library-path "$qemu/usr/lib/x86_64-linux-gnu"
		"$qemu/usr/bin/qemu-system-x86_64"
		-L "$qemu/usr/share/qemu" -L "$qemu/usr/share/seabios" -L "$qemu/usr/lib/ipxe/qemu")
	machine=q35 console_port=ttyS0 verdict_port=ttyS1
	# Without erms the kernel clears memory 8 bytes an instruction: with icount that is near
	# real hardware, and an emulator takes as long for each instruction.
	processor="max,-erms,-fsrm"
	# Clocks of processors in sockets of their own count as unsynchronised; here they are
	# one, and any other takes a way out of the emulation at each look.
	parameters="acpi=noirq no_timer_check tsc=reliable nmi_watchdog=0"
}

# The machine of QEMU's own has one serial port; the other one is a PCI card's.
# shellcheck disable=SC2034
use_virt()
{
	machine=virt console_port=ttyAMA0 verdict_port=ttyS0 parameters=''
}
