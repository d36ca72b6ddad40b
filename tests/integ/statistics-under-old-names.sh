#!/bin/bash
# A relay that was replaced has dashboards: the names of its statistics are the
# same set with the same configuration, imported, and count the same lines.
. "$(dirname "$0")/lib.sh"
need carbon-c-relay
start_sink a
Sa=$SINK
start_sink b
Sb=$SINK
ports RELAY ADMIN
cat >relay.conf <<CONF
listen type linemode 127.0.0.1:$RELAY proto tcp ;
cluster ring carbon_ch 127.0.0.1:$Sa=a 127.0.0.1:$Sb=b ;
cluster same forward 127.0.0.1:$Sa=a ;
cluster log file $T/lines.txt ;
cluster own file $T/own.txt ;
statistics submit every 1 seconds prefix with my.\\.1.\\_2 send to own stop ;
match ^noise\\. send to blackhole stop ;
aggregate ^a\\. every 1 seconds expire after 2 seconds compute sum write to total.a ;
match ^b\\. send to same log stop ;
match * send to ring stop ;
CONF
names() {
	cut -d' ' -f1 own.txt | sort -u
}
value() {	# NAME: the latest
	awk -v n="my.$FLAT.$SHORT.$1" '$1 == n { v = $2 } END { print v }' own.txt
}
value_is() {
	[ "$(value "$1")" = "$2" ]
}
send_lines() {
	{
		for i in $(seq 50); do echo "b.n$i $i 1700000000"; done
		for i in $(seq 20); do echo "noise.n$i 1 1700000000"; done
	} >"/dev/tcp/127.0.0.1/$RELAY"
}
SHORT=$("$PY" -c 'import socket; print(socket.gethostname().split(".")[0].lower())')
FLAT=$("$PY" -c 'import socket; print(socket.gethostname().replace(".", "_"))')
start relay carbon-c-relay -w 2 -f relay.conf
RELAY_PID=$PID
relay_started relay "$RELAY"
wait_for 10 "its own figures" test -s own.txt
send_lines
wait_for 20 "its lines" value_is "destinations.127_0_0_1:$Sa.sent" 50
stop_pid "$RELAY_PID"
names >relay.names
echo "$(value metricsReceived) $(value metricsBlackholed) $(value destinations._"$(echo "${T#/}" | tr ./ __)"_lines_txt.sent)" >relay.values
rm own.txt

"$MILLRACE" import carbon-c-relay --options '-w 2' relay.conf >millrace.yaml 2>import.log || fail "import"
cat >>millrace.yaml <<YAML
state_dir: $T/state
admin: {listen: http://127.0.0.1:$ADMIN}
YAML
start_daemon
send_lines
wait_for 20 "our lines" value_is "destinations.127_0_0_1:$Sa.sent" 50
names >millrace.names
diff relay.names millrace.names >names.log || { cat names.log >&2; fail "other names"; }
[ "$(value metricsReceived)" = 70 ] || fail "received $(value metricsReceived)"
[ "$(value metricsBlackholed)" = 20 ] || fail "blackholed $(value metricsBlackholed)"
[ "$(value metricsDropped)" = 0 ] || fail "dropped $(value metricsDropped)"

# carbon's names, through the rules this time, and anew after each report
sed -i -e '/^    to: \[.own.\]/d' -e '/^    prefix:/d' \
    -e 's/names: carbon-c-relay/names: carbon/' millrace.yaml
cp own.txt before.txt
kill -HUP "$DAEMON"
by_carbon() {
	cat a.txt b.txt | seen "^carbon.relays.$FLAT-a.$1 "
}
for n in metricsReceived activeConnections cpuUsage memUsage blacklistMatches whitelistRejects; do
	wait_for 20 "$n" by_carbon $n
done
send_lines
counted() {
	cat a.txt b.txt | seen "^carbon.relays.$FLAT-a.metricsReceived 70 "
}
wait_for 20 "its 70 lines" counted
wait_for 20 "a server's" by_carbon "destinations.127_0_0_1:$Sa:a.sent"
stop_daemon
