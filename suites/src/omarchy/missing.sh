# Names what these programs lead to, or are interpreted by, and this machine does not have.
for file; do
    interpreter=$(head --bytes=200 "$file" 2>/dev/null | sed -n '1s/^#! *\([^ ]*\).*/\1/p')
    if [ -L "$file" ] && ! [ -e "$file" ]; then
        echo "$file leads to $(readlink -m "$file")"
    elif [ -n "$interpreter" ] && ! [ -e "$interpreter" ]; then
        echo "$file is interpreted by $interpreter"
    fi
done
