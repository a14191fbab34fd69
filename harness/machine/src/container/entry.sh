#!/bin/sh
# The first process of a container, until the root's own init takes its place. On a host with the older control groups
# the engine mounts those, which systemd does not know any more.
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
# Whoever has something to say before there is a journal says it there.
[ -e /dev/console ] || ln -s /proc/1/fd/2 /dev/console
# A harness that is killed before it holds on to its container never will.
{
    sleep 20
    [ -e /dev/shm/assay-held ] || systemctl poweroff --force --force
} </dev/null &
exec /sbin/init
