#!/bin/sh
# Every header compiles alone: it includes what it needs.
set -eu
src=${top_srcdir:-.}/src
: "${CC:=cc}"
bad=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for h in "$src"/*/*.h; do
	printf '#include "config.h"\n#include "%s"\n' "${h#"$src"/}" >"$tmp/t.c"
	# word splitting of the flags is meant
	if ! $CC $CPPFLAGS $CFLAGS -fsyntax-only "$tmp/t.c" 2>"$tmp/err"; then
		cat "$tmp/err" >&2
		echo "$h does not compile alone" >&2
		bad=1
	fi
done
exit $bad
