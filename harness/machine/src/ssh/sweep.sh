# Ends all processes that have this mark in their environment: first so that they can clean up. Prints those that stay.
sweep() {
    for signal in TERM 0 0 0 0 0 0 0 0 0 KILL 0 0 0 0 0; do
        found=
        for process in $(grep -l -s -F -- "ASSAY_OWNER=$1" /proc/[0-9]*/environ); do
            process=${process#/proc/}
            found="$found ${process%/environ}"
        done
        [ -n "$found" ] || break
        # shellcheck disable=SC2086 # a list of numbers
        kill -s "$signal" $found 2>/dev/null
        sleep 0.1
    done
    echo $found
}
