# lib.sh - what the scripts beside it share: a directory of their own, ports
# nobody uses, real servers, and waiting for things instead of sleeping.
#
# Source it first.  Everything started through it is stopped at the end, by its
# process id; on failure the logs are shown.  KEEP=1 keeps the directory.
# shellcheck shell=bash disable=SC2034

set -u -o pipefail
export PYTHONDONTWRITEBYTECODE=1
# without a registry npm gives up before a test's time is over
export npm_config_fetch_retries=1 npm_config_fetch_retry_mintimeout=500 \
    npm_config_fetch_retry_maxtimeout=2000 npm_config_fetch_timeout=20000 \
    npm_config_update_notifier=false
: "${BUILD:?says where millrace was built}"
MILLRACE=${MILLRACE:-$BUILD/millrace}
PY=/usr/bin/python3			# the one that Debian's modules are for
T=$(mktemp -d "${TMPDIR:-/tmp}/millrace-test.XXXXXX")
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PIDS=()
PORTS_GIVEN=
SHIM=()					# what the daemon is started with
DAEMON=					# pid of the daemon under test
cd "$T" || exit 1

say() {
	echo "$*" >&2
}

fail() {
	say "FAILED: $*"
	exit 1
}

skip() {
	say "$*"
	exit 77
}

need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}

# seen GREP-ARGUMENTS - is it in what comes in?  Reads all of it, so that who
# writes is not killed by a closed pipe (and the pipeline fails for that).
seen() {
	grep "$@" >/dev/null
}

# is_ours PID - is it a child of ours still?  Numbers are given again, and other tests run
# beside this one: what is waited for already may be somebody else by now.
is_ours() {
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }		# the name may have spaces in it
	# shellcheck disable=SC2086
	set -- $stat
	[ "$2" = $$ ]
}

# stop_pid PID [SECONDS] - TERM, and KILL for who does not listen.
stop_pid() {
	is_ours "$1" || return 0
	kill -TERM "$1" 2>/dev/null || return 0
	kill -CONT "$1" 2>/dev/null
	await_end "$@"
}

await_end() {
	local pid=$1 i
	for ((i = 0; i < ${2:-10} * 20; i++)); do
		is_ours "$pid" || break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	is_ours "$pid" && kill -KILL "$pid" 2>/dev/null && say "process $pid had to be killed"
	wait "$pid" 2>/dev/null
	return 0
}

finish() {
	local status=$? pid f
	trap - EXIT
	# TERM to all of them first: they end together
	for pid in "${PIDS[@]}"; do
		is_ours "$pid" && kill -TERM "$pid" && kill -CONT "$pid"
	done 2>/dev/null
	for pid in "${PIDS[@]}"; do await_end "$pid" 5; done
	if grep -aqE 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|WARNING: ThreadSanitizer' \
	    "$T"/*.log 2>/dev/null; then
		say "a sanitizer complained"
		[ $status -ne 0 ] || status=1
	fi
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		for f in "$T"/*.log "$T"/*.yaml; do
			[ -s "$f" ] || continue
			say "---- $(basename "$f")"
			tail -n 40 "$f" >&2
		done
	fi
	if [ "${KEEP:-0}" = 1 ]; then
		say "kept $T"
	else
		rm -rf "$T"
	fi
	exit $status
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

# ports NAME... - set each variable to a port that is free for TCP and UDP, on
# all addresses, outside the range that the kernel takes ports from, and that
# was not given before: who was to use that one may only be starting.
ports() {
	local list
	# shellcheck disable=SC2086
	list=$("$PY" "$HERE/free_ports.py" "$#" $PORTS_GIVEN) || fail "no free ports"
	PORTS_GIVEN="$PORTS_GIVEN $list"
	# shellcheck disable=SC2229
	read -r "$@" <<<"$list"
}

# wait_for SECONDS WHAT COMMAND... - until the command succeeds; half a minute
# at least, for machines that do other things as well.
wait_for() {
	local end=$(($(date +%s%N) + ($1 < 30 ? 30 : $1) * 1000000000)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s%N)" -gt $end ]; then
			fail "waited in vain for: $what"
		fi
		sleep 0.05
	done
}

# within SECONDS COMMAND... - the same, as a question.
within() {
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -le $end ] || return 1
		sleep 0.05
	done
}

tcp_open() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start NAME COMMAND... - in the background, output to NAME.log; sets PID.
start() {
	local name=$1
	shift
	"$@" >"$T/$name.log" 2>&1 </dev/null &
	PID=$!
	PIDS+=("$PID")
}

# ---- the daemon ----

page() {
	curl -sS --max-time 10 "http://127.0.0.1:$ADMIN$1"
}

page_ok() {
	curl -sf --max-time 2 -o /dev/null "http://127.0.0.1:$ADMIN$1"
}

# A configuration with every door on a free port, flushing each second.
# Pass what comes behind it (clusters, streams, archives, rules) on stdin.
write_conf() {
	[ -n "${STATSD:-}" ] ||
		ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN
	cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: ${WORKERS:-1}
statsd:
  listen: ["udp://127.0.0.1:$STATSD", "tcp://127.0.0.1:$STATSD", "unixgram://$T/statsd.sock"]
  management: ""
graphite:
  listen: ["tcp://127.0.0.1:$GRAPHITE", "udp://127.0.0.1:$GRAPHITE"]
syslog:
  listen: ["udp://127.0.0.1:$SYSLOG", "tcp://127.0.0.1:$SYSLOG", "unixgram://$T/log.sock"]
events:
  listen: ["resp://127.0.0.1:$RESP"]
  node: node1
admin:
  listen: http://127.0.0.1:$ADMIN
flush: {interval: 1s}
YAML
	cat >>"$T/millrace.yaml"
}

start_daemon() {
	start millrace ${SHIM[@]+"${SHIM[@]}"} "$MILLRACE" -c "$T/millrace.yaml"
	DAEMON=$PID
	within 60 ready_or_dead
	kill -0 "$DAEMON" 2>/dev/null || fail "the daemon did not start"
	within 20 page_ok /readyz || fail "the daemon is not ready after 60 s"
}

ready_or_dead() {
	page_ok /readyz || ! kill -0 "$DAEMON" 2>/dev/null
}

# Ask it to end; it must, with status 0, within its ten seconds and some.
stop_daemon() {
	local rc=0 i
	kill -TERM "$DAEMON" || fail "the daemon is gone already"
	for ((i = 0; i < 1400; i++)); do	# longer than any drain here
		kill -0 "$DAEMON" 2>/dev/null || break
		sleep 0.05
	done
	kill -0 "$DAEMON" 2>/dev/null && fail "the daemon does not end"
	wait "$DAEMON" || rc=$?
	[ $rc -eq 0 ] || fail "the daemon ended with $rc"
	DAEMON=
}

# ledger KIND SOURCE FIELD - a number of /api/ledger: received, delivered,
# queued, dropped (all reasons), dropped.REASON.
ledger() {
	page /api/ledger | jq -r --arg k "$1" --arg s "$2" --arg f "$3" '
		(.[$k][$s] // {}) as $b |
		if $f == "dropped" then ([$b.dropped // {} | .[]] | add // 0)
		elif ($f | startswith("dropped.")) then ($b.dropped[$f[8:]] // 0)
		else ($b[$f] // 0) end'
}

ledger_is() {
	[ "$(ledger "$1" "$2" "$3")" = "$4" ]
}

ledger_atleast() {
	[ "$(ledger "$1" "$2" "$3")" -ge "$4" ]
}

# Does it close?  received = delivered + queued + dropped, now.
ledger_closes() {
	page /api/ledger | jq -e --arg k "$1" --arg s "$2" '
		.[$k][$s] | .received == .delivered + .queued +
		([.dropped // {} | .[]] | add // 0)' >/dev/null
}

# prometheus NAME LABEL="VALUE"... - the sum of those samples.
prometheus() {
	page /metrics | "$PY" -c '
import re, sys
name, want, total = sys.argv[1], sys.argv[2:], 0.0
for line in sys.stdin:
    m = re.match(r"(\w+)(?:\{(.*)\})? (\S+)", line)
    if m and m.group(1) == name and all(w in (m.group(2) or "") for w in want):
        total += float(m.group(3))
print(int(total) if total == int(total) else total)' "$@"
}

flood() {
	"$MILLRACE" flood "$@" --report json
}

# ---- its peers ----

start_redis() {
	need redis-server redis-cli
	[ -n "${REDIS:-}" ] || ports REDIS
	mkdir -p "$T/redis"
	start redis redis-server --port "$REDIS" --bind 127.0.0.1 \
	    --dir "$T/redis" --save '' --appendonly no "$@"
	REDIS_PID=$PID
	# after long loops it has millions of entries to read
	wait_for 60 "redis-server" redis_answers
}

redis_answers() {
	[ "$(redis-cli -p "$REDIS" ping 2>/dev/null)" = PONG ]
}

redis() {
	redis-cli -p "$REDIS" "$@"
}

# start_carbon NAME - a real carbon-cache; sets CARBON (its line port) and
# WHISPER (where its files are).
start_carbon() {
	local name=$1 root=$T/$1 query pickle
	need carbon-cache whisper-fetch
	ports CARBON pickle query
	WHISPER=$root/whisper
	mkdir -p "$root/conf" "$WHISPER" "$root/log" "$root/run"
	cat >"$root/conf/carbon.conf" <<CONF
[cache]
STORAGE_DIR = $root
LOCAL_DATA_DIR = $WHISPER
CONF_DIR = $root/conf
LOG_DIR = $root/log
PID_DIR = $root/run
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = $CARBON
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = $pickle
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = $query
ENABLE_UDP_LISTENER = False
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = 100000
MAX_CREATES_PER_MINUTE = inf
MIN_TIMESTAMP_RESOLUTION = 1
LOG_UPDATES = False
LOG_CREATES = False
ENABLE_LOGROTATION = False
ENABLE_TAGS = False
WHISPER_FALLOCATE_CREATE = False
CONF
	printf '[all]\npattern = .*\nretentions = 1s:1d\n' \
	    >"$root/conf/storage-schemas.conf"
	GRAPHITE_ROOT=$root GRAPHITE_CONF_DIR=$root/conf \
	    start "$name" carbon-cache --debug --config "$root/conf/carbon.conf" \
	    --pidfile "$root/run/carbon.pid" start
	CARBON_PID=$PID
	wait_for 20 "carbon-cache" tcp_open "$CARBON"
}

# whisper_points DIR NAME - "TIME VALUE" of each point that a whisper file has.
whisper_points() {
	"$PY" - "$1/${2//.//}.wsp" <<'PYTHON'
import os, sys, time, whisper
if os.path.exists(sys.argv[1]):
    now = int(time.time())
    (start, _, step), values = whisper.fetch(sys.argv[1], now - 3600, now + 5)
    for i, v in enumerate(values):
        if v is not None:
            print(start + i * step, "%.10g" % v)
PYTHON
}

# whisper_sum DIR NAME - the sum of all its points, or none.
whisper_sum() {
	whisper_points "$@" |
	    awk '{ s += $2 } END { if (NR > 0) printf "%.10g\n", s; else print "none" }'
}

whisper_has() {
	[ "$(whisper_sum "$1" "$2")" = "$3" ]
}

# start_sink NAME [PORT] - a TCP server that appends all it is sent to NAME.txt;
# sets SINK to its port and SINK_PID.
start_sink() {
	if [ -n "${2:-}" ]; then SINK=$2; else ports SINK; fi
	cat >"$T/sink.py" <<'PYTHON'
import selectors, socket, sys
out = open(sys.argv[2], "ab", buffering=0)
sel = selectors.DefaultSelector()
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
sel.register(s, selectors.EVENT_READ)
rest = {}
while True:
    for key, _ in sel.select():
        if key.fileobj is s:
            c, _ = s.accept()
            rest[c] = b""
            sel.register(c, selectors.EVENT_READ)
            continue
        c = key.fileobj
        try:
            d = c.recv(1 << 20)
        except OSError:
            d = b""
        if not d:
            sel.unregister(c)
            c.close()
            if rest.pop(c):
                print("a connection ended in the middle of a line", flush=True)
            continue
        d = rest[c] + d
        cut = d.rfind(b"\n") + 1
        rest[c] = d[cut:]
        out.write(d[:cut])
PYTHON
	: >>"$T/$1.txt"
	start "$1" "$PY" "$T/sink.py" "$SINK" "$T/$1.txt"
	SINK_PID=$PID
	wait_for 10 "the sink" tcp_open "$SINK"
}

# start_rsyslog NAME - with the configuration on stdin.
start_rsyslog() {
	need rsyslogd
	cat >"$T/$1.conf"
	start "$1" rsyslogd -n -f "$T/$1.conf" -i "$T/$1.pid"
	RSYSLOG_PID=$PID
}

# relay_started NAME PORT - carbon-c-relay listens before it has the threads that
# take connections, and a connection in between makes it crash: look at its log.
relay_started() {
	wait_for 10 "carbon-c-relay" grep -q 'startup sequence complete' "$T/$1.log"
	wait_for 10 "carbon-c-relay" tcp_open "$2"
}

# start_carbon_c_relay NAME - the rest of its configuration on stdin; sets RELAY.
start_carbon_c_relay() {
	need carbon-c-relay
	ports RELAY
	{ echo "listen type linemode 127.0.0.1:$RELAY proto tcp ;"; cat; } >"$T/$1.conf"
	start "$1" carbon-c-relay -f "$T/$1.conf"
	RELAY_PID=$PID
	relay_started "$1" "$RELAY"
}

lines_in() {
	if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi
}

has_lines() {
	[ "$(lines_in "$1")" -ge "$2" ]
}

# All text in the logs that the daemon writes under DIR.
logs_of() {
	find "$1" -type f -name '*.log' -exec cat {} + 2>/dev/null
}

logs_have() {
	logs_of "$1" | seen -F -- "$2"
}

# npm_peers [NAME] - sets NPM to a node_modules with what tests/integ/NAME (npm)
# pins.  A test run keeps one under $BUILD for the scripts to share.
npm_peers() {
	local dir=$BUILD/tests-${1:-npm} here
	need node npm
	here=$(dirname "${BASH_SOURCE[0]}")/${1:-npm}
	case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
	NPM=$dir/node_modules
	(
		mkdir -p "$dir" && flock 9
		cmp -s "$here/package-lock.json" "$dir/installed.json" && exit 0
		cp "$here/package.json" "$here/package-lock.json" "$dir/" && cd "$dir" &&
		    npm ci --no-audit --no-fund >"$T/npm.txt" 2>&1 &&
		    cp package-lock.json installed.json
	) 9>"$dir.lock" || skip "npm cannot fetch the peers"
}

# syslog_ng - sets SYSLOG_NG to a command that runs it.  Debian will not have it
# beside rsyslog, so it is unpacked, not installed, and kept under $BUILD.
syslog_ng() {
	local dir=$BUILD/tests-syslog-ng lib
	SYSLOG_NG=$(command -v syslog-ng) && SYSLOG_NG_MODULES= && return
	need apt-get dpkg
	(
		mkdir -p "$dir/unpacked" && cd "$dir" && flock 9
		[ -x unpacked/usr/sbin/syslog-ng ] && exit 0
		apt-get download syslog-ng-core libivykis0 libnet1 libpcre3 \
		    libwrap0 libjson-c5 libdbi1 libesmtp6 libglib2.0-0 \
		    libcap2 >"$T/apt.txt" 2>&1 || exit 1
		for lib in *.deb; do dpkg -x "$lib" unpacked || exit 1; done
	) 9>"$dir.lock" || return 1
	lib=$dir/unpacked/usr/lib/x86_64-linux-gnu:$dir/unpacked/usr/lib/syslog-ng:$dir/unpacked/lib/x86_64-linux-gnu
	SYSLOG_NG=$dir/unpacked/usr/sbin/syslog-ng
	SYSLOG_NG_MODULES=$(find "$dir/unpacked/usr/lib/syslog-ng" -name libaffile.so -printf '%h' -quit)
	SYSLOG_NG_LIBS=$lib
	LD_LIBRARY_PATH=$lib "$SYSLOG_NG" --version >/dev/null 2>&1
}

# make_cert NAME... - NAME.key and NAME.pem for 127.0.0.1, by ca.pem, in $T.
make_cert() {
	local n
	need openssl
	for n in ca "$@"; do
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		    -out "$n.key" 2>/dev/null || fail "no keys"
	done
	openssl req -x509 -key ca.key -subj /CN=ca -days 2 -out ca.pem 2>/dev/null
	for n; do
		openssl req -new -key "$n.key" -subj "/CN=$n" \
		    -addext subjectAltName=IP:127.0.0.1,DNS:"$n" -out "$n.csr" 2>/dev/null
		openssl x509 -req -in "$n.csr" -CA ca.pem -CAkey ca.key \
		    -CAcreateserial -days 2 -copy_extensions copy -out "$n.pem" \
		    2>/dev/null || fail "no certificates"
	done
}

# event_doors URL... - put more addresses into the events section of the
# configuration that write_conf wrote, and lines under it from EVENTS_MORE.
event_doors() {
	local urls=
	for u; do urls="$urls, \"$u\""; done
	sed -i "s|  listen: \[\"resp://127.0.0.1:$RESP\"\]|  listen: [\"resp://127.0.0.1:$RESP\"$urls]${EVENTS_MORE:+\n$EVENTS_MORE}|" \
	    "$T/millrace.yaml"
}

# disk_shim - the daemon's spools get a disk to order (disk_shim.c): touch
# $T/stalled, or $T/full.
disk_shim() {
	local cc=${CC:-cc}
	command -v "${cc%% *}" >/dev/null || cc=cc
	need cc
	$cc -O1 -shared -fPIC -o "$T/disk_shim.so" "$(dirname "${BASH_SOURCE[0]}")/disk_shim.c" -ldl ||
		fail "the shim"
	if [ "$(DISK_SHIM=$T LD_PRELOAD=$T/disk_shim.so "$MILLRACE" --version 2>&1 | grep -c 'not come first')" -gt 0 ]; then
		skip "this build does not let itself be preloaded"
	fi
	SHIM=(env "DISK_SHIM=$T" "LD_PRELOAD=$T/disk_shim.so")
}
