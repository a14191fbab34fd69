# interpreted INTERPRETER WORDS PROGRAM [ARGUMENT...]
# Runs a program that reads its standard input, says WORDS to it, and ends as it does. Before it has read anything, the
# program is held against what the kernel executes for it, and is not run when that is not INTERPRETER. Needs no program
# but this shell: a handler that takes too much takes every other.
interpreted() {
    local interpreter=$1 words=$2 gate
    shift 2
    exec {gate}<> <(:)
    "$@" <&$gate &
    # What has not begun yet is still this shell.
    while [ /proc/$!/exe -ef /proc/$$/exe ]; do read -t 0.02 -u $gate; done
    if [ -e /proc/$!/exe ] && ! [ /proc/$!/exe -ef "$interpreter" ]; then
        echo "the kernel has $(readlink /proc/$!/exe) execute $1, not $interpreter" >&2
        kill -KILL $!
        return 125
    fi
    echo "$words" >&$gate
    wait $!
}

[ $# = 0 ] || interpreted "$@"
