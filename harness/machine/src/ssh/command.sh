# Runs the shell command $3 for at most $2 seconds, as it would run on a machine that nobody has logged in to. $1 marks
# all that it starts. Never replaced by it: how this shell ends is always a status, never a signal.
cd / && umask 022
LC_ALL=C ASSAY_OWNER=$1
export LC_ALL ASSAY_OWNER
timeout -k 2 "$2" sh -c "$3"
exit $?
