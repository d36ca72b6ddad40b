#!/bin/bash
# events.sh [PART...] - acknowledged events beside plain Redis taking the same
# events by the same generator.
#
#	rate	as fast as they are taken, 64 clients that keep 128 unanswered
#	latency	10,000/s from 4 clients, and from one; on all cores, and on one;
#		beside Redis that syncs before it answers, and the bare disk
#	catchup	a backlog, when Redis is there again
#	relp	what rsyslog's imrelp acknowledges beside our RELP
#	scale	ten million events with Redis away, a kill, a restart, catching up
#
# Without arguments all but the last.  What is compared: "redis" is one
# redis-server with appendonly everysec that takes plain pipelined XADDs.
# "journal only" is millrace without a Redis, "and shipping" is millrace that
# acknowledges from its journal and at the same time ships to such a server on
# the same machine and the same disk; how much of it had arrived there when the
# last event was acknowledged stands below.  Our events carry an id of their
# producer and are deduplicated by it, the plain ones are not.  Generator,
# daemon and Redis share all cores and nobody is pinned, but where it says so.
#
# EVENTS=N per run, RUNS=N of each: the rows are medians of these.
# shellcheck disable=SC1091,SC2034
export BENCH_DAEMON_CPU=${BENCH_DAEMON_CPU:-0-$(($(nproc) - 1))}
export BENCH_LOAD_CPU=${BENCH_LOAD_CPU:-$BENCH_DAEMON_CPU}
. "$(dirname "$0")/lib.sh"
events=${EVENTS:-1000000}
runs=${RUNS:-3}
# shellcheck disable=SC2034
FORMAT='%-34s %-22s %10s %9s %9s %9s %8s %8s\n'
TO_REDIS="redis: \"redis://127.0.0.1:@REDIS/0\", "

# ---- figures ----

# One line a run: rate p50 p99 max us/event RSS.  Median of each column.
median_of() {
	"$PY" -c '
import statistics, sys
rows = [[float(x) for x in l.split()] for l in sys.stdin]
print(*(statistics.median(c) for c in zip(*rows)))'
}

note() {	# FILE CPU_NS RSS_KIB
	echo "$(from_load ack_rate) $(from_load 'latency_ms."p50"')" \
	    "$(from_load 'latency_ms."p99"') $(from_load 'latency_ms.max')" \
	    "$(calc "$2 / 1000 / $(from_load acknowledged)" %.3f)" \
	    "$(calc "$3 / 1024" %.1f)" >>"$1"
	[ "$(from_load unanswered)" = 0 ] && [ "$(from_load refused)" = 0 ] ||
		echo "  not all were acknowledged"
}

# The row, and RATE for who comes after.
report() {	# CASE WHO FILE
	local rate p50 p99 max us rss
	read -r rate p50 p99 max us rss < <(median_of <"$3")
	row "$1" "$2" "$(calc "$rate" %.0f)" "$(calc "$p50" %.3f)" "$(calc "$p99" %.2f)" \
	    "$(calc "$max" %.1f)" "$us" "$(calc "$rss" %.0f)"
	RATE=$rate
}

header() {
	heading "$1"
	row case who "acked/s" "p50 ms" "p99 ms" "max ms" "us/event" "RSS MiB"
}

ratio() {	# WHAT OURS THEIRS
	echo "  $1: $(calc "$2 / $3")"
}

# ---- who takes them ----

plain() {	# FILE flood-arguments...
	local file=$1 before
	shift
	redis flushall >/dev/null
	before=$(cpu_ns "$REDIS_PID")
	load events --to "redis://127.0.0.1:$REDIS" --plain --size 200 "$@"
	note "$file" $(($(cpu_ns "$REDIS_PID") - before)) "$(rss_kib "$REDIS_PID")"
}

fresh_daemon() {	# ACK [STREAM-OPTIONS]
	write_conf <<YAML
streams:
  events: {${2//@REDIS/$REDIS}ack: $1}
YAML
	rm -rf "$T/state"
	bench_daemon
}

arrived() {
	redis xlen ev:flood:node1
}

all_arrived() {
	[ "$(arrived)" -ge "$1" ]
}

ours() {	# FILE ACK STREAM-OPTIONS flood-arguments...
	local file=$1 ack=$2 to=$3 before
	shift 3
	redis flushall >/dev/null
	fresh_daemon "$ack" "$to"
	before=$(cpu_ns "$DAEMON")
	load events --to "resp://127.0.0.1:$RESP" --size 200 "$@"
	THERE=$(arrived)
	note "$file" $(($(cpu_ns "$DAEMON") - before)) "$(peak_kib "$DAEMON")"
	[ -z "$to" ] || wait_for 120 "all of them in Redis" all_arrived "$(from_load sent)"
	stop_daemon
}

their_own() {	# what Redis's own generator makes of it
	local text
	redis flushall >/dev/null
	text=$(head -c 180 /dev/zero | tr '\0' x)
	redis-benchmark -p "$REDIS" -c 64 -P 128 -n "$events" --csv XADD flood '*' msg "$text" 2>/dev/null |
		awk -F'"' '/XADD/ { print $4 }' >>"$T/their_own"
}

# ---- parts ----

part_rate() {
	local load=(--count "$events" --connections 64 --window 128) i theirs

	rm -f "$T"/rate.* "$T/their_own" "$T/there"
	for ((i = 0; i < runs; i++)); do
		plain "$T/rate.plain" "${load[@]}"
		their_own
		ours "$T/rate.journal" journal "" "${load[@]}"
		ours "$T/rate.ship" journal "$TO_REDIS" "${load[@]}"
		echo "$THERE" >>"$T/there"
	done
	header "events of 200 bytes, acknowledged when on disk; $events, median of $runs"
	report "64 clients, window 128" "redis" "$T/rate.plain"
	theirs=$RATE
	PLAIN=$RATE
	row "64 clients, 128 at a time" "redis-benchmark XADD" "$(median_of <"$T/their_own" | cut -d. -f1)"
	report "64 clients, window 128" "millrace journal only" "$T/rate.journal"
	ratio "journal only, times plain Redis" "$RATE" "$theirs"
	report "64 clients, window 128" "millrace and shipping" "$T/rate.ship"
	ratio "and shipping, times plain Redis" "$RATE" "$theirs"
	echo "  in Redis when the last was acknowledged: $(median_of <"$T/there" | cut -d. -f1) of $events"
}

# Generator, daemon and Redis on one core: a host that takes cores which never
# sleep long for busy ones may stop a machine whose cores all do that, several
# milliseconds each time, and then it is the host that is measured.
on_one_core() {	# COMMAND...
	redis_on $(($(nproc) - 1)) "$@"
}

# Generator and daemon on the last core, Redis on core CPU.
redis_on() {	# CPU COMMAND...
	local all=$BENCH_DAEMON_CPU BENCH_DAEMON_CPU=$(($(nproc) - 1)) BENCH_LOAD_CPU=$(($(nproc) - 1))

	taskset -apc "$1" "$REDIS_PID" >/dev/null
	shift
	"$@"
	taskset -apc "$all" "$REDIS_PID" >/dev/null
}

# One write to a file that is there already, and fdatasync(): us, the median.
bare_sync() {	# FILE
	on_load_cpu "$PY" - "$T/bare" >>"$1" <<'PYTHON'
import os, statistics, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.pwrite(fd, bytes(8 << 20), 0)
os.fsync(fd)
took = []
for i in range(2000):
    begun = time.monotonic()
    os.pwrite(fd, b"x" * 4096, i * 4096)
    os.fdatasync(fd)
    took.append(time.monotonic() - begun)
print("%.0f" % (statistics.median(took) * 1e6))
PYTHON
	rm "$T/bare"
}

careful_redis() {	# plain(), where an answer means that it is on disk
	redis config set appendfsync always >/dev/null
	plain "$@"
	redis config set appendfsync everysec >/dev/null
}

part_latency() {
	local one=(--rate 10000 --time 8 --connections 1) four=(--rate 10000 --time 8 --connections 4) i

	rm -f "$T"/latency.*
	for ((i = 0; i < runs; i++)); do
		plain "$T/latency.plain" "${four[@]}"
		careful_redis "$T/latency.careful" "${four[@]}"
		ours "$T/latency.journal" journal "$TO_REDIS" "${four[@]}"
		ours "$T/latency.both" both "$TO_REDIS" "${four[@]}"
		on_one_core bare_sync "$T/latency.bare"
		on_one_core careful_redis "$T/latency.careful.core" "${four[@]}"
		on_one_core ours "$T/latency.journal.core" journal "$TO_REDIS" "${four[@]}"
		redis_on 0 ours "$T/latency.journal.apart" journal "$TO_REDIS" "${four[@]}"
		on_one_core ours "$T/latency.journal.one" journal "$TO_REDIS" "${one[@]}"
		on_one_core ours "$T/latency.both.core" both "$TO_REDIS" "${four[@]}"
	done
	header "10,000 events a second; median of $runs"
	report "4 clients" "redis" "$T/latency.plain"
	report "4 clients, appendfsync always" "redis" "$T/latency.careful"
	report "4 clients, ack journal" "millrace" "$T/latency.journal"
	report "4 clients, ack both" "millrace" "$T/latency.both"
	report "on one core, appendfsync always" "redis" "$T/latency.careful.core"
	report "the same on one core, ack journal" "millrace" "$T/latency.journal.core"
	report "the same, Redis on another" "millrace" "$T/latency.journal.apart"
	report "1 client on one core, ack journal" "millrace" "$T/latency.journal.one"
	report "the same on one core, ack both" "millrace" "$T/latency.both.core"
	echo "  a write and fdatasync() alone, on that core: $(tr '\n' ' ' <"$T/latency.bare")us"
}

# From the first event that arrives to the last; rate to $T/RATE_FILE.
watch_catching_up() {	# FILE EVENTS
	"$PY" - "$REDIS" "$2" "$1" <<'PYTHON'
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
want, first = int(sys.argv[2]), None
end = time.monotonic() + 300
while time.monotonic() < end:
    s.sendall(b"XLEN ev:flood:node1\r\n")
    n, now = int(s.recv(100)[1:]), time.monotonic()
    if first is None and n > 0:
        first = (n, now)
    if n >= want:
        print((want - first[0]) / (now - first[1]), file=open(sys.argv[3], "a"))
        sys.exit(0)
    time.sleep(0.005)
sys.exit("the backlog did not arrive")
PYTHON
}

# Redis hangs while they come in, and goes on.
one_backlog() {
	kill -STOP "$REDIS_PID"
	fresh_daemon journal "$TO_REDIS"
	load events --to "resp://127.0.0.1:$RESP" --size 200 --count "$events" --connections 16 --window 128
	kill -CONT "$REDIS_PID"
	watch_catching_up "$T/catchup.ours" "$events"
	peak_kib "$DAEMON" >>"$T/catchup.rss"
	stop_daemon
	redis flushall >/dev/null
}

part_catchup() {
	local i

	rm -f "$T"/catchup.*
	redis flushall >/dev/null
	for ((i = 0; i < runs; i++)); do
		plain "$T/catchup.plain" --count "$events" --connections 1 --window 512
		redis flushall >/dev/null
		one_backlog
	done
	heading "catching up on a backlog of $events, over one connection; median of $runs"
	echo "  plain XADD, one connection, 512 unanswered: $(median_of <"$T/catchup.plain" | cut -d. -f1)/s"
	echo "  millrace:                                   $(median_of <"$T/catchup.ours" | cut -d. -f1)/s," \
	    "peak RSS $(calc "$(median_of <"$T/catchup.rss") / 1024" %.0f) MiB"
	ratio "times plain XADD" "$(median_of <"$T/catchup.ours")" "$(median_of <"$T/catchup.plain" | cut -d' ' -f1)"
	[ -z "${PLAIN:-}" ] ||
		ratio "times plain XADD of 64 clients" "$(median_of <"$T/catchup.ours")" "$PLAIN"
}

# rsyslogd with that queue in front of a file
relp_of_rsyslog() {	# FILE QUEUE flood-arguments...
	local file=$1 before queue=$2
	shift 2
	ports RRELP
	rm -rf "$T/rs" && mkdir "$T/rs"
	cat >"$T/rs.conf" <<CONF
global(workDirectory="$T/rs")
module(load="imrelp")
ruleset(name="r" $queue) { action(type="omfile" file="$T/rs/out") }
input(type="imrelp" port="$RRELP" address="127.0.0.1" ruleset="r")
CONF
	start rsyslogd rsyslogd -n -i "$T/rs/pid" -f "$T/rs.conf"
	wait_for 10 "rsyslogd" tcp_open "$RRELP"
	before=$(cpu_ns "$PID")
	load syslog --to "relp://127.0.0.1:$RRELP" --size 200 "$@"
	note "$file" $(($(cpu_ns "$PID") - before)) "$(peak_kib "$PID")"
	stop_pid "$PID"
}

relp_of_ours() {	# FILE flood-arguments...
	local file=$1 before
	shift
	redis flushall >/dev/null
	write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", ack: journal}
YAML
	sed -i "s#\"resp://127.0.0.1:$RESP\"#&, \"relp://127.0.0.1:$RELP\"#" "$T/millrace.yaml"
	rm -rf "$T/state"
	bench_daemon
	before=$(cpu_ns "$DAEMON")
	load syslog --to "relp://127.0.0.1:$RELP" --size 200 "$@"
	note "$file" $(($(cpu_ns "$DAEMON") - before)) "$(peak_kib "$DAEMON")"
	stop_daemon
}

part_relp() {
	local window=(--connections 1 --window 128)
	local disk='queue.type="Disk" queue.filename="q" queue.checkpointInterval="1"'

	need rsyslogd
	rm -f "$T"/relp.*
	header "RELP, one client, window 128"
	relp_of_rsyslog "$T/relp.memory" "" --count 100000 "${window[@]}"
	report "default queue, in memory" "rsyslog imrelp" "$T/relp.memory"
	relp_of_rsyslog "$T/relp.safe" "$disk queue.syncqueuefiles=\"on\"" --count 2000 "${window[@]}"
	report "disk queue, checkpoint 1, sync" "rsyslog imrelp" "$T/relp.safe"
	relp_of_ours "$T/relp.ours" --count 100000 "${window[@]}"
	report "journal, and shipping" "millrace" "$T/relp.ours"
}

ready_after_start() {
	local start=$1
	wait_for 60 "the daemon" page_ok /readyz
	calc "($(date +%s%N) - $start) / 1e9" %.2f
}

# The daemon starts anew on what is there; prints how soon it is ready.
restart() {
	local start
	start=$(date +%s%N)
	start_on "$BENCH_DAEMON_CPU" millrace "$MILLRACE" -c "$T/millrace.yaml"
	DAEMON=$PID
	READY=$(ready_after_start "$start")
}

part_scale() {
	local n=${SCALE:-10000000}

	heading "$n events with Redis away"
	plain "$T/scale.plain" --count "$n" --connections 1 --window 512
	end_pid "$REDIS_PID"
	fresh_daemon journal "$TO_REDIS"
	load events --to "resp://127.0.0.1:$RESP" --size 200 --count "$n" --connections 64 --window 128
	echo "  $(from_load acknowledged) acknowledged at $(from_load ack_rate)/s;" \
	    "RSS $(calc "$(rss_kib "$DAEMON") / 1024" %.0f) MiB, peak $(calc "$(peak_kib "$DAEMON") / 1024" %.0f) MiB;" \
	    "journal $(du -sm "$T/state" | cut -f1) MiB"
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	restart
	echo "  killed and started again, from the page cache: ready after $READY s;" \
	    "RSS $(calc "$(rss_kib "$DAEMON") / 1024" %.0f) MiB"
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	find "$T/state" -type f -exec dd if={} iflag=nocache count=0 status=none \;
	restart
	echo "  the same, from the disk: ready after $READY s"
	rm -rf "$T/redis"		# the plain ones take it long to load
	start_redis --appendonly yes --appendfsync everysec
	watch_catching_up "$T/scale.ours" "$n"
	echo "  caught up at $(cut -d. -f1 "$T/scale.ours")/s," \
	    "$(calc "$(cat "$T/scale.ours") / $(cut -d' ' -f1 "$T/scale.plain")") times plain XADD of as many over one connection;" \
	    "peak RSS $(calc "$(peak_kib "$DAEMON") / 1024" %.0f) MiB"
	stop_daemon
}

machine
# a real disk, not a tmpfs: TMPDIR decides
say "state under $T on $(df --output=fstype "$T" | tail -1)"
start_redis --appendonly yes --appendfsync everysec
[ $# -gt 0 ] || set -- rate latency catchup relp
for part; do
	case $part in
	rate|latency|catchup|relp|scale) "part_$part" ;;
	*) fail "no such part: $part" ;;
	esac
done
