#!/bin/bash
# A rule's max_names and the table's: what has no room is counted under an
# overflow name, none of it is lost, and the page says who has so many names.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
rules:
  - {name: noisy, when: 'kind == metric && name =~ "^noisy\\."', max_names: 10}
YAML
sed -i 's/^flush: .*/flush: {interval: 1s, delete_idle: true, max_names: 100}/' millrace.yaml
start_daemon
"$PY" - "$STATSD" <<'PYTHON'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
to = ("127.0.0.1", int(sys.argv[1]))
for i in range(0, 500, 10):
    s.sendto(b"\n".join(b"noisy.n%d:1|c" % n for n in range(i, i + 10)), to)
for i in range(0, 300, 10):
    s.sendto(b"\n".join(b"wide.host.n%d:2|c\nwide.host.n%d:5|ms" % (n, n) for n in range(i, i + 10)), to)
s.sendto(b"noisy.n3:1|c\nnoisy.n499:1|c", to)
PYTHON
sum() {	# PATTERN - of all lines so far
	awk -v p="$1" '$1 ~ p { n += $2 } END { print n + 0 }' graphite.txt
}
is() {
	[ "$(sum "$1")" = "$2" ]
}
wait_for 10 "all noisy ones" is '^stats_counts\.noisy\.' 502
is '^stats_counts\.noisy\.n[0-9]*$' 11 || fail "under their own names: $(sum '^stats_counts\.noisy\.n')"
is '^stats_counts\.noisy\.overflow$' 491 || fail "overflow: $(sum '^stats_counts\.noisy\.overflow$')"
wait_for 10 "all wide ones" is '^stats_counts\.(wide|millrace\.overflow)' 600
wait_for 10 "all wide timers" is '^stats\.timers\.(wide\.host\.n[0-9]*|millrace\.overflow)\.sum$' 1500
own=$(awk '{ print $1 }' graphite.txt | grep -c '^stats_counts\.wide\.host\.n' || true)
[ "$own" -gt 0 ] && [ "$own" -lt 100 ] || fail "$own counters of their own"
ledger_closes metric statsd || fail "the ledger does not close"
ledger_is metric statsd dropped 0 || fail "something was dropped: $(page /api/ledger)"
[ "$(prometheus millrace_overflow_samples_total)" -gt 491 ] || fail "no counter"
page /api/top >top.json
jq -e '.names[0].prefix as $a | .names[1].prefix as $b | [$a, $b] | sort == ["noisy", "wide.host"]' top.json >/dev/null || fail "$(cat top.json)"
jq -e '.names[] | select(.prefix == "wide.host") | .count >= 300' top.json >/dev/null || fail "$(cat top.json)"
jq -e '[.samples[].count] | add > 256' top.json >/dev/null || fail "$(cat top.json)"
stop_daemon
