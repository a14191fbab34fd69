#!/bin/sh
# First process of every guest. Everything that does not depend on the disks is
# done before the port `assay.boot` says `go`: a machine frozen here can be
# continued any number of times, each time with other disks.

fail() {
    echo "assay-initramfs: $*" >/dev/console
    poweroff -f
}

load() {
    while read -r module; do
        insmod "/modules/$module" || fail "module $module cannot be loaded"
    done <"/modules/$1"
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
load before-go

# Ports get their names from the host, which may answer after their driver has been loaded.
node=
read -r began _ </proc/uptime
until [ -n "$node" ]; do
    read -r now _ </proc/uptime
    [ $((${now%.*} - ${began%.*})) -le 60 ] || fail "the port assay.boot has not come within 60 s"
    for name in /sys/class/virtio-ports/*/name; do
        [ -e "$name" ] && read -r port <"$name" && [ "$port" = assay.boot ] && node=${name%/name}
    done
done
exec 3<>"/dev/${node##*/}" || fail "the port assay.boot cannot be opened"
# An idle clock that jumps would race ahead while the guest waits for its host and for its disk: so a
# process is never idle, and stands aside for all others.
while :; do :; done &
awake=$!
renice -n 19 -p $awake >/dev/null
# Writing blocks until the host listens; reading ends when it hangs up.
until [ "$word" = go ]; do
    echo ready >&3
    read -r word seconds seed clock <&3
done
exec 3>&-
# All that are continued from here would have one time and draw the same numbers. This early the
# kernel uses what is written to its pool within a second.
[ -z "$seconds" ] || date -u -s "@$seconds" >/dev/null || fail "the time cannot be set"
[ -z "$seed" ] || echo "$seed" >/dev/urandom
# It goes on until there is what holds the clock better.
if [ "$clock" = hold ]; then export ASSAY_HOLDER=$awake; else kill -9 $awake; fi

load after-go
[ -b /dev/vda ] || fail "no disk /dev/vda: give the machine a virtio-blk root disk"
mount -t ext4 -o rw /dev/vda /sysroot || fail "/dev/vda cannot be mounted as ext4"
for tree in proc sys dev; do mount --move "/$tree" "/sysroot/$tree"; done
exec switch_root /sysroot /sbin/init
fail "/sbin/init of /dev/vda cannot be started"
