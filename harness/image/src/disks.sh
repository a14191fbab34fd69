#!/bin/sh
# Writes the disks once mmdebstrap has taken its mounts off the finished root.
set -euf
PATH=$PATH:/usr/sbin:/sbin
root=$OUT/parts/root
IFS='
'

echo "assay: stage disks"
for item in $DRIVES; do
    name=${item%%|*}
    tree=$OUT/parts/$name
    mkdir "$tree"
    for file in $DRIVE_FILES; do
        [ "${file%%|*}" = "$name" ] || continue
        file=${file#*|}
        to=$tree/${file%%|*}
        mkdir -p "${to%/*}"
        case ${file#*|} in
            root:*) cp "$root${file#*|root:}" "$to" ;;
            host:*) cp "${file#*|host:}" "$to" ;;
        esac
    done
    mke2fs -q -t ext4 -O ^has_journal -m 0 -L "$name" -d "$tree" "$OUT/$name.raw" "${item#*|}M"
done
rm -rf "$root/dev" "$root/run" "$root/tmp"
mkdir -m 755 "$root/dev" "$root/run"
mkdir -m 1777 "$root/tmp"
mke2fs -q -t ext4 -m 0 -J size=16 -L root -d "$root" "$OUT/root.raw" "${SIZE_MIB}M"
echo "assay: stage initramfs"
