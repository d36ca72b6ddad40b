#!/bin/bash
# The example configurations that the npm package statsd ships, and configs as
# people write them, imported: what is printed is a configuration that passes
# millrace check, and exit codes are those of sysexits.
. "$(dirname "$0")/lib.sh"
checked() {
	"$MILLRACE" import "$@" >made.yaml 2>remarks || fail "import $*: $? $(cat remarks)"
	"$MILLRACE" check -c made.yaml >/dev/null || fail "check: $(cat made.yaml)"
}

cat >web.js <<'JS'
// written by hand
'use strict';
const os = require('os');
module.exports = {
	graphiteHost: process.env.GRAPHITE_HOST || 'localhost',
	"graphitePort": 2013,
	port: parseInt(process.env.STATSD_PORT || "18125", 10),
	flushInterval: 10 * 1000, /* ten seconds */
	percentThreshold: [50, 95, 99.9],
	graphite: { legacyNamespace: false, globalSuffix: os.hostname().split('.')[0] },
	backends: ['./backends/graphite', './backends/repeater'],
	repeater: [{ host: '10.8.0.1', port: 8125 },],
};
JS
GRAPHITE_HOST=g.example.com checked statsd web.js
[ -s remarks ] && fail "remarks: $(cat remarks)"
grep -q "host: 'g.example.com', port: 2013" made.yaml || fail "$(cat made.yaml)"
grep -q "udp://\*:18125" made.yaml || fail "$(cat made.yaml)"
grep -q "suffix: '$(hostname | cut -d. -f1)'" made.yaml || fail "$(cat made.yaml)"
printf '[statsite]\nport = 8125\nstream_cmd = python sinks/graphite.py h 2003\n' >s.conf
checked statsite s.conf
echo '{"samplers":[{"type":"statsd","address":"0.0.0.0","port":8126}],
"backends":[{"type":"carbon","address":"h","port":2003,"frequency":10}]}' >b.json
checked brubeck b.json
echo 'cluster c forward 127.0.0.1:2003; match * send to c stop;' >relay.conf
checked carbon-c-relay --options '-p 2013' relay.conf
grep -q "tcp://\*:2013" made.yaml || fail "$(cat made.yaml)"
printf '[relay]\nRELAY_METHOD = consistent-hashing\nLINE_RECEIVER_PORT = 2013\nDESTINATIONS = 127.0.0.1:2004\n' >carbon.conf
checked carbon carbon.conf

# exit codes
exits() {
	local want=$1 got=0
	shift
	"$MILLRACE" import "$@" >out 2>err || got=$?
	[ $got = "$want" ] || fail "import $*: $got, not $want: $(cat err)"
	[ "$want" = 0 ] || [ ! -s out ] || fail "import $* fails and prints"
}
exits 66 statsd no-such-file
grep -q '^no-such-file: No such file' err || fail "$(cat err)"
echo '{ graphiteHost: lookup("x") }' >bad.js
exits 65 statsd bad.js
grep -q '^bad.js:1:17: "lookup("x") }" cannot be worked out' err || fail "$(cat err)"
exits 64 nonsense web.js
exits 64 statsd
exits 64 statsd web.js web.js
exits 64

need npm tar
npm pack statsd --silent >pack.log 2>&1 </dev/null || skip "no npm registry: $(tail -1 pack.log)"
tar xzf statsd-*.tgz || fail "the package cannot be unpacked"
checked statsd package/exampleConfig.js
[ -s remarks ] && fail "remarks: $(cat remarks)"
grep -q "host: 'graphite.example.com', port: 2003" made.yaml || fail "$(cat made.yaml)"
checked statsd package/exampleProxyConfig.js
grep -q 'method: statsd_ring' made.yaml || fail "$(cat made.yaml)"
