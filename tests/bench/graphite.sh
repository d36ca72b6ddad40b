#!/bin/bash
# graphite.sh - relaying Graphite lines beside carbon-c-relay: the same lines,
# the same sinks, CPU per line, rate, loss and memory.
#
# usage: tests/bench/graphite.sh [LINES]      (BUILD says where it was built)
. "$(dirname "$0")/lib.sh"
lines=${1:-5000000}
names=200000
need carbon-c-relay
FORMAT='%-30s %-14s %9s %9s %11s %8s %8s\n'
machine
ports S1 S2 S3 S4
start_discard "$S1" "$S2" "$S3" "$S4"

regexes() {	# N, one format with %d
	local i
	for ((i = 0; i < $1; i++)); do
		# shellcheck disable=SC2059
		printf "$2" "$i"
	done
}

# measure WHO CASE PID PORT
measure() {
	local before after ns start n elapsed sent peak
	before=$(cpu_ns "$3")
	local had
	had=$(sink_lines)
	start=$(awk '{ print $1 }' /proc/uptime)
	load graphite --to "tcp://127.0.0.1:$4" --count "$lines" --names "$names" --connections 4
	n=$(($(settle sink_lines) - had))
	after=$(cpu_ns "$3")
	sent=$(from_load sent)
	elapsed=$(calc "$(sink_last) - $start" %.3f)
	peak=$(peak_kib "$3")
	ns=$((after - before))
	US=$(calc "$ns / 1000 / $sent" %.3f)
	row "$2" "$1" "$US" "$(calc "$n / $elapsed / 1000" %.0f)k/s" "$n" \
	    "$(calc "100 * ($sent - $n) / $sent" %.2f)" "$(calc "$peak / 1024" %.0f)"
}

ours() {	# CASE, then clusters and rules on stdin
	write_conf
	# its own figures would be counted at the sinks
	sed -i 's/^flush: .*/flush: {interval: 1h}/' millrace.yaml
	bench_daemon
	measure millrace "$1" "$DAEMON" "$GRAPHITE"
	stop_daemon
	MINE=$US
}

relay() {	# CASE, options..., the configuration on stdin
	local name=$1
	shift
	ports RELAY
	{ echo "listen type linemode 127.0.0.1:$RELAY proto tcp ;"; cat; } >"$T/relay.conf"
	start_on "$BENCH_DAEMON_CPU" relay carbon-c-relay -s -w 2 -f "$T/relay.conf" "$@"
	local pid=$PID
	relay_started relay "$RELAY"
	measure c-relay "$name" "$pid" "$RELAY"
	end_pid "$pid"
	echo "  ratio of CPU: $(calc "$US / $MINE" %.1f)"
}

heading "$lines lines, $names names, 4 connections"
row case who "us/line" rate "at sinks" "lost %" "peak MiB"

ours "one server" <<YAML
clusters:
  out: {method: forward, servers: ["127.0.0.1:$S1"]}
YAML
relay "one server, default queue" <<CONF
cluster out forward 127.0.0.1:$S1 ;
match * send to out stop ;
CONF
relay "one server, queue of all" -q "$((lines + 1000000))" <<CONF
cluster out forward 127.0.0.1:$S1 ;
match * send to out stop ;
CONF

ours "carbon_ch over four" <<YAML
clusters:
  out: {method: carbon_ch, servers: ["127.0.0.1:$S1=a", "127.0.0.1:$S2=b", "127.0.0.1:$S3=c", "127.0.0.1:$S4=d"]}
YAML
relay "carbon_ch, queue of all" -q "$((lines + 1000000))" <<CONF
cluster out carbon_ch 127.0.0.1:$S1=a 127.0.0.1:$S2=b 127.0.0.1:$S3=c 127.0.0.1:$S4=d ;
match * send to out stop ;
CONF

ours "50 rules that miss" <<YAML
clusters:
  out: {method: forward, servers: ["127.0.0.1:$S1"]}
rules:
$(regexes 50 '  - {when: '\''kind == metric && name =~ "^nowhere%d\\.[a-z]+\\.cpu$"'\'', drop: true}\n')
YAML
relay "50 rules, queue of all" -q "$((lines + 1000000))" <<CONF
cluster out forward 127.0.0.1:$S1 ;
$(regexes 50 'match ^nowhere%d\\.[a-z]+\\.cpu$ send to blackhole stop ;\n')
match * send to out stop ;
CONF

ours "1000 rules that miss" <<YAML
clusters:
  out: {method: forward, servers: ["127.0.0.1:$S1"]}
rules:
$(regexes 1000 '  - {when: '\''kind == metric && name =~ "^nowhere%d\\.[a-z]+\\.cpu$"'\'', drop: true}\n')
YAML

ours "1000 rules, no anchor" <<YAML
clusters:
  out: {method: forward, servers: ["127.0.0.1:$S1"]}
rules:
$(regexes 1000 '  - {when: '\''kind == metric && name =~ "\\.nowhere%d\\.[a-z]+$"'\'', drop: true}\n')
YAML

# What a name costs in memory: a million of them by 100 rules.
write_conf <<YAML
clusters:
  out: {method: forward, servers: ["127.0.0.1:$S1"]}
rules:
$(regexes 99 '  - {when: '\''kind == metric && name =~ "^nowhere%d\\.[a-z]+\\.cpu$"'\'', drop: true}\n')
  - {when: 'kind == metric', to: [out]}
YAML
sed -i 's/^flush: .*/flush: {interval: 1h}/' millrace.yaml
bench_daemon
load graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 1000 --names 10 --connections 4
settle sink_lines >/dev/null
before=$(rss_kib "$DAEMON")
load graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 1000000 --names 1000000 --connections 4
settle sink_lines >/dev/null
after=$(rss_kib "$DAEMON")
heading "1,000,000 names by 100 rules: $(calc "($after - $before) * 1024 / 1000000" %.0f) bytes a name, buffers included ($((after / 1024)) MiB in all)"
stop_daemon
