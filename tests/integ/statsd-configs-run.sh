#!/bin/bash
# Configurations of statsd in the styles that people write them in, and those
# that the npm package ships: each is imported, passes the check, and runs, both
# as the YAML made of it and directly; a sample sent to it comes out under the
# names that the file asks for.
. "$(dirname "$0")/lib.sh"
need nc
ports STATSD MGMT CARBON
start_sink carbon "$CARBON"
mkdir c
# PORT, MGMT and CARBON stand for the ports; the expected line follows the file,
# a regular expression behind "=>" (none: nothing comes out), and what is sent.
style() {
	sed -e "s/@PORT@/$STATSD/g; s/@MGMT@/$MGMT/g; s/@CARBON@/$CARBON/g" >"c/$1.js"
	WANT[${#NAMES[@]}]=$2
	NAMES+=("$1")
}
NAMES=() WANT=()
export GRAPHITE_HOST=127.0.0.1 STATSD_PORT=$STATSD

style 03-hostname-suffix "^stats\\.counters\\.hits\\.count\\.$(hostname | cut -d. -f1) 3 " <<'JS'
{
  graphiteHost: '127.0.0.1', graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100,
  graphite: {
    legacyNamespace: false,
    globalSuffix: require('os').hostname().split('.')[0],   // which host
  }
}
JS
style 01-as-documented '^stats_counts\.hits 3 ' <<'JS'
{
  graphitePort: @CARBON@
, graphiteHost: "127.0.0.1"
, port: @PORT@
, mgmt_port: @MGMT@
, flushInterval: 100
, backends: [ "./backends/graphite" ]
}
JS
style 02-module-exports '^stats\.counters\.hits\.count 3 ' <<'JS'
'use strict';
module.exports = {
	graphiteHost: process.env.GRAPHITE_HOST || 'graphite',
	graphitePort: @CARBON@,
	port: parseInt(process.env.STATSD_PORT, 10) || 8125,
	mgmt_port: @MGMT@,
	flushInterval: 0.1 * 1000,
	graphite: { legacyNamespace: false },
};
JS
style 04-json '^stats_counts\.hits 3 ' <<'JS'
{"graphiteHost": "127.0.0.1", "graphitePort": @CARBON@, "port": @PORT@, "mgmt_port": @MGMT@,
 "flushInterval": 100, "percentThreshold": [50, 90, 99.9], "dumpMessages": true, "debug": true}
JS
style 05-several-servers '^stats_counts\.hits 3 ' <<'JS'
{
  servers: [
    { server: "./servers/tcp", address: "127.0.0.1", port: @PORT@ },
    { server: "./servers/udp", address: "127.0.0.1", port: @PORT@ },
  ],
  mgmt_address: "127.0.0.1", mgmt_port: @MGMT@,
  graphiteHost: "127.0.0.1", graphitePort: @CARBON@, flushInterval: 100,
  automaticConfigReload: false
}
JS
style 06-prefixes '^my-app\.c\.hits\.count\.prod 3 ' <<'JS'
{ graphiteHost: "127.0.0.1", graphitePort: "@CARBON@", port: "@PORT@", mgmt_port: "@MGMT@",
  flushInterval: "100",
  graphite: { legacyNamespace: false, globalPrefix: "my-app", prefixCounter: "c",
    prefixTimer: "t", prefixGauge: "g", prefixSet: "s", globalSuffix: "prod" },
  prefixStats: "own" }
JS
style 07-concatenation '^stats\.counters\.hits\.count\.eu-7 3 ' <<'JS'
var region = 'eu';
var shard = 3 + 4;
module.exports = {
  graphiteHost: '127.0.' + '0.1', graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100, graphite: { legacyNamespace: false, globalSuffix: region + '-' + shard }
};
JS
style 08-comments-and-commas '^stats_counts\.hits 3 ' <<'JS'
/*
 * Managed by the configuration management.  Do not edit.
 */
{
    // where to
    graphiteHost   : "127.0.0.1",    /* the relay */
    graphitePort   : @CARBON@,
    // graphiteProtocol: "pickle",
    port           : @PORT@,
    mgmt_port      : @MGMT@,
    flushInterval  : 100,  // ms
    deleteIdleStats: true,
    log            : { backend: 'stdout', level: 'LOG_INFO', },
}
JS
style 09-deletes-and-histogram '^stats\.timers\.wait\.histogram\.bin_100 1 ' <<'JS'
{
  graphiteHost: "127.0.0.1", graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100, deleteGauges: true, deleteTimers: true, deleteSets: true, deleteCounters: true,
  gaugesMaxTTL: 3,
  histogram: [ { metric: 'none', bins: [] }, { metric: '', bins: [ 10, 100, 'inf' ] } ],
  percentThreshold: [ 95, -5 ],
  calculatedTimerMetrics: ['count', 'mean', 'upper_percent', 'histogram'],
  keyFlush: { interval: 10000, percent: 100, log: 'keys.log' }
}
JS
style 10-console-and-repeater '^stats_counts\.hits 3 ' <<'JS'
exports = module.exports = {
  graphiteHost: "127.0.0.1", graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100,
  backends: ["./backends/graphite", "./backends/console", "./backends/repeater"],
  console: { prettyprint: true },
  repeater: [ { host: "127.0.0.1", port: 9 } ], repeaterProtocol: "udp4"
};
JS
style 11-npm-backends '^stats_counts\.hits 3 ' <<'JS'
{
  graphiteHost: "127.0.0.1", graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100,
  backends: [ "./backends/graphite", "statsd-influxdb-backend" ],
  influxdb: { version: 0.9, host: 'influx.example.com', flush: { enable: true } }
}
JS
style 12-ternary-and-template '^stats\.counters\.hits\.count\.dev 3 ' <<'JS'
const env = process.env.NODE_ENV === 'production' ? 'prod' : 'dev';
module.exports = {
  graphiteHost: `127.0.0.1`, graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100, graphite: { legacyNamespace: false, globalSuffix: `${env}` }
};
JS
style 13-unsanitized-flush-counts '^stats\.hits 30 ' <<'JS'
{ graphiteHost: "127.0.0.1", graphitePort: @CARBON@, port: @PORT@, mgmt_port: @MGMT@,
  flushInterval: 100, flush_counts: false, keyNameSanitize: false, address_ipv6: false, title: false }
JS
if command -v npm >/dev/null && npm pack statsd@0.9.0 --silent >pack.log 2>&1 </dev/null; then
	tar xzf statsd-*.tgz
	sed -e "s/graphite.example.com/127.0.0.1/; s/port: 8125/port: $STATSD, mgmt_port: $MGMT, flushInterval: 100/; s/2003/$CARBON/" \
	    package/exampleConfig.js >c/14-example.js
	NAMES+=(14-example) WANT+=('^stats_counts\.hits 3 ')
	sed -e "s/^port: 8125/port: $STATSD/; s/mgmt_port: 8126/mgmt_port: $MGMT/" \
	    package/exampleProxyConfig.js >c/15-example-proxy.js
	NAMES+=(15-example-proxy) WANT+=('')
else
	say "no npm registry: its examples are left out"
fi

answers() {
	printf 'health\n' | nc -N -w2 127.0.0.1 "$MGMT" | seen '^health: up'
}
sample() {
	printf 'hits:3|c\n' >"/dev/udp/127.0.0.1/$STATSD"
	printf 'wait:42|ms\n' >"/dev/udp/127.0.0.1/$STATSD"
	within 2 grep -qE "$1" carbon.txt
}
try() {
	: >carbon.txt
	wait_for 20 "$1: its management port" answers
	[ -z "$2" ] || wait_for 20 "$1: $2" sample "$2"
	stop_daemon
}
for i in "${!NAMES[@]}"; do
	name=${NAMES[$i]}
	"$MILLRACE" import statsd "c/$name.js" >millrace.yaml 2>remarks ||
		fail "$name: $(cat remarks)"
	"$MILLRACE" check -c millrace.yaml >checked 2>&1 || fail "$name: $(cat checked millrace.yaml)"
	echo "state_dir: $T/state" >>millrace.yaml
	start made "$MILLRACE" -c millrace.yaml
	DAEMON=$PID
	try "$name, imported" "${WANT[$i]}"
	HOME=$T start direct "$MILLRACE" --statsd-config "c/$name.js"
	DAEMON=$PID
	wait_for 20 "$name: the words" grep -q 'server is up' direct.log
	try "$name, directly" "${WANT[$i]}"
done
[ -e .local ] && fail "something is kept: $(find .local)"
say "${#NAMES[@]} configurations imported and run"
