#!/bin/sh
# count.sh BUILDDIR - what `make check` ran there, as "PASSED FAILED": each case
# of a libcheck program counts, and each script.
set -eu
cd "$1"
find . -name '*.trs' | sort | {
	passed=0 failed=0
	while read -r trs; do
		log=${trs%.trs}.log
		result=$(sed -n 's/^:global-test-result: //p' "$trs")
		[ "$result" = SKIP ] && continue
		line=$(grep -ah '^[0-9]*%: Checks: ' "$log" | tail -1) || line=
		n=1 bad=0
		if [ -n "$line" ]; then
			n=$(echo "$line" | sed 's/.*Checks: \([0-9]*\).*/\1/')
			f=$(echo "$line" | sed 's/.*Failures: \([0-9]*\).*/\1/')
			e=$(echo "$line" | sed 's/.*Errors: \([0-9]*\).*/\1/')
			bad=$((f + e))
		fi
		if [ "$result" != PASS ] && [ "$bad" -eq 0 ]; then
			bad=1		# it passed its cases and then fell over
			[ "$n" -gt 0 ] || n=1
		fi
		passed=$((passed + n - bad))
		failed=$((failed + bad))
	done
	echo "$passed $failed"
}
