#!/bin/sh
# Every fuzzer over its whole corpus: what a fuzzer once found stays fixed.
set -eu
for f in $FUZZERS; do
	name=$(basename "$f" | sed 's/^fuzz_//')
	dir="$top_srcdir/tests/fuzz/corpus/$name"
	set -- "$dir"/*
	[ -e "$1" ] || { echo "no corpus for $name" >&2; exit 1; }
	"$top_builddir/$f" "$@" >/dev/null 2>"replay.err" || {
		cat replay.err >&2
		echo "fuzzer $name failed on its corpus" >&2
		exit 1
	}
done
rm -f replay.err
