#!/bin/bash
# The same lines through Debian's carbon-c-relay and, with the configuration
# that `millrace import` makes of the relay's, through millrace: each server and
# file gets the same lines from both, in the same order for each name.  Every
# kind of cluster and statement is in it, in files that include each other.
. "$(dirname "$0")/lib.sh"
need carbon-c-relay
ports RELAY ADMIN S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11 S12 S13 S14 S15 S16 S17 S18
SINKS=("$S01" "$S02" "$S03" "$S04" "$S05" "$S06" "$S07" "$S08" "$S09" "$S10" "$S11" "$S12" "$S13" "$S14" "$S15" "$S16" "$S17" "$S18")
cat >sinks.py <<'PYTHON'
import selectors, socket, sys
sel = selectors.DefaultSelector()
for port in sys.argv[1:]:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", int(port)))
    s.listen(16)
    sel.register(s, selectors.EVENT_READ, open("got.%s" % port, "ab", buffering=0))
while True:
    for key, _ in sel.select():
        if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sel.register(key.fileobj.accept()[0], selectors.EVENT_READ, key.data)
            continue
        try:
            d = key.fileobj.recv(1 << 20)
        except OSError:
            d = b""
        if d:
            key.data.write(d)
        else:
            sel.unregister(key.fileobj)
            key.fileobj.close()
PYTHON
start sinks "$PY" sinks.py "${SINKS[@]}"
for s in "${SINKS[@]}"; do wait_for 10 "the sinks" tcp_open "$s"; done

mkdir parts
cat >relay.conf <<CONF
# carbon-c-relay -s -w 1 -f relay.conf
listen type linemode 127.0.0.1:$RELAY proto tcp ;
include $T/parts/*.conf ;
include $T/rules.conf ;
CONF
cat >parts/a.conf <<CONF
cluster all forward 127.0.0.1:$S01 127.0.0.1:$S02 ;
cluster any any_of 127.0.0.1:$S03 127.0.0.1:$S04 127.0.0.1:$S05 ;
cluster first failover 127.0.0.1:$S06 127.0.0.1:$S07 ;
cluster py carbon_ch replication 2 127.0.0.1:$S08=c 127.0.0.1:$S09=a 127.0.0.1:$S10=b ;
CONF
cat >parts/b.conf <<CONF
# an instance replaces host and port, where there is one
cluster fnv fnv1a_ch replication 2 dynamic 127.0.0.1:$S11 127.0.0.1:$S12=4d79d13554fa1301476c1f9fe968b0ac 127.0.0.1:$S13 ;
cluster jump jump_fnv1a_ch 127.0.0.1:$S14=10 127.0.0.1:$S15=2 127.0.0.1:$S16=1 ;
cluster keyed fnv1a_ch 127.0.0.1:$S17 127.0.0.1:$S18 ;
cluster files file $T/file.one $T/file.two ;
CONF
cat >rules.conf <<CONF
match ^noise\. some_legacy1\$ send to blackhole stop ;
match ^glob\. validate ^[0-9]+\\ [0-9]+\$ else drop ;
match ^foo\. validate ^[0-9]+\\ [0-9]+\$ else drop send to all ;
match ^bar\. validate ^[0-9]+\\ [0-9]+\$ else log send to first stop ;
match ^keyed\.host([0-9]+)\. route using keyed.all. send to keyed stop ;
match \.part([0-9]+)\.([a-z]+) route using .\\^2.\\1 send to keyed stop ;
match ^unchanged\. send to files ;
rewrite ^old\.(.+)\$ into new.\\1 ;
rewrite ^server\.(.+)\.(.+)\.([a-zA-Z]+)([0-9]+) into server.\\_1.\\2.\\3.\\3\\4 ;
rewrite ^case\.([^.]+)\.(.*)\$ into case.\\_1.\\^1.\\.2.\\_.2.\\^.2 ;
rewrite DC([0-9]) into dc\\1x ;
rewrite (unset)?two\.(a|b)\.\\2 into two.\\1\\9.\\2 ;
match ^new\. send to all stop ;
match ^case\. ^server\. ^two\. send to files any stop ;
match ^both\. send to all ;
match ^both\. send to first stop ;
match ^any\. send to any stop ;
match ^first\. send to first stop ;
match ^py\. (^|\.)cpu[0-9]{1,3}\. send to py stop ;
match ^fnv\. send to fnv ;
match fnv.*7\$ send to jump stop ;
match ^jump\. ends\$ ^is\$ contains [[:upper:]]{3} send to jump stop ;
match ^fnv\. send to blackhole ;
match ^sent\. send to all ;
match ^sent\.then\. send to blackhole stop ;
match ^(a|ab)(c|bcd)\$ send to first stop ;
match ^glob\. ^foo\. ^sent\. send to py stop ;
CONF
{
	for k in any first py fnv jump both new old.thing case.Mixed unchanged foo glob sent sent.then; do
		for i in $(seq 150); do echo "$k.web$((i % 37)).Load.c$i $i 1700000000"; done
	done
	for i in $(seq 40); do
		for n in noise.n$i thing$i.some_legacy1 "server.DC.Role.name$i" x.DC$i.y "two.a.a.m$i" keyed.host$i.load "q.part$i.abc.x" \
		    web.cpu$i.idle a.fnv.7 fnv.17 "name$i.ends" is "xcontainsx.m$i" aABCx abcd ac nowhere.m$i; do
			echo "$n $i 1700000$((100 + i))"
		done
		printf 'glob.bad%d 1.5 1700000000\nfoo.bad%d 1.5 1700000000\nbar.bad%d 1.5 1700000000\nbar.ok%d 15 1700000000\n' $i $i $i $i
		printf 'glob.bad%d 2 1700000000\nfoo.bad%d 2 1700000000\n' $i $i	# and fit another time
	done
	printf '..first..name@x 1 1700000000\nfirst.tagged;k=v;b=c 2 1700000000\npy.tagged.m1;dc=x 2 1700000000\nfnv.tagged.m2;dc=x 2 1700000000\n'
	printf '\tany.blank\t3\t1700000000\nany.trailing. 4 1700000000\nany.crlf 5 1700000000\r\njump.a/b\\c%%d 6 1700000000\nany.exp 1e-3 1700000000\n'
} >lines.txt
got() {	# NAME - what each sink has, sorted by name but not within one
	local s
	for s in "${SINKS[@]}"; do sort -s -k1,1 "got.$s" >"$1.$s"; done
	for s in one two; do sort -s -k1,1 "file.$s" >"$1.$s"; done
}
sizes() {
	stat -c %s got.* file.one file.two 2>/dev/null | paste -sd' '
}
settled() {	# nothing new for two seconds, after something came
	local now
	now=$(sizes)
	sleep 2
	[ -s "got.$S01" ] && [ "$now" = "$(sizes)" ]
}
start relay carbon-c-relay -s -w 1 -f relay.conf
RELAY_PID=$PID
relay_started relay "$RELAY"
cat lines.txt >"/dev/tcp/127.0.0.1/$RELAY"
wait_for 60 "the relay's lines" settled
stop_pid "$RELAY_PID"
got relay
for f in got.* file.*; do : >"$f"; done

"$MILLRACE" import carbon-c-relay relay.conf >millrace.yaml 2>import.log || fail "import"
[ ! -s import.log ] || fail "remarks about what should be carried over"
cat >>millrace.yaml <<YAML
state_dir: $T/state
admin: {listen: http://127.0.0.1:$ADMIN}
YAML
start_daemon
cat lines.txt >"/dev/tcp/127.0.0.1/$RELAY"
there() {	# as many lines at each place as the relay sent
	local s
	for s in "${SINKS[@]}"; do [ "$(wc -l <"got.$s")" -ge "$(wc -l <"relay.$s")" ] || return 1; done
	[ "$(wc -l <file.one)" -ge "$(wc -l <relay.one)" ]
}
within 30 there
wait_for 10 "the ledger" ledger_closes metric graphite
sleep 0.5	# for a line too many
got millrace
for s in "${SINKS[@]}" one two; do
	[ "$s" = "$S07" ] || [ -s "relay.$s" ] || fail "no line tests server $s"
	diff "relay.$s" "millrace.$s" >diff.log || { head -20 diff.log >&2; fail "server $s: $(grep -n "$s" parts/*.conf | cut -c1-100)"; }
done
grep -q "rule [0-9]* rules.conf:4: bar.bad1 1.5" millrace.log || fail "what validate ... else log is about was not logged"
stop_daemon
