# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For scripts/kernels, to source: which packages a directory of the cache is made of, and how.
# All of it runs in the world that the packages are from.

image_package()
{
	case $1 in
	next) newest_packages | tail -n 1 ;;
	newest) newest_packages | up_to_known | tail -n 1 ;;
	6.12) newest_package linux-image-6.12. 'linux-image-6\.12\.[0-9]+\+deb12-amd64-unsigned' ;;
	6.1) newest_package linux-image-6.1.0- 'linux-image-6\.1\.0-[0-9]+-amd64-unsigned' ;;
	rt) newest_package linux-image-6.12. 'linux-image-6\.12\.[0-9]+\+deb12-rt-amd64-unsigned' ;;
	686-pae | arm64)
		newest_package linux-image-6.1.0- "linux-image-6\.1\.0-[0-9]+-$1-unsigned"
		;;
	armhf) newest_package linux-image-6.1.0- 'linux-image-6\.1\.0-[0-9]+-armmp-lpae' ;;
	esac
}

# Debian 13's own kernels and those of its backports, the newest last
newest_packages()
{
	apt-cache pkgnames linux-image- | grep -Ex 'linux-image-[0-9.]+\+deb13(\.[0-9]+)?-amd64' | sort -V
}

up_to_known()
{
	local package version
	while read -r package; do
		version=${package#linux-image-}
		! dpkg --compare-versions "${version%%+*}" le "$newest_known" || echo "$package"
	done
}

release_of()
{
	local release=${1#linux-image-}
	printf '%s\n' "${release%-unsigned}"
}

source_package()
{
	newest_package linux-source-6.12 'linux-source-6\.12'
}

# The one that the newest kernel was made from, with its version
newest_source_package()
{
	local kernel
	kernel=$(readlink "$kernels/newest") && [[ $kernel =~ ^linux-image-([0-9]+\.[0-9]+) ]] &&
		printf 'linux-source-%s=%s\n' "${BASH_REMATCH[1]}" "${kernel##*_}"
}

# needed_packages IMAGE PATTERN: those of the kernel's own packages that an image and its
# headers need, directly or not, and whose name matches
needed_packages()
{
	local headers=${1/linux-image/linux-headers}
	apt-cache depends --recurse --important "$1" "${headers%-unsigned}" | grep -Ex "$2" | sort -u
}

unpack()
{
	local deb
	for deb in "$1"/*.deb; do
		dpkg -x "$deb" "$2" || return 1
	done
	rm -r "$1"
}

# The build programs run here, whatever the kernel is for.
kbuild_world()
{
	case $world in
	debian13) echo debian13 ;;
	*) echo machine ;;
	esac
}

# merge_usr ROOT RELEASE: Debian 13 has modules and, where it is split, the kernel below /usr.
merge_usr()
{
	[ -d "$1/usr/lib/modules" ] || return 0
	ln -s usr/lib "$1/lib"
	[ -e "$1/boot/vmlinuz-$2" ] && return
	mkdir -p "$1/boot"
	ln -s "../usr/lib/modules/$2/vmlinuz" "$1/boot/vmlinuz-$2"
}

# What says whether sparse is good enough for the headers has been left out of the package, and
# make takes no answer for a no. With what scripts/build tells it, it is.
complete_kbuild()
{
	local dir
	for dir in "$1"/usr/lib/linux-kbuild-*/scripts; do
		[ -e "$dir/checker-valid.sh" ] && continue
		printf '#!/bin/sh\necho 1\n' > "$dir/checker-valid.sh"
		chmod 755 "$dir/checker-valid.sh"
	done
}

# unpack_kernel IMAGE WORKDIR FINALDIR: the packages' files, with the paths that
# the headers expect under /usr made to point into FINALDIR.
unpack_kernel()
{
	local image=$1 work=$2 final=$3 release packages kbuild
	release=$(release_of "$image")
	mapfile -t packages < <(needed_packages "$image" 'linux-(base|binary|headers|modules)-[0-9].*')
	kbuild=$(needed_packages "$image" 'linux-kbuild-[0-9].*') || return 1
	mkdir "$work/debs"
	download "$work/debs" "$image" "${packages[@]}" || return 1
	in_world "$(kbuild_world)" download "$work/debs" "$kbuild" || return 1
	unpack "$work/debs" "$work" || return 1
	rm -r "${work:?}/usr/share"
	merge_usr "$work" "$release"
	complete_kbuild "$work"
	sed -i "s,/usr/src/,$final&,g" "$work/usr/src/linux-headers-$release/Makefile"
	ln -sfn "../../../usr/src/linux-headers-$release" "$work/lib/modules/$release/build"
	rm -f "$work/lib/modules/$release/source"
	ln -s "usr/src/linux-headers-$release" "$work/kdir"
	/sbin/depmod -b "$work" "$release" || return 1
	echo "$release" > "$work/release"
}

# What the test machine of another architecture has besides the kernel: for scripts/vm-guest
# and the selftests, and libraries that programs for it are built with. The rest of them come
# as dependencies.
userland=(usr-is-merged base-files bash coreutils sed grep mawk findutils diffutils util-linux
	util-linux-extra mount kmod iproute2 procps hostname perl-base busybox-static libssl-dev
	libc6-dev)

# unpack_root IMAGE WORKDIR FINALDIR: a kernel in a root directory that has programs, too
unpack_root()
{
	local image=$1 work=$2 final=$3
	unpack_kernel "$image" "$work" "$final" || return 1
	download_all "$work/debs" "${userland[@]}" || return 1
	unpack "$work/debs" "$work" || return 1
	rm -r "$work"/usr/share/{doc,man,locale,info} "$work"/usr/lib/*/lib{c,crypto,ssl}.a
	mkdir -p "$work/mnt"
	ln -s mawk "$work/usr/bin/awk"
}

# What builds a module for the newest kernel, and such a kernel
debian13_programs=(base-files bash dash coreutils sed grep mawk findutils diffutils tar gzip xz-utils
	zstd make bc perl kmod cpio rsync flex bison gcc libc6-dev libelf-dev libssl-dev sparse)
# The emulator of test machines: a program starts there in half the time that Debian 12's takes.
qemu_programs=(qemu-system-x86)

# The directory for the programs of Debian 13 in list NAME: another version of one makes another.
programs13_name()
{
	local -n programs=${1}_programs
	local list
	list=$(with_dependencies --print-uris "${programs[@]}") && [ -n "$list" ] || return 1
	printf '%s_%s\n' "$1" "$(cut -d' ' -f2 <<< "$list" | sort | sha256sum | cut -c 1-16)"
}

# unpack_programs13 NAME WORKDIR
unpack_programs13()
{
	local -n programs=${1}_programs
	local work=$2
	download_all "$work/debs" "${programs[@]}" || return 1
	unpack "$work/debs" "$work" || return 1
	rm -rf "$work"/usr/share/{doc,man,locale,info}
}

# unpack_debian13 NAME WORKDIR: as a root directory
unpack_debian13()
{
	unpack_programs13 "$1" "$2" || return 1
	mkdir -p "$2/mnt"
	ln -s mawk "$2/usr/bin/awk"
}

unpack_source()
{
	local package=$1 work=$2
	mkdir "$work/debs"
	download "$work/debs" "$package" || return 1
	dpkg -x "$work"/debs/*.deb "$work/debs" || return 1
	tar -x -C "$work" -f "$work/debs/usr/src/$package.tar.xz" --strip-components=1 --wildcards \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
		'*/scripts/const_structs.checkpatch' '*/scripts/kernel-doc' \
		'*/scripts/coccicheck' '*/scripts/coccinelle' \
		'*/tools/testing/selftests/kselftest.h' \
		'*/tools/testing/selftests/kselftest_harness.h' || return 1
	rm -r "$work/debs"
}
