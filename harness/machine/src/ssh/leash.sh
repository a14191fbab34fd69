# Runs on the machine, as root, for as long as the connection is there: when that ends, however it does, everything
# that was started over it and still runs is ended, and what was brought is removed. $1 marks the former in its
# environment and names the directory of the latter, and $2 is who has logged in.
trap '' HUP
bridges=
for bridge in perl python3 systemd-stdio-bridge; do
    command -v "$bridge" >/dev/null && bridges="$bridges $bridge"
done
echo "assay $2 $(date +%s) $(cat /proc/sys/kernel/random/boot_id)$bridges"
cat >/dev/null
left=$(sweep "$1")
rm -rf "/tmp/assay-$1"
echo "left $left"
