#!/bin/bash
# What a RELP sender sends again after its connection broke is stored once,
# over a kill -9 as well, and counted; what comes again after a proper close is
# another message.
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
ports RELP ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
syslog:
  listen: ["relp://127.0.0.1:$RELP"]
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", format: json}
YAML
start_daemon
send() {
	[ "$("$PY" "$here/relp_client.py" "$RELP" "$@")" = "answered $1" ] ||
		fail "not all was answered: $*"
}
count() {
	cat "$T/logs/app.log" | grep -c "$1 [0-9]* end"
}

NOCLOSE=1 send 300 broken
send 500 broken			# 300 again, and 200 new ones
[ "$(count broken)" = 500 ] || fail "repeats: $(count broken) of 500"
ledger_is log relp dropped.duplicate 300 || fail "300 repeats are not counted"
ledger_closes log relp || fail "the ledger does not close"

send 10 closed
send 10 closed
[ "$(count closed)" = 20 ] || fail "two proper connections are two messages"

NOCLOSE=1 send 300 killed
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
start_daemon
send 400 killed
[ "$(count killed)" = 400 ] || fail "after a kill: $(count killed) of 400"
ledger_is log relp dropped.duplicate 300 || fail "300 repeats are not counted"
stop_daemon
