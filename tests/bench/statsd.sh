#!/bin/bash
# statsd.sh - StatsD over UDP and TCP: what a metric costs, beside a program
# that only receives and throws away, and beside the reference (npm statsd).
#
# usage: tests/bench/statsd.sh [SECONDS | short]    (BUILD says where it was
# built; short: only what needs no yardstick and no peer; RUNS=N: rounds of
# what is compared with the yardstick, of which the median counts; BRUBECK=FILE:
# that program too, built from github.com/github/brubeck without its HTTP)
. "$(dirname "$0")/lib.sh"
seconds=${1:-5}
runs=${RUNS:-5}
mix=(--names 2000 --mix 'c=60,ms=30,g=9,s=1')
FORMAT='%-26s %-12s %9s %9s %9s %8s %8s\n'
machine

# "DATAGRAMS/S PER-DATAGRAM"
ours_cases=('20000 30' '100000 1')
peer_cases=('1000 30' '20000 1')

median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

table() {
	heading "$1"
	row "offered" "who" "received" "ns/metric" "ns/dgram" "lost %" "RSS MiB"
}

# report WHO CASE RECEIVED_METRICS CPU_NS RSS_KIB
report() {
	local rate per sent
	read -r rate per <<<"$2"
	sent=$(from_load sent)
	NS_METRIC=$(calc "$3 ? $4 / $3 : 0" %.0f)
	NS_DATAGRAM=$(calc "$3 ? $4 * $per / $3 : 0" %.0f)
	row "$rate/s of $per" "$1" "$3" "$NS_METRIC" "$NS_DATAGRAM" \
	    "$(calc "100 * ($sent - $3) / $sent" %.2f)" "$(calc "$5 / 1024" %.1f)"
}

yardstick() {	# CASE
	local rate per out n ns
	read -r rate per <<<"$1"
	ports PORT
	start_on "$BENCH_DAEMON_CPU" discard "$BUILD/tests/bench/recv_discard" "$PORT"
	local pid=$PID
	sleep 0.2
	load statsd --to "udp://127.0.0.1:$PORT" --rate $((rate * per)) --time "$seconds" \
	    --per-datagram "$per" "${mix[@]}"
	sleep 0.2
	local rss
	rss=$(rss_kib "$pid")
	end_pid "$pid"
	out=$(tail -1 "$T/discard.log")
	n=$(echo "$out" | sed 's/.*received=\([0-9]*\).*/\1/')
	ns=$(echo "$out" | sed 's/.*cpu_us=\([0-9]*\).*/\1000/')
	report discard "$1" $((n * per)) "$ns" "$rss"
}

statsd_conf() {	# WORKERS
	WORKERS=$1 write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
	sed -i 's/^flush: .*/flush: {interval: 2s}/' millrace.yaml
}

ours() {	# CASE
	local rate per before after n
	read -r rate per <<<"$1"
	bench_daemon
	# four flushes before, so that its memory is there: what the first touch of
	# a page costs is the machine's, and no part of what a metric costs
	load statsd --to "udp://127.0.0.1:$STATSD" --rate $((rate * per)) --time 8 \
	    --per-datagram "$per" "${mix[@]}"
	sleep 2.2			# and the last of them are counted
	n=$(settle ledger metric statsd delivered)
	before=$(cpu_ns "$DAEMON")
	load statsd --to "udp://127.0.0.1:$STATSD" --rate $((rate * per)) --time "$seconds" \
	    --per-datagram "$per" "${mix[@]}"
	sleep 2.2			# the last flush is part of the price
	after=$(cpu_ns "$DAEMON")
	n=$(($(ledger metric statsd delivered) - n))
	report millrace "$1" "$n" $((after - before)) "$(peak_kib "$DAEMON")"
	stop_daemon
}

reference() {	# CASE
	local rate per before after n
	read -r rate per <<<"$1"
	ports RPORT RMGMT
	cat >"$T/statsd.js" <<CONFIG
{ port: $RPORT, address: "127.0.0.1", mgmt_port: $RMGMT, mgmt_address: "127.0.0.1",
  flushInterval: 2000, graphiteHost: "127.0.0.1", graphitePort: $SINK2,
  backends: ["./backends/graphite"] }
CONFIG
	: >"$T/refsink.txt"
	start_on "$BENCH_DAEMON_CPU" reference node "$peers/node_modules/statsd/stats.js" "$T/statsd.js"
	local pid=$PID
	wait_for 10 "the reference" tcp_open "$RMGMT"
	before=$(cpu_ns "$pid")
	load statsd --to "udp://127.0.0.1:$RPORT" --rate $((rate * per)) --time "$seconds" \
	    --per-datagram "$per" "${mix[@]}"
	sleep 2.5
	after=$(cpu_ns "$pid")
	n=$(awk '$1 == "stats_counts.statsd.metrics_received" { n += $2 } END { print n + 0 }' "$T/refsink.txt")
	report statsd "$1" "$n" $((after - before)) "$(peak_kib "$pid")"
	end_pid "$pid"
}

# what the kernel dropped at a UDP port; fails when nobody is there
drops_at() {	# PORT
	awk -v port="$(printf ':%04X$' "$1")" '$2 ~ port { n += $NF; is = 1 } END { print n + 0; exit !is }' /proc/net/udp
}

udp_open() {	# PORT
	drops_at "$1" >/dev/null
}

# It knows no sets, and one sender's datagrams come to one of its sockets.
brubeck() {	# CASE WORKERS MULTISOCK MULTIMSG
	local rate per before n pid port
	read -r rate per <<<"$1"
	ports port
	cat >"$T/brubeck.json" <<CONFIG
{ "server_name": "brubeck", "dumpfile": "/dev/null", "capacity": 16,
  "backends": [{ "type": "carbon", "address": "127.0.0.1", "port": $SINK, "frequency": 2, "pickle": true }],
  "samplers": [{ "type": "statsd", "address": "127.0.0.1", "port": $port,
    "workers": $2, "multisock": $3, "multimsg": $4 }] }
CONFIG
	start_on "$BENCH_DAEMON_CPU" brubeck "$BRUBECK" --log "$T/brubeck.log" --config "$T/brubeck.json"
	pid=$PID
	wait_for 10 brubeck udp_open "$port"
	load statsd --to "udp://127.0.0.1:$port" --rate $((rate * per)) --time 4 \
	    --per-datagram "$per" "${mix[@]}"
	sleep 2.2
	n=$(drops_at "$port")
	before=$(cpu_ns "$pid")
	load statsd --to "udp://127.0.0.1:$port" --rate $((rate * per)) --time "$seconds" \
	    --per-datagram "$per" "${mix[@]}"
	sleep 2.2
	n=$(($(from_load sent) - per * ($(drops_at "$port") - n)))
	report "brubeck $2 $4" "$1" "$n" $(($(cpu_ns "$pid") - before)) "$(peak_kib "$pid")"
	end_pid "$pid"
}

timers_and_counters() {
	local i counters mix

	rm -f dearer
	table "counters alone, then timers alone; $runs rounds"
	for ((i = 0; i < runs; i++)); do
		mix=(--names 2000 --mix c=100)
		ours '20000 30'
		counters=$NS_METRIC
		mix=(--names 2000 --mix ms=100)
		ours '20000 30'
		echo $((NS_METRIC - counters)) >>dearer
	done
	echo "  timers are dearer by $(median <dearer) ns a metric ($(sort -n dearer | tr '\n' ' ')); target: at most 40"
}

beside_brubeck() {
	local i setting mix=(--names 2000 --mix 'c=60,ms=31,g=9')

	rm -f brubeck.*.ns
	table "beside brubeck (workers, datagrams at a time), no sets; flush every 2 s; $runs rounds"
	for ((i = 0; i < runs; i++)); do
		yardstick '20000 30'
		ours '20000 30'
		echo "$NS_METRIC" >>brubeck.ours.ns
		for setting in '4 false 1' '1 false 1' '1 false 64' '2 true 16'; do
			# shellcheck disable=SC2086
			brubeck '20000 30' $setting
			echo "$NS_METRIC" >>"brubeck.${setting// /-}.ns"
		done
	done
	for setting in brubeck.[0-9]*.ns; do
		echo "  ${setting:8:-3} (workers, a socket each, datagrams at a time): $(median <"$setting") ns a metric, $(calc "$(median <"$setting") / $(median <brubeck.ours.ns)") times ours"
	done
}

ports SINK
start_discard "$SINK"
statsd_conf 1

[ "${1:-}" != short ] || ours_cases=()
for case in "${ours_cases[@]}"; do
	table "UDP, 2,000 names, 60 % counters 30 % timers 9 % gauges 1 % sets, flush every 2 s, one worker; $runs rounds"
	rm -f above ratio
	for ((i = 0; i < runs; i++)); do
		yardstick "$case"
		base=$NS_METRIC based=$NS_DATAGRAM
		ours "$case"
		echo $((NS_METRIC - base)) >>above
		calc "$NS_DATAGRAM / $based" >>ratio
		echo >>ratio
	done
	echo "  above the yardstick: $(median <above) ns a metric ($(sort -n above | tr '\n' ' ')); ratio $(median <ratio)"
done

if [ "${1:-}" != short ]; then
	timers_and_counters
	[ -z "${BRUBECK:-}" ] || beside_brubeck
fi

# ---- what needs no yardstick ----

# tcp_cost MIX WORKERS - sets NS to the CPU of a metric over TCP, the flush
# included, and RATE to how many came a second of the load's time.
tcp_cost() {
	local before n
	statsd_conf "$2"
	bench_daemon
	[ "$2" = 1 ] || taskset -apc "$BENCH_DAEMON_CPU,$BENCH_LOAD_CPU" "$DAEMON" >/dev/null
	for _ in 1 2 3 4; do			# its memory is there
		load statsd --to "tcp://127.0.0.1:$STATSD" --count 10000000 --connections 4 --names 2000 --mix "$1"
		sleep 2.2			# and a flush was
	done
	n=$(settle ledger metric statsd delivered)
	before=$(cpu_ns "$DAEMON")
	load statsd --to "tcp://127.0.0.1:$STATSD" --count 10000000 --connections 4 --names 2000 --mix "$1"
	n=$(($(settle ledger metric statsd delivered) - n))
	NS=$(calc "($(cpu_ns "$DAEMON") - $before) / $n" %.1f)
	RATE=$(from_load rate)
	stop_daemon
}

heading "TCP, as fast as it takes; target: at most 200 ns a metric (5 million/s per core)"
tcp_cost c=100 1
counters=$NS
echo "  counters: $NS ns of CPU a metric: $(calc "1e3 / $NS" %.1f) million/s per core; $RATE/s sent"
tcp_cost ms=100 1
echo "  timers: $NS ns of CPU a metric, $(calc "$NS - $counters" %.1f) more than counters; target: at most 40"
tcp_cost 'c=60,ms=30,g=9,s=1' 1
one=$NS
echo "  mixed: $NS ns of CPU a metric: $(calc "1e3 / $NS" %.1f) million/s per core"
tcp_cost 'c=60,ms=30,g=9,s=1' 2
echo "  mixed, two workers: $NS ns of CPU a metric, $(calc "$NS / $one") times that of one (1.7 times the metrics a second on cores of their own: at most 1.18)"

# names_cost NAMES MIX DATAGRAMS/S PER SECONDS
names_cost() {
	local idle full metrics_ns n flushes
	statsd_conf 1
	sed -i 's/^flush: .*/flush: {interval: 5s, max_names: 2000000}/' millrace.yaml
	bench_daemon
	idle=$(rss_kib "$DAEMON")
	load statsd --to "udp://127.0.0.1:$STATSD" --rate 200000 --count "$1" --per-datagram 20 \
	    --names "$1" --mix "$2"
	sleep 11			# both halves have seen a flush
	n=$(ledger metric statsd dropped.kernel)
	metrics_ns=$(thread_ns metrics)
	flushes=$(prometheus millrace_flushes_total)
	load statsd --to "udp://127.0.0.1:$STATSD" --rate $(($3 * $4)) --time "$5" --per-datagram "$4" \
	    --names "$1" --mix "$2"
	n=$(($(ledger metric statsd dropped.kernel) - n))
	sleep 6
	metrics_ns=$(($(thread_ns metrics) - metrics_ns))
	flushes=$(($(prometheus millrace_flushes_total) - flushes))
	full=$(least_rss_kib)
	echo "  $1 names ($2): $(((full - idle) * 1024 / $1)) bytes a name, $((($(peak_kib "$DAEMON") - idle) * 1024 / $1)) with the text of a flush on its way; target: at most 200 for counters"
	echo "  $flushes flushes while $(from_load sent) metrics came, $3 datagrams/s of $4: $(calc "$metrics_ns / $flushes / 1e9") s of CPU each on the metrics thread, sending included; target: 1.5"
	echo "  datagrams lost by the kernel meanwhile: $n; target: 0"
	stop_daemon
}

# Between two flushes.
least_rss_kib() {
	local i
	for i in {1..12}; do
		rss_kib "$DAEMON"
		sleep 0.5
	done | sort -n | head -1
}

# CPU time of a thread of the daemon by its name, in ns
thread_ns() {
	local t
	for t in /proc/"$DAEMON"/task/*; do
		[ "$(cat "$t/comm")" != "$1" ] || cut -d' ' -f1 "$t/schedstat"
	done
}

heading "a million names"
names_cost 1000000 c=100 50000 4 10
names_cost 200000 'c=60,ms=30,g=9,s=1' 50000 4 6

heading "10,000 timers of 1,000 samples; target: a flush under 0.3 s of CPU"
make -C "$BUILD" tests/bench/flush_bench >/dev/null
on_daemon_cpu "$BUILD/tests/bench/flush_bench" 1000 10000 1000 | sed -n 's/^merge.*timers/  &/p'

[ "${1:-}" != short ] || exit 0

peers=${BENCH_PEERS:-$BUILD/bench-peers}
if command -v npm >/dev/null; then
	mkdir -p "$peers"
	cp "$here/package.json" "$peers/"
	[ -d "$peers/node_modules/statsd" ] ||
		(cd "$peers" && npm install --no-audit --no-fund --omit=optional >"$T/npm.log" 2>&1) ||
		say "npm install failed; the reference is left out"
fi
if [ -d "$peers/node_modules/statsd" ]; then
	start_sink refsink
	SINK2=$SINK
	ports SINK
	start_discard "$SINK"
	statsd_conf 1
	for case in "${peer_cases[@]}"; do
		table "beside the reference, at a rate it can take"
		yardstick "$case"
		ours "$case"
		mine=$NS_METRIC
		reference "$case"
		echo "  the reference takes $(calc "$NS_METRIC / $mine" %.1f) times the CPU"
	done
fi
