#!/bin/bash
# away.sh - one server is away for a while, lines keep coming: how long after
# its return all of them have arrived, with how much memory, and in what order.
#
# usage: tests/bench/away.sh [SECONDS [LINES_PER_SECOND]]	(60, 200000)
. "$(dirname "$0")/lib.sh"
away=${1:-60} rate=${2:-200000}
before=2 after=3
machine
start_sink server
S=$SINK SERVER=$SINK_PID
cat >sender.py <<'PYTHON'
import socket, sys, time
port, n, rate = map(int, sys.argv[1:4])
s = socket.create_connection(("127.0.0.1", port))
start, step = time.time(), rate // 50
for i in range(1, n + 1, step):
    s.sendall(b"".join(b"seq.s%d %d 1700000000\n" % (k % 1000, k) for k in range(i, min(i + step, n + 1))))
    ahead = start + i / rate - time.time()
    if ahead > 0:
        time.sleep(ahead)
print("sent in %.1f s" % (time.time() - start))
PYTHON
total=$(((before + away + after) * rate))
write_conf <<YAML
clusters:
  graphite: {servers: ["127.0.0.1:$S"], spool: 16GiB}
YAML
sed -i 's/^flush: .*/flush: {interval: 1h}/' millrace.yaml
bench_daemon
start_on "$BENCH_LOAD_CPU" sender "$PY" sender.py "$GRAPHITE" "$total" "$rate"
SENDER=$PID
sleep "$before"
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null
sleep "$away"
back=$(awk '{ print $1 }' /proc/uptime)
start_sink server "$S"
arrived() {
	[ "$(ledger metric graphite delivered)" = "$total" ]
}
got_all=no
within $((60 + away)) arrived && got_all=yes
settle stat -c %s server.txt >size.txt	# a second without a new byte
end=$(calc "$(awk '{ print $1 }' /proc/uptime) - 1")
wait "$SENDER"
heading "away $away s at $rate lines/s: $total lines, $(cat sender.log)"
awk -v total="$total" '/^seq\./ { if ($2 in seen) { twice++; next } seen[$2] = 1; n++
    if ($2 < last[$1]) late++; last[$1] = $2 }
    END { printf "arrived: %d of %d; out of order for their name: %d; twice: %d\n", n, total, late, twice
    exit n != total || late > 0 }' server.txt || got_all=no
printf 'the last one %.1f s after its return; dropped: %s\n' "$(calc "$end - $back")" "$(ledger metric graphite dropped)"
printf 'peak of memory: %s MiB; CPU %s us a line\n' "$(calc "$(peak_kib "$DAEMON") / 1024" %.0f)" "$(calc "$(cpu_ns "$DAEMON") / 1000 / $total" %.3f)"
stop_daemon
[ "$got_all" = yes ]
