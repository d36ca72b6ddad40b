#!/bin/bash
# What logger(1) sends by UDP and TCP, in both formats and both framings, and
# through a Unix socket, stands in a file by the program's name.
. "$(dirname "$0")/lib.sh"
need logger
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "{app}.log", flush_time: 100ms}
YAML
start_daemon

logger -n 127.0.0.1 -P "$SYSLOG" -d -t udp5424 --rfc5424 'over udp, rfc 5424'
logger -n 127.0.0.1 -P "$SYSLOG" -d -t udp3164 --rfc3164 'over udp, rfc 3164'
logger -n 127.0.0.1 -P "$SYSLOG" -d hello
logger -n 127.0.0.1 -P "$SYSLOG" -T -t tcp5424 --rfc5424 'over tcp, rfc 5424'
logger -n 127.0.0.1 -P "$SYSLOG" -T -t tcp3164 --rfc3164 'over tcp, rfc 3164'
logger -n 127.0.0.1 -P "$SYSLOG" -T --octet-count -t octets --rfc5424 'octet counted'
logger -u "$T/log.sock" -t local 'through a socket'
printf '<13>1 - - twoframes - - - first\n%d %s' 34 '<13>1 - - twoframes - - - second..' \
    >"/dev/tcp/127.0.0.1/$SYSLOG"

in_file() {
	grep -qF -- "$2" "$T/logs/$1.log"
}
for want in 'udp5424:over udp, rfc 5424' 'udp3164:over udp, rfc 3164' \
    'tcp5424:over tcp, rfc 5424' 'tcp3164:over tcp, rfc 3164' \
    'octets:octet counted' 'local:through a socket' \
    'twoframes:first' 'twoframes:second..'; do
	wait_for 10 "$want" in_file "${want%%:*}" "${want#*:}"
done
wait_for 10 "hello" logs_have "$T/logs" hello
wait_for 5 "the ledger" ledger_is log syslog delivered 9
ledger_closes log syslog || fail "the ledger does not close: $(page /api/ledger)"
stop_daemon
