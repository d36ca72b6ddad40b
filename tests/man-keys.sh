#!/bin/sh
# The manual of the configuration says the keys that the program knows, and is
# good mdoc; the schema is good JSON.
set -eu
made=man-keys.5
trap 'rm -f "$made"' EXIT
"$top_srcdir/man/update.sh" "$top_builddir/millrace" "$made"
if ! cmp -s "$made" "$top_srcdir/man/millrace.yaml.5"; then
	diff "$top_srcdir/man/millrace.yaml.5" "$made" | head -20 >&2 || :
	echo "man/millrace.yaml.5 is old: run man/update.sh ./millrace" >&2
	exit 1
fi
if command -v mandoc >/dev/null 2>&1; then
	mandoc -T lint -W warning "$top_srcdir/man/millrace.yaml.5" >&2
fi
if command -v python3 >/dev/null 2>&1; then
	"$top_builddir/millrace" check --schema | python3 -m json.tool >/dev/null
fi
"$top_builddir/millrace" check --defaults >"$made"
"$top_builddir/millrace" check -c "$made" >/dev/null
