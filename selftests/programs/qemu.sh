# shellcheck shell=bash disable=SC2034  # some variables are for those who source this
# SPDX-License-Identifier: GPL-2.0
# QEMU with its guest's memory in a file, to source after programs.sh.

# start_qemu OPTION...: a guest of 64 MiB with its memory in a file of this directory, and on
# no processor until it is told. Its firmware stores 0xcafe all over 0x10000 to 0x1ffff and
# ends it.
start_qemu()
{
	local code line lines=()
	# in real mode at f000:0000: es = 0x1000, di = 0, cx = 0x8000, ax = 0xcafe; rep stosw;
	# out 0xf4, 0x10; hlt. At the reset vector: jmp f000:0000
	code='\xb8\x00\x10\x8e\xc0\x31\xff\xb9\x00\x80\xb8\xfe\xca\xfc\xf3\xab'
	code+='\xba\xf4\x00\xb0\x10\xee\xf4\xeb\xfd'
	if [ ! -f "$scratch/firmware" ]; then
		printf '%b' "$code" > "$scratch/firmware"
		truncate -s $((0xfff0)) "$scratch/firmware"
		printf '\xea\x00\x00\x00\xf0' >> "$scratch/firmware"
		truncate -s 64K "$scratch/firmware"
	fi
	coproc qemu-system-x86_64 -accel tcg,tb-size=8 -machine pc,memory-backend=m -m 64M \
		-object "memory-backend-file,id=m,size=64M,align=2M,$1" -nodefaults -display none \
		-bios "$scratch/firmware" -device isa-debug-exit,iobase=0xf4 -S \
		-monitor stdio 2>&1
	qemu=$!
	exec {to_qemu}>&"${COPROC[1]}" {from_qemu}<&"${COPROC[0]}"
	# It answers when the guest's memory is there.
	echo "info status" >&$to_qemu
	while read -rt 120 -u $from_qemu line; do
		[[ $line != *'VM status: paused'* ]] || return 0
		lines+=("# qemu: $line")
	done
	printf '%s\n' "${lines[@]}"
	kill $qemu 2> /dev/null
	end_qemu 0
	bad=1
	return 1
}

# end_qemu STATUS: it ends with that
end_qemu()
{
	local status
	wait $qemu
	status=$?
	exec {to_qemu}>&- {from_qemu}<&-
	expect "qemu's status" $status "$1"
}

# tell_qemu COMMAND STATUS: and it ends with that
tell_qemu()
{
	echo "$1" >&$to_qemu
	end_qemu "$2"
}

guest_stored()
{
	od -A n -t x2 -j $((0x10000)) -N 65536 guest | tr -s ' \n' '\n' | sort -u | tail -n 1
}
