#!/bin/bash
# A gauge has its value again after a restart, so that a change (+N) adds to it,
# and a set its members, if the restart was short; counters do not come back.  A
# damaged file is told of and does no harm.
. "$(dirname "$0")/lib.sh"
need jq curl
start_sink graphite
conf() {
	write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
}
conf
send() {
	printf '%b' "$1" >"/dev/udp/127.0.0.1/$STATSD"
}
start_daemon
send 'kept.level:40|g\nkept.count:7|c'
wait_for 10 "the gauge" grep -q '^stats\.gauges\.kept\.level 40 ' graphite.txt
stop_daemon
[ -s state/gauges.state ] || fail "nothing was saved"

: >graphite.txt
start_daemon
wait_for 10 "the gauge after a restart" grep -q '^stats\.gauges\.kept\.level 40 ' graphite.txt
grep -q 'kept\.count' graphite.txt && fail "the counter came back too"
send 'kept.level:+2|g'
wait_for 10 "its change" grep -q '^stats\.gauges\.kept\.level 42 ' graphite.txt
stop_daemon

# A set's members of the interval that a restart broke in two count once.
sed -i 's/^flush: .*/flush: {interval: 20s}/' millrace.yaml
: >graphite.txt
start_daemon
send 'who:ann|s\nwho:ben|s'
wait_for 20 "two members" ledger_is metric statsd received 2
stop_daemon
wait_for 20 "the last interval" grep -q '^stats\.sets\.who\.count 2 ' graphite.txt
[ -s state/sets.state ] || fail "the sets were not saved"
: >graphite.txt
start_daemon
[ -e state/sets.state ] && fail "the sets would be taken twice"
send 'who:ben|s\nwho:cat|s'
wait_for 20 "two samples" ledger_is metric statsd received 2
stop_daemon
wait_for 20 "three members" grep -q '^stats\.sets\.who\.count 3 ' graphite.txt
grep -q '^stats_counts\.kept' graphite.txt && fail "a counter came back"
echo 'nor this' >state/sets.state
sed -i 's/^flush: .*/flush: {interval: 1s}/' millrace.yaml
start_daemon
grep -q 'sets.state: damaged: sets begin anew' millrace.log || fail "damaged sets are not told of"
: >graphite.txt
send 'who:dan|s'
wait_for 20 "a set from nothing" grep -q '^stats\.sets\.who\.count 1 ' graphite.txt
stop_daemon

echo 'what is this' >state/gauges.state
: >graphite.txt
start_daemon
grep -q 'gauges.state: damaged' millrace.log || fail "a damaged file is not told of"
send 'kept.level:+2|g'
wait_for 10 "the gauge from nothing" grep -q '^stats\.gauges\.kept\.level 2 ' graphite.txt
stop_daemon
