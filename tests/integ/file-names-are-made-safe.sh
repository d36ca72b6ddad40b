#!/bin/bash
# A sender's host and program names cannot lead a file out of the directory.
. "$(dirname "$0")/lib.sh"
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "{host}/{app}.log", flush_time: 100ms}
YAML
start_daemon
{
	printf '<13>1 - ../../../escape ../../x - - - up and away\n'
	printf '<13>1 - .. .. - - - dots\n'
	printf '<13>1 - /etc passwd - - - slash\n'
} >"/dev/tcp/127.0.0.1/$SYSLOG"
wait_for 10 "three logs" ledger_is log syslog delivered 3
wait_for 10 "them in files" logs_have "$T/logs" 'slash'
wait_for 10 "them in files" logs_have "$T/logs" 'up and away'
out=$(find "$T" -newer "$T/millrace.yaml" -type f ! -path "$T/logs/*" \
    ! -path "$T/state/*" ! -name millrace.log)
[ -z "$out" ] || fail "files outside: $out"
[ ! -e /etc/passwd.log ] || fail "/etc/passwd.log"
stop_daemon
