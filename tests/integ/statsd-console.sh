#!/bin/bash
# The management port answers as the reference's does, byte for byte: the same
# commands to both, while both hold the same metrics.
. "$(dirname "$0")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")
npm_peers
mkdir console
"$PY" "$here/statsd_console.py" "$MILLRACE" "$NPM/statsd/stats.js" "$T/console" ||
	fail "they differ"
