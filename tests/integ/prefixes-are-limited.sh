#!/bin/bash
# A prefix that brings too many names, or too many points a second, is held to
# its rule's limits: what is more is dropped under a name of its own, the others
# do not feel it, and the page says who it was.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
rules:
  - {name: wide, when: 'name =~ "^team1\\."', max_names: 10}
  - {name: fast, when: 'name =~ "^team2\\."', max_points: 50}
YAML
start_daemon
{
	for i in $(seq 100); do echo "team1.app.n$i 1 1700000000"; done
	for i in $(seq 5); do echo "team1.app.n$i 2 1700000010"; done
	for i in $(seq 2000); do echo "team2.app.n $i $((1700000000 + i))"; done
	for i in $(seq 300); do echo "team3.app.n$i 1 1700000000"; done
} >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "all of them" ledger_is metric graphite received 2405
has() {	# PREFIX COUNT
	[ "$(grep -c "^$1\." graphite.txt)" = "$2" ]
}
wait_for 20 "the one without limits" has team3 300
wait_for 20 "ten names, and what came for five of them" has team1 15
ledger_is metric graphite dropped.cardinality 90 || fail "$(ledger metric graphite dropped.cardinality) refused for their names"
# fifty at once, and then as fast as they are read: a slow machine lets in more
n=$(grep -c '^team2\.' graphite.txt)
[ "$n" -ge 50 ] && [ "$n" -lt 1900 ] || fail "$n of team2's points"
[ "$(ledger metric graphite dropped.rate_limit)" = $((2000 - n)) ] || fail "$(ledger metric graphite dropped.rate_limit) refused for their rate, $n passed"
page /api/top >top.json
jq -e '[.limited[].prefix] | sort == ["team1.app", "team2.app"]' top.json >/dev/null || fail "$(cat top.json)"
jq -e '.limited[] | select(.prefix == "team1.app") | .count == 90' top.json >/dev/null || fail "$(cat top.json)"
jq -e '.names[] | select(.prefix == "team3.app") | .count == 300' top.json >/dev/null || fail "$(cat top.json)"
# it is known again what was known, and a second later there is room for more
sleep 1.1
echo 'team2.app.n 7777 1700000000' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 20 "the next second" grep -q '^team2.app.n 7777 ' graphite.txt
# statsd's names are kept as they came, whatever their bytes: the page stands it
printf '\377\376.b:1|c' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 20 "a name that is no text" ledger_is metric statsd received 1
jq -e '.names[] | select(.prefix == "?")' <(page /api/top) >/dev/null || fail "$(page /api/top)"
wait_for 10 "the ledger" ledger_closes metric graphite
stop_daemon
