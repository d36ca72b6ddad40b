#!/bin/bash
# Allocations fail now and then: an event for which there is none is refused; if
# the daemon ends for it, or the kernel's killer ends it, the next one goes on.
. "$(dirname "$0")/../lib.sh"
shim
[ -z "${SANITIZED:-}" ] || skip "a sanitizer brings its own malloc"
redis_everysec
conf
start_shimmed
load
for ((i = 0; i < $(loops 3); i++)); do
	nap 3
	inject memory error=ENOMEM one_in=$((50 << (i % 4 * 2))) times=-1
	nap 5
	inject memory times=0
	if ! kill -0 "$DAEMON" 2>/dev/null; then
		wait "$DAEMON"
		say "  it ended with $?"
		start_shimmed
	fi
	moving
done
[ "$(injected memory hits)" -gt 0 ] || fail "no allocation failed"
verdict
stop_daemon
