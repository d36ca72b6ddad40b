#!/bin/sh
# quickstart.sh - build millrace on a Debian 12, start it, send one record of
# each kind by the means everybody has, and show where each arrived.
#
# As root or with sudo; installs what is missing; asks nothing; may be run
# again.  Nothing is installed outside of this directory but Debian packages.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
data=$build/quickstart
pidfile=$data/millrace.pid

say() { printf '\n-- %s\n' "$*"; }

wait_until() {	# SECONDS COMMAND...
	n=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || return 1
		sleep 0.1
	done
}

show() {	# the command, and what it does
	printf '   $ %s\n' "$*"
	sh -c "$*" | sed 's/^/   /'
}

running() {	# the number may be somebody else's by now
	[ -f "$pidfile" ] || return 1
	case $(readlink "/proc/$(cat "$pidfile")/exe" 2>/dev/null) in
	*/millrace*) return 0 ;;
	*)	return 1 ;;
	esac
}

ready() {
	curl -sf http://127.0.0.1:8127/readyz
}

say "packages that are missing"
sh "$top/contrib/packages.sh" build run

say "build (in $build)"
[ -f "$top/configure" ] || "$top/autogen.sh" >/dev/null
mkdir -p "$build"
cd "$build"
[ -f config.status ] || "$top/configure" >configure.out
make -s -j"$(nproc)" millrace
ls -l "$build/millrace" | awk '{ printf "   %s, %d KiB\n", $NF, $5 / 1024 }'

if running; then
	say "millrace is running already, process $(cat "$pidfile")"
else
	say "start: no configuration file, no other service"
	mkdir -p "$data"
	cd "$data"
	"$build/millrace" >millrace.log 2>&1 </dev/null &
	echo $! >"$pidfile"
	if ! wait_until 20 ready; then
		cat millrace.log
		echo "it did not start; above is what it says" >&2
		exit 1
	fi
	echo "   process $(cat "$pidfile"): StatsD 8125, Graphite 2003, syslog 5514," \
	    "events 6390, admin page http://127.0.0.1:8127"
fi
cd "$data"
tag=quickstart$$

say "a metric, by a StatsD packet"
show "echo '$tag.clicks:3|c' | nc -u -q0 127.0.0.1 8125"
say "a metric, as a Graphite line"
show "echo \"$tag.load 0.25 \$(date +%s)\" | nc -N 127.0.0.1 2003"
say "a log, by logger"
show "logger -n 127.0.0.1 -P 5514 -d -t $tag 'hello from logger'"
say "an event; its id is printed once it is safe on disk"
show "$build/millrace send event orders order=$tag amount=12"

say "where they arrived"
echo "   the flush comes every ten seconds"
flushed() {
	curl -s http://127.0.0.1:8127/api/flush | grep "$tag.$1" >/dev/null
}
log_there() {
	grep -rq 'hello from logger' "$data/millrace-data/logs" --include="$tag*"
}
rc=0
arrived() {	# WHAT HOW COMMAND...
	what=$1 how=$2
	shift 2
	if wait_until 25 "$@"; then
		printf '   %-8s %s\n' "$what" "$how"
		sh -c "$how" 2>/dev/null | tail -n 3 | sed 's/^/            /'
	else
		printf '   %-8s did NOT arrive (%s)\n' "$what" "$how"
		rc=1
	fi
}
event_there() {
	"$build/millrace" journal cat -d "$data/millrace-data/journal" |
	    grep "$tag" >/dev/null
}
arrived counter "curl -s http://127.0.0.1:8127/api/flush | grep $tag.clicks" flushed clicks
arrived line "curl -s http://127.0.0.1:8127/api/flush | grep $tag.load" flushed load
arrived log "grep -r 'hello from logger' $data/millrace-data/logs --include='$tag*'" log_there
arrived event "$build/millrace journal cat -d $data/millrace-data/journal | grep $tag" event_there

say "the books: received = delivered + queued + dropped"
show "curl -s http://127.0.0.1:8127/metrics | grep -E '^millrace_(received|dropped)_total' | grep -v ' 0\$'"

say "what now"
cat <<TEXT
   point StatsD clients at port 8125, Graphite senders at 2003, syslog at 5514,
   any Redis client's XADD at 6390; see README.md and man millrace
   look:  http://127.0.0.1:8127/
   stop:  kill $(cat "$pidfile")
TEXT
exit $rc
