#!/bin/bash
# timers: {quantiles: sketch}: percentiles within the stated error, everything
# else exact, and memory that does not grow with the samples.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
sed -i 's/^flush: .*/flush: {interval: 4s, percentiles: [50, 99], delete_idle: true, timers: {quantiles: sketch, error: 0.01}}/' millrace.yaml
start_daemon
"$PY" - "$STATSD" <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"few:3|ms\nfew:1|ms\n")
for i in range(400):
    s.sendall(b"".join(b"many:%d|ms\n" % (1 + (i * 1000 + j) % 10000) for j in range(1000)))
s.close()
PYTHON
wait_for 10 "all samples" ledger_atleast metric statsd delivered 400002
rss=$(awk '/^VmRSS/ { print $2 }' /proc/"$DAEMON"/status)
wait_for 10 "the flush" grep -q 'timers\.few\.mean' graphite.txt
value() {
	awk -v n="stats.timers.$1" '$1 == n { v += $2 } END { print v + 0 }' graphite.txt
}
wait_for 10 "the count" test "$(value many.count)" = 400000
[ "$(value many.sum)" = 2000200000 ] || fail "sum $(value many.sum)"
[ "$(value few.upper)" = 3 ] && [ "$(value few.median)" = 2 ] || fail "few: upper $(value few.upper), median $(value few.median)"
grep '^stats\.timers\.many\.upper_99 ' graphite.txt | awk '{ if ($2 < 9900 * 0.985 || $2 > 9900 * 1.015) exit 1 }' || fail "upper_99 $(value many.upper_99)"
grep '^stats\.timers\.many\.upper_50 ' graphite.txt | awk '{ if ($2 < 5000 * 0.975 || $2 > 5000 * 1.025) exit 1 }' || fail "upper_50 $(value many.upper_50)"
say "$rss KiB"
stop_daemon
