#!/bin/sh
# Run by mmdebstrap as its extract hook, with an empty root as $1 and the lists
# of the recipe in the environment, one item a line. Everything that touches
# files of the guest's owners happens here, where this user is root.
set -eu
root=$1
debs=$root/var/cache/apt/archives
IFS='
'
set -f
PATH=$PATH:/usr/sbin:/sbin

stage() { echo "assay: stage $*"; }
die() { echo "assay: $*" >&2; exit 1; }

# $1: package name patterns; prints the matching archives here.
named() {
    for pattern in $1; do
        find . -maxdepth 1 -name "${pattern}_*.deb" | sort
    done
}

# $1: an archive, $2: a directory. Without maintainer scripts.
extract() {
    dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink $tar_excludes
}

dpkg_excludes= tar_excludes=
for path in $EXCLUDE; do
    dpkg_excludes="$dpkg_excludes$IFS--path-exclude=$path"
    tar_excludes="$tar_excludes$IFS--exclude=.$path"
done

# Complete archives here go to the package cache.
keep() {
    find . -maxdepth 1 -name '*.deb' -type f | while read -r deb; do
        # Other builds read the cache and write to it: each package comes whole, from
        # a directory that is this build's alone. Process numbers repeat in namespaces.
        cp "$deb" "$OUT/package.deb" && mv "$OUT/package.deb" "$PACKAGE_CACHE/${deb#./}"
    done
}

# $1: packages, each perhaps with its architecture and its suite, with blanks in
# between; prints their archives. Asked one by one, apt takes a second for each.
fetch() {
    archives=$(IFS=' '; apt-get -qq --print-uris download $1 | cut -d' ' -f2)
    [ -n "$archives" ] || die "the mirror does not have all of these: $1"
    for archive in $archives; do
        [ ! -e "$PACKAGE_CACHE/$archive" ] || continue
        (IFS=' '; apt-get -q download $1 >&2)
        keep
        break
    done
    for archive in $archives; do echo "$PACKAGE_CACHE/$archive"; done
}

stage download
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
mkdir -p "$debs/partial"
cd "$debs"
for archive in $(apt-get -qq --print-uris -o APT::Install-Recommends=false install $PACKAGES | cut -d' ' -f2); do
    [ ! -e "$PACKAGE_CACHE/$archive" ] || cp "$PACKAGE_CACHE/$archive" .
done
apt-get -q --yes --download-only -o APT::Install-Recommends=false install $PACKAGES
keep
mkdir apart fetched
# What is only unpacked and nothing depends on comes by itself.
alone=
for name in $UNPACKED; do
    [ -n "$(named "$name")" ] || alone="$alone $name:$ARCHITECTURE"
done
# Only now: no dependency of the root may come from another release.
for item in $OTHER_SUITES; do
    sed -E "s/^deb (\[(.*)\] )?/deb [arch=${item#*|} \\2] /; s/ $SUITE / ${item%%|*} /" \
        "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/${item%%|*}.list"
done
[ -z "$OTHER_SUITES" ] || apt-get -q update
cd fetched
busybox=$(fetch "busybox-static:$ARCHITECTURE")
[ -z "$alone" ] || for archive in $(fetch "${alone# }"); do cp "$archive" ../apart/; done
foreign=
for item in $FOREIGN; do
    archives=$(fetch "${item#*|}")
    for archive in $archives; do foreign="$foreign$IFS${item%%|*}|$archive"; done
done
unset APT_CONFIG
cd ..

stage unpack
for deb in $(named "$DROPPED"); do rm "$deb"; done
for deb in $(named "$UNPACKED"); do mv "$deb" apart/; done
# Some scripts run before anything is unpacked and want what they find on any
# Debian: so all files first, then once more the way dpkg knows them.
for deb in $(named base-files) $(named '*'); do extract "$deb" "$root"; done
mkdir -p "$root/usr/sbin"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
echo "$ARCHITECTURE" >"$root/var/lib/dpkg/arch"
: >"$root/var/lib/dpkg/status"
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C
dpkg() {
    command dpkg --root="$root" --force-architecture --force-depends --force-unsafe-io \
        --force-confold --force-overwrite $dpkg_excludes "$@"
}
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
dpkg --unpack $(named '*')
stage configure "$(named '*' | wc -l)"
dpkg --configure -a
query() { dpkg-query --admindir="$root/var/lib/dpkg" --show --showformat="$1"; }
unfinished=$(query '${db:Status-Abbrev} ${Package}\n' | grep -v '^ii ') || true
[ -z "$unfinished" ] || die "packages are not installed: $unfinished"
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash --groups "$USER_GROUPS" "$USER_NAME"
umount "$root/proc"

stage lay
query '${Package} ${Version} ${Architecture}\n' >"$OUT/packages.txt"
cd apart
for deb in $(named '*'); do
    extract "$deb" "$root"
    dpkg-deb --show --showformat='${Package} ${Version} ${Architecture} (unpacked)\n' "$deb" >>"$OUT/packages.txt"
done
for item in $foreign; do
    mkdir -p "$root${item%%|*}"
    extract "${item#*|}" "$root${item%%|*}"
    dpkg-deb --show --showformat='${Package} ${Version} ${Architecture} (foreign)\n' "${item#*|}" >>"$OUT/packages.txt"
done
for item in $FOREIGN; do
    # Programs ask for /lib64/ld-linux-x86-64.so.2: the links are of a package left out.
    for name in bin lib lib64 sbin; do
        [ ! -d "$root${item%%|*}/usr/$name" ] || ln -sfn "usr/$name" "$root${item%%|*}/$name"
    done
done
# $1: a tree of this host, $2: a directory. A checkout's modes depend on a umask:
# others get what the owner has, but for writing. Links such as /bin stay what they are.
lay() {
    tar -C "$1" -c --owner=0 --group=0 --mode=go=u-w . |
        tar -x -C "$2" --keep-directory-symlink --no-overwrite-dir
}
for item in $MADE; do
    mkdir -p "$root${item%%|*}"
    lay "${item#*|}" "$root${item%%|*}"
done
for tree in $TREES; do lay "$tree" "$root"; done
for name in $MASKED; do
    case $name in
        *-generator) directory=$root/etc/systemd/system-generators ;;
        *) directory=$root/etc/systemd/system ;;
    esac
    mkdir -p "$directory"
    ln -sf /dev/null "$directory/$name"
done
echo "$HOST_NAME" >"$root/etc/hostname"
# The first boot makes a machine-id, but not from what the bus remembers.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/usr/sbin/policy-rc.d" "$root/var/lib/dpkg/arch"
rm -rf "$root/var/cache/apt" "$root/var/lib/apt" "$root/etc/apt" 

stage kernel
modules=$(find "$root/usr/lib/modules" -mindepth 1 -maxdepth 1)
version=${modules##*/}
# Decompressed once here, not at every load under emulation.
find "$modules" -name '*.ko.xz' -print0 | xargs -0 -r -P2 -n64 xz -d
find "$modules" -name '*.ko.zst' -print0 | xargs -0 -r -P2 -n64 zstd -q -d --rm
depmod -b "$root" "$version"
kernel=$root/boot/vmlinuz-$version
number() { od -An -tu4 -j "$1" -N 4 "$kernel" | tr -d ' '; }
if [ "$(dd if="$kernel" bs=1 skip=4 count=4 2>/dev/null | tr -d '\0')" = zimg ]; then
    # EFI zboot: offset and size of a gzip stream are in its header.
    tail -c "+$(($(number 8) + 1))" "$kernel" | head -c "$(number 12)" | gzip -dc >"$OUT/kernel"
elif [ "$(od -An -tx1 -N 2 "$kernel")" = ' 1f 8b' ]; then
    gzip -dc "$kernel" >"$OUT/kernel"
else
    cp "$kernel" "$OUT/kernel"
fi
mkdir "$OUT/kernel-parts"
dpkg-deb --fsys-tarfile "$busybox" | tar -x -O ./usr/bin/busybox >"$OUT/kernel-parts/busybox"
cp -R "$modules" "$OUT/kernel-parts/modules"
rm -rf "$root/boot" "$debs"
mkdir "$root/boot"
