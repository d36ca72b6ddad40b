#!/bin/bash
# A set with more members than it may be exact for is estimated, and said to be;
# names in memory are shown, and go when they are idle.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
sed -i 's/^flush: .*/flush: {interval: 100ms, delete_idle: true, sets: {exact: 100}}/' millrace.yaml
start_daemon
"$PY" - "$STATSD" <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"".join(b"few:%d|s\n" % i for i in range(100)))
s.sendall(b"".join(b"once%d:1|c\n" % i for i in range(500)))
s.sendall(b"".join(b"many:m%d|s\n" % i for i in range(5000)))
s.close()
PYTHON
wait_for 20 "all samples" ledger_atleast metric statsd delivered 5600
counts() {	# METRIC AT-LEAST AT-MOST
	local n
	n=$(prometheus "$1")
	[ "$n" -ge "$2" ] && [ "$n" -le "$3" ]
}
# one or two intervals that saw many; none that saw few
wait_for 20 "the set to be estimated" counts millrace_sets_estimated_total 1 3
wait_for 20 "its figure" grep -q '^stats\.sets\.many\.count ' graphite.txt
awk '$1 == "stats.sets.many.count" { n += $2 } END { exit !(n > 4700 && n < 5300) }' graphite.txt ||
	fail "many: $(grep many graphite.txt)"
awk '$1 == "stats.sets.few.count" { n += $2 } END { exit n != 100 }' graphite.txt ||
	fail "few: $(grep few graphite.txt)"
wait_for 60 "idle names to go" counts millrace_names 0 50
stop_daemon
