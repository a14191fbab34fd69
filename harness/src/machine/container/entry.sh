# The first process of a container, until the root's own init takes its place. On a host with the older control groups
# the engine mounts those, which systemd does not know any more.
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit
# A harness that is killed before it holds on to its container never will.
{
    sleep 60
    [ -e /dev/shm/assay-held ] || systemctl poweroff --force --force
} </dev/null &
exec /sbin/init
