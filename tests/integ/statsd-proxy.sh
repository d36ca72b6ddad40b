#!/bin/bash
# The proxy's job: the reference's proxy.js and millrace by the same file in
# front of the same nodes send each name to the same one, with nodes that leave
# and come back by what their management ports say; lines arrive as they were
# sent.
. "$(dirname "$0")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")
npm_peers
mkdir proxy
"$PY" "$here/statsd_proxy.py" "$MILLRACE" "$NPM/statsd/proxy.js" "$T/proxy" || {
	tail -n 20 proxy/*.txt >&2
	fail "they differ"
}
