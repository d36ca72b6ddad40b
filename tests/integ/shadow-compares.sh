#!/bin/bash
# millrace shadow: Debian's carbon-c-relay and ours with the configuration
# imported from it send the same lines to the same servers, and where one of
# them is told otherwise, it is said which lines, and where.
. "$(dirname "$0")/lib.sh"
need carbon-c-relay
ports RELAY Sa Sb Sc GRAPHITE ADMIN Oa Ob Oc
cat >relay.conf <<CONF
listen type linemode 127.0.0.1:$RELAY proto tcp ;
cluster ring carbon_ch 127.0.0.1:$Sa=a 127.0.0.1:$Sb=b ;
cluster one forward 127.0.0.1:$Sc proto udp ;
rewrite ^old\.(.+)$ into new.\1 ;
match ^noise\. send to blackhole stop ;
match ^new\. send to one stop ;
match * send to ring stop ;
CONF
{
	for i in $(seq 2000); do echo "web$((i % 37)).cpu.c$i $i 1700000000"; done
	for i in $(seq 100); do echo "old.thing$i $i 1700000000"; echo "noise.n$i 1 1700000000"; done
	printf '..dirty..name@x 1 1700000000\ntagged;k=v 2 1700000000\r\n'
} >lines.txt
"$MILLRACE" import carbon-c-relay --options -s relay.conf >ours.yaml || fail "import"

shadow() {	# the file of differences, then options; sets RC
	local out=$1
	shift
	# a new one each time: it loses what it writes to connections that ended
	start relay carbon-c-relay -s -f relay.conf
	relay_started relay "$RELAY"
	RC=0
	"$MILLRACE" shadow --against "127.0.0.1:$RELAY" "$@" <lines.txt >"$out" 2>"$out.err" || RC=$?
	stop_pid "$PID"
}
shadow same -c ours.yaml --settle 3s
[ $RC -eq 0 ] || { cat same same.err >&2; fail "they differ ($RC)"; }
seen '2202 lines in; 2102 out by theirs, 2102 by ours; only theirs 0, only ours 0' <same.err || { cat same.err >&2; fail "the sums"; }

# one rule more on our side, another ring
sed -e "s/^rules:/rules:\n  - {name: more, when: 'name =~ \"^old\\\\.thing7\$\"', drop: true}/" \
    -e 's/carbon_ch/fnv1a_ch/' ours.yaml >other.yaml
shadow other -c other.yaml --settle 3s --limit 5000
[ $RC -eq 1 ] || { cat other.err >&2; fail "status $RC of what differs"; }
seen -P "^theirs\t127.0.0.1:$Sc\tnew.thing7 7 1700000000$" <other || fail "the line that we drop"
[ "$(cut -f1 other | sort | uniq -c | wc -l)" -eq 2 ] || fail "only one side"
# what moved is on one server with theirs and on the other with ours
[ "$(grep -c ^theirs other)" -eq $(($(grep -c ^ours other) + 1)) ] || fail "what moved"

# two that run
sed -e "s/:$Sa=/:$Oa=/; s/:$Sb=/:$Ob=/; s/port: $Sc/port: $Oc/; s/:$RELAY/:$GRAPHITE/" ours.yaml >millrace.yaml
cat >>millrace.yaml <<YAML
state_dir: $T/state
admin: {listen: http://127.0.0.1:$ADMIN}
YAML
start_daemon
shadow two --ours "127.0.0.1:$GRAPHITE" --settle 3s --sink "127.0.0.1:$Sa=127.0.0.1:$Oa" \
    --sink "127.0.0.1:$Sb=127.0.0.1:$Ob" --sink "127.0.0.1:$Sc=127.0.0.1:$Oc"
[ $RC -eq 0 ] || { cat two two.err >&2; fail "two that run differ ($RC)"; }
seen '2102 out by theirs, 2102 by ours' <two.err || { cat two.err >&2; fail "two that run"; }
stop_daemon

RC=0
"$MILLRACE" shadow -c ours.yaml </dev/null 2>/dev/null || RC=$?
[ $RC -eq 64 ] || fail "no --against: $RC"
RC=0
"$MILLRACE" shadow --against "127.0.0.1:1" -c ours.yaml </dev/null 2>gone.err || RC=$?
[ $RC -eq 74 ] && seen refused <gone.err || fail "nobody there: $RC"
