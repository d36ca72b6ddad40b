#!/bin/bash
# A reload in the middle: what waits for a server that leaves the cluster goes to
# the others, an aggregate goes on with what it had, and nothing is counted as
# lost.  Servers said twice, or more copies than servers, are told with their
# place in the file, and the old configuration stays.
. "$(dirname "$0")/lib.sh"
start_sink live
LIVE=$SINK
ports GONE
write_conf <<YAML
clusters:
  ring: {method: carbon_ch, servers: ["127.0.0.1:$LIVE=a", "127.0.0.1:$GONE=b"]}
rules:
  - {name: sums, when: 'name =~ "^add\\."', aggregate: sum, as: added, every: 60s, expire: 120s, to: [ring]}
YAML
start_daemon
for i in $(seq 500); do echo "wait.n$i $i 1700000000"; done >"/dev/tcp/127.0.0.1/$GRAPHITE"
now=$(date +%s)
echo "add.a 5 $now" >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "all lines" ledger_is metric graphite received 501
come() {
	[ "$(grep -c '^wait\.' live.txt)" "$@" ]
}
wait_for 20 "the living server's share" come -gt 100
come -lt 500 || fail "the other one has no share"
grep -q '^added ' live.txt && fail "the aggregate is out already"

# wrong ones: told with the place, and nothing changes
cp millrace.yaml good.yaml
sed -i "s/carbon_ch, /carbon_ch, replication: 3, /" millrace.yaml
"$MILLRACE" check -c millrace.yaml 2>check.err && fail "three copies on two servers are right?"
seen -E 'millrace.yaml:[0-9]+:[0-9]+: replication: 3 copies on 2 servers' <check.err || fail "$(cat check.err)"
sed "s/$GONE=b/$LIVE=a/" good.yaml >millrace.yaml
"$MILLRACE" check -c millrace.yaml 2>check.err && fail "a server twice is right?"
seen -E 'millrace.yaml:[0-9]+:[0-9]+: servers: .* stands there twice' <check.err || fail "$(cat check.err)"
kill -HUP "$DAEMON"
bad() {
	[ "$(prometheus millrace_reloads_total 'result="bad"')" = 1 ]
}
wait_for 20 "the refusal" bad

# the dead one leaves
sed "s/, \"127.0.0.1:$GONE=b\"//" good.yaml >millrace.yaml
kill -HUP "$DAEMON"
wait_for 30 "what waited for the one that left" come -eq 500
[ "$(grep '^wait\.' live.txt | sort -u | wc -l)" -eq 500 ] || fail "some came twice"
echo "add.b 7 $now" >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "the last line" ledger_is metric graphite received 502
stop_daemon
# the end brings out what is open: both points, from before and after
grep -q '^added 12' live.txt || fail "the aggregate: $(grep '^added' live.txt)"
