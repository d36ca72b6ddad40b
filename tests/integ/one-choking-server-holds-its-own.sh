#!/bin/bash
# Two servers, one stops reading: a connection whose lines go there is held
# back, one whose lines go to the other is not, and neither loses a line.
. "$(dirname "$0")/lib.sh"
start_sink slow
SLOW=$SINK SLOW_PID=$SINK_PID
start_sink quick
write_conf <<YAML
clusters:
  slow: {servers: ["127.0.0.1:$SLOW"], queue: 1MiB}
  quick: {servers: ["127.0.0.1:$SINK"]}
rules:
  - {when: 'name =~ "^slow"', to: [slow]}
  - {when: 'name =~ "^quick"', to: [quick]}
  - {when: 'kind == metric', drop: true}
YAML
sed -i '/^graphite:/a\  backpressure: true' millrace.yaml
start_daemon
kill -STOP "$SLOW_PID"
start slowly "$MILLRACE" flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 2000000 \
    --rate 0 --prefix slow --report json
SENDER=$PID
sleep 2
kill -0 "$SENDER" 2>/dev/null || fail "its sender was not held back"
flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --count 300000 --rate 0 --prefix quick \
    >flood.json || fail "the other sender"
wait_for 10 "all lines at the other server" has_lines quick.txt 300000
kill -0 "$SENDER" 2>/dev/null || fail "its sender was let go too early"
kill -CONT "$SLOW_PID"
wait_for 60 "all lines at the server that was slow" has_lines slow.txt 2000000
wait_for 10 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] || fail "lines were dropped"
stop_daemon
