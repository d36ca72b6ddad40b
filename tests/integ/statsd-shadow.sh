#!/bin/bash
# The reference (npm statsd) and millrace beside each other: the same packets
# into both, the same Graphite lines in the same order out of both, for a row of
# configurations and over idle intervals.
. "$(dirname "$0")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")
npm_peers
mkdir shadow
"$PY" "$here/statsd_shadow.py" "$MILLRACE" "$NPM/statsd/stats.js" "$T/shadow" ||
	fail "they differ"
