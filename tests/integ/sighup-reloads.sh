#!/bin/bash
# SIGHUP with a good file: it holds from then on, and open connections live on.
# With a bad one: the old one stays, and the log says where the fault is.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
rules:
  - {name: drop-one, when: 'kind == metric && name =~ "^one\\."', drop: true}
YAML
start_daemon
exec 3<>"/dev/tcp/127.0.0.1/$GRAPHITE"
printf 'one.a 1 1700000000\ntwo.a 1 1700000000\n' >&3
wait_for 10 "two.a" grep -q '^two\.a ' graphite.txt
grep -q '^one\.a ' graphite.txt && fail "the rule did not drop"

cp millrace.yaml good.txt
sed -i 's/drop-one/drop-two/; s/\^one/^two/' millrace.yaml
kill -HUP "$DAEMON"
wait_for 10 "word of the reload" grep -qiE 'reload|in force' millrace.log
applied() {	# the same connection, the new rule
	printf 'one.b 1 1700000000\ntwo.b 1 1700000000\n' >&3
	grep -q '^one\.b ' graphite.txt
}
wait_for 10 "the new rule" applied
sleep_free() {
	printf 'two.c 1 1700000000\none.c 1 1700000000\n' >&3
	grep -q '^one\.c ' graphite.txt
}
wait_for 10 "one.c" sleep_free
grep -q '^two\.c ' graphite.txt && fail "the new rule does not drop"

cp millrace.yaml good.txt
printf 'statsd: {listne: 1}\n' >>millrace.yaml
: >before; cp millrace.log before
kill -HUP "$DAEMON"
said() {
	tail -n "+$(($(lines_in before) + 1))" millrace.log | seen 'millrace.yaml:[0-9]*:[0-9]*'
}
wait_for 10 "word of the fault" said
kill -0 "$DAEMON" || fail "a bad file ended the daemon"
page_ok /readyz || fail "not ready after a bad file"
still() {
	printf 'one.d 1 1700000000\ntwo.d 1 1700000000\n' >&3
	grep -q '^one\.d ' graphite.txt
}
wait_for 10 "service as before" still
grep -q '^two\.d ' graphite.txt && fail "the old rules are gone"
exec 3>&-

# doors and the admin page move, also to an address that takes in the old one;
# what only a start can change is said
old=$ADMIN oldstatsd=$STATSD
ports NEW NEWSTATSD
sed -e "s|listen: http://127.0.0.1:$ADMIN|listen: [\"http://*:$ADMIN\", \"http://127.0.0.1:$NEW\"]|" \
    -e "s|\"udp://127.0.0.1:$STATSD\"|\"udp://*:$STATSD\", \"udp://127.0.0.1:$NEWSTATSD\"|" \
    -e 's/^workers: .*/workers: 2/' good.txt >millrace.yaml
kill -HUP "$DAEMON"
ADMIN=$NEW
wait_for 10 "the admin page at its second port" page_ok /readyz
ADMIN=$old
wait_for 10 "the admin page at its first port" page_ok /readyz
seen 'workers: has changed' <millrace.log || fail "nothing said about the workers"
there() {	# PORT
	echo 'moved:1|c' >"/dev/udp/127.0.0.1/$1"
	[ "$(ledger metric statsd received)" -gt "$n" ]
}
for p in $oldstatsd $NEWSTATSD; do
	n=$(ledger metric statsd received)
	wait_for 10 "StatsD at port $p" there "$p"
done
sed -i "s|\[\"http://.*|\"http://127.0.0.1:$NEW\"|" millrace.yaml
kill -HUP "$DAEMON"
gone() {
	! page_ok /readyz
}
wait_for 10 "the first port to close" gone
ADMIN=$NEW
page_ok /readyz || fail "the second port is gone too"
stop_daemon
