# lib.sh - what the benches share: cores, CPU time, memory, rows.
#
# The daemon under test has one core to itself (BENCH_DAEMON_CPU, 0), the
# generator and the sinks the other (BENCH_LOAD_CPU, 1).  Every figure comes
# with its peer's from the same run, because two machines never agree.
# shellcheck shell=bash disable=SC2034,SC1091

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${BUILD:=$(dirname "$(dirname "$here")")/build}"
export BUILD
[ -x "$BUILD/millrace" ] || { echo "no $BUILD/millrace: build first, or set BUILD" >&2; exit 1; }
[ "$(nproc)" -ge 2 ] || { echo "needs two cores" >&2; exit 77; }
. "$here/../integ/lib.sh"
: "${BENCH_DAEMON_CPU:=0}" "${BENCH_LOAD_CPU:=1}"
need taskset jq curl
for p in recv_discard tcp_discard; do
	[ -x "$BUILD/tests/bench/$p" ] ||
		make -C "$BUILD" "tests/bench/$p" >"$T/make.log" || fail "$p"
done

on_daemon_cpu() {
	taskset -c "$BENCH_DAEMON_CPU" "$@"
}

on_load_cpu() {
	taskset -c "$BENCH_LOAD_CPU" "$@"
}

# start_on CPU NAME COMMAND... - on a machine that others use too,
# BENCH_PREFIX="chrt -r 1" keeps them from making the daemons late.
start_on() {
	local cpu=$1 name=$2
	shift 2
	# shellcheck disable=SC2086
	start "$name" ${BENCH_PREFIX:-} taskset -c "$cpu" "$@"
}

# cpu_ns PID - CPU time (user and system) of all its threads, in ns; those that
# have ended are in the process's ticks, so the larger of both counts.
cpu_ns() {
	"$PY" - "$1" <<'PYTHON'
import glob, os, sys
pid = sys.argv[1]
fine = 0
for f in glob.glob("/proc/%s/task/*/schedstat" % pid):
    try:
        fine += int(open(f).read().split()[0])
    except OSError:
        pass
stat = open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()
coarse = (int(stat[11]) + int(stat[12])) * 1000000000 // os.sysconf("SC_CLK_TCK")
print(max(fine, coarse))
PYTHON
}

rss_kib() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

peak_kib() {
	awk '/^VmHWM/ { print $2 }' "/proc/$1/status"
}

# the daemon with $T/millrace.yaml on its core
bench_daemon() {
	start_on "$BENCH_DAEMON_CPU" millrace "$MILLRACE" -c "$T/millrace.yaml"
	DAEMON=$PID
	within 20 ready_or_dead
	page_ok /readyz || fail "the daemon is not ready"
}

end_pid() {
	stop_pid "$1" 20
}

load() {	# flood on the other core, JSON to $T/load.json
	on_load_cpu "$MILLRACE" flood "$@" --report json >"$T/load.json" ||
		say "flood: $(jq -r .first_error "$T/load.json")"
}

from_load() {
	jq -r ".$1" "$T/load.json"
}

# Lines that the sinks have counted so far, and when the last one came.
sink_lines() {
	awk '$1 != "last" { n += $2 } END { print n + 0 }' "$T/sink.count" 2>/dev/null || echo 0
}

sink_last() {
	awk '$1 == "last" { print $2 }' "$T/sink.count"
}

start_discard() {	# PORT...
	start_on "$BENCH_LOAD_CPU" sink "$BUILD/tests/bench/tcp_discard" "$T/sink.count" "$@"
	SINK_PID=$PID
	for p; do wait_for 5 "the sink" tcp_open "$p"; done
}

# Wait until a number stops changing for a second; prints it.
settle() {	# COMMAND...
	local a b same=0
	a=$("$@")
	while [ $same -lt 10 ]; do
		sleep 0.1
		b=$("$@")
		if [ "$a" = "$b" ]; then same=$((same + 1)); else same=0; fi
		a=$b
	done
	echo "$a"
}

calc() {
	awk "BEGIN { printf \"${2:-%.2f}\", $1 }"
}

row() {
	printf "$FORMAT" "$@"
}

heading() {
	printf '\n%s\n' "$*"
}

machine() {
	printf 'machine: %s, %s cores, kernel %s\n' \
	    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$(nproc)" "$(uname -r)"
	printf 'millrace: %s, %s KiB stripped\n' "$("$MILLRACE" --version 2>/dev/null | head -1)" \
	    "$(cp "$MILLRACE" "$T/stripped" && strip "$T/stripped" && echo $(($(stat -c %s "$T/stripped") / 1024)))"
}
