#!/bin/sh
# No function of ours has the name of one in a library that we link: the linker
# would say nothing, and calls meant for the one would reach the other.
set -eu
for tool in nm ldd awk join; do
	command -v $tool >/dev/null 2>&1 || exit 77
done
ours=symbols.ours theirs=symbols.theirs
trap 'rm -f "$ours" "$theirs"' EXIT
LC_ALL=C
export LC_ALL
program=$top_builddir/millrace
nm --defined-only "$program" | awk '$2 ~ /^[TBDR]$/ && $3 !~ /^_/ { print $3 }' | sort -u >"$ours"
# the system's own and sanitizers' stand in for each other on purpose
ldd "$program" | awk '$3 ~ /^\// && $1 !~ /^lib(c|m|gcc_s|stdc\+\+|[a-z]*san)\.so/ { print $3 }' |
    while read -r lib; do
	nm -D --defined-only "$lib" | awk -v lib="$lib" '$2 ~ /^[TWDBRi]$/ { sub(/@.*/, "", $3); print $3, lib }'
    done | sort -u >"$theirs"
[ -s "$ours" ] && [ -s "$theirs" ] || exit 77
same=$(join "$ours" "$theirs")
[ -z "$same" ] && exit 0
echo "$same" >&2
echo "give ours other names" >&2
exit 1
