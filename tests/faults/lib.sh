# lib.sh - what the cases share: a load whose every answer is written down, and
# the audit that judges.  See tests/integ/lib.sh for the rest.
# shellcheck shell=bash disable=SC1091,SC2034,SC2154

FAULTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$FAULTS/../integ/lib.sh"
LOOPS=${LOOPS:-0}		# 0: the short form of a case
PRODUCERS=()
LOADS=0

# loops N - how often a case does its worst: N, or as was asked for.
loops() {
	if [ "$LOOPS" -gt 0 ]; then echo "$LOOPS"; else echo "$1"; fi
}

nap() {		# up to so many tenths of a second
	local n=$((RANDOM % (${1:-5} * 100) + 50))
	sleep "$((n / 1000)).$(printf %03d $((n % 1000)))"
}

kill_it() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null
}

# conf [KEYS] - events to Redis; further keys of the stream as YAML flow.
conf() {
	write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:${REDIS_AT:-$REDIS}/0", key: "ev:{stream}:{node}"${1:+, $1}}
YAML
}

# small_files - the journal in many files.
small_files() {
	sed -i 's/^events:/events:\n  max_event: 64KiB\n  journal: {segment: 1MiB, quota: 64MiB}/' \
	    "$T/millrace.yaml"
}

# another_conf - the same, for a second daemon with its own state, doors and log.
another_conf() {
	mv "$T/millrace.log" "$T/first.log"
	unset STATSD
	conf
	sed -i "s|$T/state|$T/state2|; s|statsd.sock|statsd2.sock|; s|log.sock|log2.sock|" \
	    "$T/millrace.yaml"
}

kill_redis() {
	kill_it "$REDIS_PID"
}

redis_everysec() {
	start_redis --appendonly yes --appendfsync everysec "$@"
}

# load [PRODUCERS [RATE [STREAM]]] - numbered events until unload; what was
# answered is written down by those who sent.
load() {
	local i n=${1:-2}
	for ((i = 0; i < n; i++)); do
		LOADS=$((LOADS + 1))
		start "producer$LOADS" "$MILLRACE" audit produce \
		    --to "resp://127.0.0.1:${DOOR:-$RESP}" --log "$T/acks$LOADS" \
		    --producer "p$LOADS" --count 1000000000 --rate "${2:-2000}" \
		    --patience "${PATIENCE:-90}" "${3:-orders}"
		PRODUCERS+=("$PID")
		wait_for 20 "a producer" test -e "$T/acks$LOADS"
	done
}

# unload - all that was sent has its answer, or the case has failed.
unload() {
	local p
	for p in "${PRODUCERS[@]}"; do kill -TERM "$p"; done
	for p in "${PRODUCERS[@]}"; do
		wait "$p" || fail "not all was acknowledged: $(cat "$T"/producer*.log)"
	done
	PRODUCERS=()
}

acked() {
	cat "$T"/acks* | grep -c '^A'
}

# shipped [KEY...] - wait until that many stand in the streams.
shipped() {
	WANTED=$(acked)
	[ "$WANTED" -gt 0 ] || fail "nothing was acknowledged"
	[ $# -gt 0 ] || set -- ev:orders:node1
	wait_for "${SHIP_PATIENCE:-90}" "$WANTED events in Redis" has_all "$@"
}

has_all() {
	local k n=0 len
	for k; do
		len=$(redis xlen "$k") || return 1
		n=$((n + len))
	done
	[ "$n" -ge "$WANTED" ]
}

# judge LOG... - 0 lost, 0 doubled, 0 gaps, or the case has failed.  In order,
# too, unless events were refused: one that was is sent again behind others.
judge() {
	"$MILLRACE" audit judge --json "$@" >"$T/verdict.json"
	case $? in
	0) ;;
	65) grep -q ' [1-9][0-9]* refusals' "$T"/producer*.log ||
		fail "judged: $(cat "$T/verdict.json")" ;;
	*) fail "the judge has failed" ;;
	esac
	say "  $(jq -r '"\(.acked) acknowledged, \(.lost) lost, \(.doubled) doubled, \(.gaps) gaps"' "$T/verdict.json")"
	[ "$(jq -r '[.lost, .doubled, .gaps, .corrupt, .strange, .broken_lines, .other_id] | add' "$T/verdict.json")" = 0 ] ||
		fail "judged: $(cat "$T/verdict.json")"
}

consume_redis() {	# LOG KEY...
	local log=$1
	shift
	"$MILLRACE" audit consume --redis "redis://127.0.0.1:$REDIS/0" --log "$log" "$@" \
	    2>>"$T/audit.log" || fail "consume: $?"
}

consume_journal() {	# LOG STREAM [STATE]
	"$MILLRACE" audit consume --journal "${3:-$T/state}/journal" --log "$1" "$2" \
	    2>>"$T/audit.log" || fail "consume: $?"
}

# verdict [KEY...] - end the load, wait for the streams, judge.
verdict() {
	[ $# -gt 0 ] || set -- ev:orders:node1
	[ ${#PRODUCERS[@]} -eq 0 ] || unload
	shipped "$@"
	consume_redis "$T/seen" "$@"
	judge "$T"/acks* "$T/seen"
}

# verdict_journal - the same from the journal alone, when there is no Redis.
verdict_journal() {
	[ ${#PRODUCERS[@]} -eq 0 ] || unload
	consume_journal "$T/seen" orders
	judge "$T"/acks* "$T/seen"
}

# delivered - events that the daemon has acknowledged since it started.
delivered() {
	ledger event resp delivered
}

# moving - wait until further events are acknowledged.
moving() {
	local before
	before=$(delivered) || before=0
	wait_for 60 "events being acknowledged" more_than "$before"
}

more_than() {
	[ "$(delivered)" -gt "$1" ]
}

# grows KEY - wait until further events come into Redis.
grows() {
	local before
	before=$(redis xlen "${1:-ev:orders:node1}") || before=0
	wait_for 60 "events coming into Redis" longer_than "$before" "${1:-ev:orders:node1}"
}

longer_than() {
	[ "$(redis xlen "$2")" -gt "$1" ]
}

# tells PATTERN - the daemon has said it, or says it soon.
tells() {
	wait_for 60 "the daemon to say $1" grep -qaE "$1" "$T/millrace.log"
}

# ---- a disk, a clock, a memory that fail ----

# shim - start_daemon will have shim.so in front of it.
shim() {
	local cc so=$BUILD/tests/faults/shim.so options=
	mkdir -p "$BUILD/tests/faults"
	cc=$(sed -n 's/^CC = //p' "$BUILD/Makefile" | sed 's/ -std=[^ ]*//')
	if ldd "$MILLRACE" | grep -qE 'lib[at]san' || nm "$MILLRACE" | grep -qE '__[at]san_init'; then
		SANITIZED=1
		options=-DNO_MALLOC
	fi
	(
		flock 9
		[ "$so" -nt "$FAULTS/shim.c" ] ||
			${cc:-cc} -O1 -shared -fPIC $options -o "$so" "$FAULTS/shim.c" -ldl
	) 9>"$BUILD/tests/faults/lock" || fail "cannot build the shim"
	"$PY" "$FAULTS/control.py" "$T/control" new
	SHIM_SO=$so
}

inject() {	# CALL NAME=N...
	"$PY" "$FAULTS/control.py" "$T/control" set "$@" || fail "inject $*"
}

injected() {	# CALL NAME
	"$PY" "$FAULTS/control.py" "$T/control" get "$@"
}

was_hit() {	# CALL
	[ "$(injected "$1" hits)" -gt 0 ]
}

clock_off() {	# SECONDS
	"$PY" "$FAULTS/control.py" "$T/control" clock "$1"
}

start_shimmed() {
	local runtime=
	# a sanitizer's runtime wants to be first
	[ -z "${SANITIZED:-}" ] || runtime=$(ldd "$MILLRACE" | awk '/lib[at]san/ { print $3 ":" }')
	start millrace env FAULTS_CONTROL="$T/control" LD_PRELOAD="$runtime$SHIM_SO" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
	    "$MILLRACE" -c "$T/millrace.yaml"
	DAEMON=$PID
	within 60 ready_or_dead
}

# ---- a wire that misbehaves ----

# proxy NAME PORT - sets PROXY to a port that leads to PORT.
proxy() {
	ports PROXY
	echo pass >"$T/$1.mode"
	start "$1" "$PY" "$FAULTS/proxy.py" "$PROXY" "$2" "$T/$1.mode"
	wait_for 20 "the proxy" tcp_open "$PROXY"
}

wire() {	# NAME MODE...
	local name=$1
	shift
	echo "$*" >"$T/$name.new"
	mv "$T/$name.new" "$T/$name.mode"
}

# own_network - go on in a network of one's own, where packets can be dropped, if
# the kernel lets us.  To be called first.
own_network() {
	[ "${OWN_NETWORK:-0}" = 0 ] || return 0
	unshare -n sh -c 'ip link set lo up && nft add table inet faults' 2>/dev/null || return 0
	rm -rf "$T"
	# shellcheck disable=SC2016
	OWN_NETWORK=1 exec unshare -n sh -c 'ip link set lo up; exec bash "$0"' "$0"
}

# packets RULE... - those that come by are looked at by nftables' RULEs.
# Without a network of one's own nothing happens to them.
packets() {
	[ "${OWN_NETWORK:-0}" = 1 ] || return 0
	nft delete table inet faults 2>/dev/null
	[ $# -gt 0 ] || return 0
	nft -f - <<NFT || fail "nft"
table inet faults {
	chain in {
		type filter hook input priority 0;
$(printf '\t\t%s\n' "$@")
	}
}
NFT
}

# packets_met N - wait until the counting rules have met so many.
packets_met() {
	[ "${OWN_NETWORK:-0}" = 0 ] || wait_for 60 "packets to be dropped" met "$1"
}

met() {
	[ "$(nft list table inet faults | grep -o 'packets [0-9]*' |
	    awk '{ n += $2 } END { print n + 0 }')" -ge "$1" ]
}

# unit PROGRAM TEST... - cases that a unit test holds: the program must pass,
# and must have that test.
unit() {
	local program
	while [ $# -gt 1 ]; do
		program=$BUILD/tests/unit/test_$1
		[ -x "$program" ] || make -C "$BUILD" "tests/unit/test_$1" >"$T/make.log" 2>&1 ||
			fail "cannot build $program"
		grep -q "tcase_add.*test(t, $2[,)]" "$FAULTS/../unit/test_$1.c" ||
			fail "$1 has no test $2"
		if [ ! -e "$T/$1.passed" ]; then
			(cd "$T" && top_srcdir="$FAULTS/../.." MILLRACE_LOOPS=$(loops 8) "$program" >"$T/$1.out" 2>&1) ||
				fail "$(tail -5 "$T/$1.out")"
			: >"$T/$1.passed"
		fi
		shift 2
	done
}
