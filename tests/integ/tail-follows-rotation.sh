#!/bin/bash
# Followed files: every line is stored once although the files are rotated by
# the real logrotate (create and copytruncate), the daemon ends, is killed (-9)
# and comes back, and files are renamed while it is away.
. "$(dirname "$0")/lib.sh"
LOGROTATE=$(command -v logrotate || command -v /usr/sbin/logrotate) ||
	skip "needs logrotate"
LINES_EACH=${LINES_EACH:-3000}
ports ADMIN
mkdir -p "$T/app"
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
tail: {files: ["$T/app/*.log"]}
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", format: json, flush_time: 100ms}
YAML
next=0
# lines FILE N - the next N numbers, one a line
lines() {
	seq -f 'number %.0f end' "$next" $((next + $2 - 1)) >>"$T/app/$1"
	next=$((next + $2))
}
numbers() {
	cat "$T"/logs/*.log 2>/dev/null | grep -ao 'number [0-9]* end' |
	    cut -d' ' -f2
}
all_once() {
	numbers | sort -n | cmp -s - <(seq 0 $((next - 1)))
}
await_all() {
	within 60 all_once && return
	fail "$1: $(numbers | wc -l) lines, $(numbers | sort -u | wc -l)" \
	    "different, of $next"
}

lines web.log "$LINES_EACH"
start_daemon
await_all "a file that was there"
printf 'number %d' $next >>"$T/app/web.log"	# half a line waits
sleep 0.3
echo ' end' >>"$T/app/web.log"
next=$((next + 1))
await_all "half a line"
lines other.log 10
await_all "a new file"

rotate() {
	printf '%s {\n rotate 5\n %s\n missingok\n}\n' "$T/app/$1" "$2" \
	    >"$T/rotate.conf"
	chmod 600 "$T/rotate.conf"
	"$LOGROTATE" -f -s "$T/rotate.state" "$T/rotate.conf" ||
		fail "logrotate does not"
}
for i in 1 2; do
	lines web.log "$LINES_EACH"
	exec 5>>"$T/app/web.log"		# who writes has it open still
	rotate web.log create
	seq -f 'number %.0f end' "$next" $((next + 99)) >&5
	next=$((next + 100))
	exec 5>&-
	lines web.log 50
	await_all "logrotate create $i"
	lines other.log "$LINES_EACH"
	await_all "before copytruncate $i"	# it is the one that loses
	rotate other.log copytruncate
	lines other.log $((LINES_EACH * i))
	await_all "logrotate copytruncate $i"
done

stop_daemon
lines web.log 500
mv "$T/app/web.log" "$T/app/web.log.old"	# while nobody looks
lines web.log 500
start_daemon
await_all "renamed while the daemon was away"

for i in 1 2 3; do
	lines web.log $((LINES_EACH * 3))
	lines other.log $((LINES_EACH * 3))
	sleep 0.0$((RANDOM % 10))
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	lines web.log 10
	start_daemon
	await_all "killed $i"
done
head -1 "$T/logs/web.log" | jq -e --arg f "$T/app/web.log" '.source == "tail" and
    .app == "web" and .body == "number 0 end" and .host != null and
    ([.sd[0].params[][1]] | index($f)) != null' >/dev/null ||
	fail "a record is not as it should be: $(head -1 "$T/logs/web.log")"
wait_for 10 "the ledger" ledger_closes log tail
stop_daemon
