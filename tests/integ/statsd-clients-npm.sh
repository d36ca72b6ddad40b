#!/bin/bash
# The StatsD clients of npm, unmodified: hot-shots over UDP, TCP and a Unix
# socket, buffered, with tags, events and checks, and in telegraf's way;
# node-statsd, statsd-client, lynx.  Each metric comes out; events are in Redis.
. "$(dirname "$0")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")
npm_peers
start_sink graphite
start_redis
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
streams:
  events: {redis: "redis://127.0.0.1:$REDIS", key: "ev:{stream}"}
YAML
sed -i 's/^flush: .*/flush: {interval: 1s, legacy: false}/' millrace.yaml
start_daemon
cp "$here/npm/clients.js" .
NODE_PATH=$NPM node clients.js "$STATSD" "$T/statsd.sock" >clients.txt || fail "$(cat clients.txt)"
want() {
	local name=${1// /\\ }
	wait_for 10 "$1 = $2" grep -qE "^stats\.$1 $2 " graphite.txt
}
kinds="udp buffered tcp"
if grep -q 'unix-dgram: true' clients.txt; then
	kinds="$kinds uds"
else
	say "unix-dgram was not built: no Unix datagrams"
fi
for k in $kinds; do
	want "counters\.hs\.$k\.inc\.count" 5
	want "counters\.hs\.$k\.dec\.count" -2
	want "timers\.hs\.$k\.time\.sum" 30
	want "gauges\.hs\.$k\.gauge" '(7\.5|9\.5)'
	want "sets\.hs\.$k\.set\.count" 2
	want "timers\.hs\.$k\.histo\.sum" 11
	want "timers\.hs\.$k\.distro\.sum" 12
	[ $k = tcp ] || want "counters\.hs\.$k\.tagged\.count;env=prod;role=web" 3
done
want 'counters\.hs\.telegraf\.tagged\.count;env=prod' 3
want 'timers\.hs\.telegraf\.time\.sum;env=prod' 5
want 'counters\.ns\.inc\.count' 1
want 'counters\.ns\.dec\.count' -1
want 'timers\.ns\.time\.sum' 9
want 'gauges\.ns\.gauge' 3
want 'sets\.ns\.set\.count' 2
want 'timers\.ns\.histo\.sum' 4
want 'counters\.ns\.many\.count' 1
want 'counters\.ns\.more\.count' 1
want 'counters\.ns\.tagged\.count;a=b' 1
want 'counters\.sc\.count\.count' 5
want 'counters\.sc\.inc\.count' 2
want 'counters\.sc\.dec\.count' -1
want 'gauges\.sc\.gauge' 5
want 'sets\.sc\.set\.count' 1
want 'timers\.sc\.histo\.sum' 6
want 'timers\.sc\.time\.sum' 21
want 'counters\.sc\.child\.inc\.count' 1
want 'counters\.sc\.tagged\.count;k=v' 1
want 'counters\.lx\.inc\.count' 1
want 'counters\.lx\.dec\.count' -1
want 'timers\.lx\.time\.sum' 13
want 'gauges\.lx\.gauge' 4
want 'sets\.lx\.set\.count' 1
want 'counters\.lx\.count\.count' 6
want 'counters\.lx\.batch\.a\.count' 1
want 'counters\.lx\.batch\.b\.count' 2
events() {
	[ "$(redis XLEN "ev:$1")" = "$2" ]
}
n=$(($(wc -w <<<"$kinds") - 1))
wait_for 10 "$n events" events dogstatsd_events $n
wait_for 10 "$n checks" events dogstatsd_checks $n
redis XRANGE ev:dogstatsd_events - + >events.txt
for w in title hs.udp.deployed 'by hs.udp.' alert_type warning; do
	grep -qxF -- "$w" events.txt || fail "no $w in $(cat events.txt)"
done
redis XRANGE ev:dogstatsd_checks - + | grep -q 'of hs.udp.' || fail "no message in the check"
ledger_is metric statsd dropped 0 || fail "something was refused: $(page /api/ledger)"
stop_daemon
