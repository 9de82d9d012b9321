# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For scripts/kernels, to source: where packages come from. A "world" of packages is what one
# apt knows of: this machine's own, or one that has indices of its own below the cache, for
# another architecture or another release of Debian, so that the machine's dpkg and apt need
# not know of these.

debian12=(bookworm bookworm-updates bookworm-security)
debian13=(trixie trixie-updates trixie-security trixie-backports)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# world_of NAME: which world the kernel of that name is from
world_of()
{
	case $1 in
	686-pae) echo i386 ;;
	arm64 | armhf) echo "$1" ;;
	newest | next | kasan-newest | debian13 | qemu) echo debian13 ;;
	*) echo machine ;;
	esac
}

# in_world WORLD COMMAND...: run it with that world's apt
in_world()
(
	world=$1
	shift
	case $world in
	machine) unset APT_CONFIG ;;
	*) export APT_CONFIG=$cache/apt/$world/apt.conf ;;
	esac
	"$@"
)

# Make what in_world needs of a world
prepare_world()
{
	case $1 in
	machine) ;;
	i386 | arm64 | armhf) own_apt "$1" "$1" "${debian12[@]}" ;;
	debian13) own_apt debian13 amd64 "${debian13[@]}" ;;
	*) die "no such world of packages: $1" ;;
	esac
}

# own_apt WORLD "ARCHITECTURE..." SUITE...: an apt that knows of these architectures, the first
# being the native one, of these suites of Debian, and of no package installed
own_apt()
{
	local dir=$cache/apt/$1 architectures=$2
	shift 2
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: > "$dir/status"
	sources "$@" > "$dir/sources.list"
	cat > "$dir/apt.conf" <<-END
	APT::Architecture "${architectures%% *}";
	APT::Architectures { "${architectures// /\"; \"}"; };
	APT::Sandbox::User "root";
	Debug::NoLocking "true";
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::State "$dir";
	Dir::State::status "$dir/status";
	Dir::Cache "$dir/cache";
	END
}

# sources SUITE...: lines for them, from the mirrors that this machine has Debian 12 from
sources()
{
	local suite uris uri
	# shellcheck disable=SC2016  # expanded by apt
	uris=$(in_world machine apt-get indextargets --no-release-info \
		--format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages')
	for suite; do
		case $suite in
		*-security) uri=$(mirror_of bookworm-security "$uris" || echo http://deb.debian.org/debian-security) ;;
		*) uri=$(mirror_of bookworm "$uris" || echo http://deb.debian.org/debian) ;;
		esac
		echo "deb [signed-by=$keyring] $uri $suite main"
	done
}

# mirror_of SUITE LINES: where the suite is found in lines of a suite and an address each
mirror_of()
{
	sed -nE "s/^$1 (https?:)/\1/p" <<< "$2" | head -n 1 | grep .
}

# One index that is not to be had, and another may do.
update_index()
{
	case $1 in
	machine) as_root apt-get update -qq >&2 ;;
	*) in_world "$1" apt-get update -qq >&2 || true ;;
	esac
}

# newest_package START PATTERN: the newest whose name begins with START and matches an
# extended regular expression
newest_package()
{
	apt-cache pkgnames "$1" | grep -Ex "$2" | sort -V | tail -n 1
}

package_version()
{
	apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1
}

# download DIRECTORY PACKAGE...: these, and nothing that they depend on
download()
{
	( cd "$1" && shift && apt-get download -qq -o APT::Sandbox::User=root "$@" ) >&2
}

# with_dependencies PACKAGE... [OPTION...]: have apt do all that it does before it installs
with_dependencies()
{
	apt-get install -qq -y --download-only --no-install-recommends "$@"
}

# download_all DIRECTORY PACKAGE...: these and what they depend on
download_all()
{
	local dir=$1
	shift
	mkdir -p "$dir/partial"
	with_dependencies -o Dir::Cache::archives="$dir" "$@" >&2 || return 1
	rm -r "$dir/partial"
}
