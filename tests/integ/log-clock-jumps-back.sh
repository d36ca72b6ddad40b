#!/bin/bash
# A clock that stands far in the future when files are begun, and is right
# afterwards: files go on, are closed, and what is acknowledged is there.
. "$(dirname "$0")/lib.sh"
need jq
here=$(dirname "$0")
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
ports RELP ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 1
syslog:
  listen: ["relp://127.0.0.1:$RELP"]
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}-{date}.log", format: json, rotate: 2s, compress: none}
YAML
send() {
	[ "$("$PY" "$here/relp_client.py" "$RELP" "$1" "$2")" = "answered $1" ] ||
		fail "not all was answered: $2"
}
MILLRACE_FAKE_TIME=$(($(date +%s) + 864000)) start_daemon
NOCLOSE=1 send 100 future
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
start_daemon				# ten days back
send 150 future				# 100 of them again
send 100 now
count() {
	find "$T/logs" -type f -exec cat {} + | grep -c "$1 [0-9]* end"
}
[ "$(count future)" = 150 ] || fail "$(count future) of 150"
[ "$(count now)" = 100 ] || fail "$(count now) of 100"
[ -n "$(find "$T/logs" -name "*$(date -u +%Y-%m-%d)*")" ] ||
	[ -n "$(find "$T/logs" -name "*$(date -u -d yesterday +%Y-%m-%d)*")" ] ||
	fail "no file of today: $(ls "$T/logs")"
closed() {
	find "$T/logs" -type f | seen -vE 'app-[0-9-]{10}\.log$'
}
wait_for 60 "a file to be closed" closed
[ "$(count now)" = 100 ] || fail "$(count now) of 100 after closing"
stop_daemon
