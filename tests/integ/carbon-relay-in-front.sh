#!/bin/bash
# carbon's own relay sends pickles to us, and we deal them by carbon_ch to two
# real carbon-caches: each point is in the file of exactly one of them.  The same
# relay is behind us, too: lines go from us to it in pickles, and come back.
. "$(dirname "$0")/lib.sh"
need carbon-relay nc
start_carbon one
ONE=$CARBON W1=$WHISPER
start_carbon two
W2=$WHISPER
ports LINE PIN
write_conf <<YAML
clusters:
  relay: {servers: [{host: 127.0.0.1, port: $PIN, protocol: pickle}]}
  graphite: {method: carbon_ch, servers: ["127.0.0.1:$ONE=a", "127.0.0.1:$CARBON=b"]}
rules:
  - {name: behind, when: 'kind == metric && source == graphite && name =~ "^behind\\."', to: [relay]}
  - {name: rest, when: 'kind == metric && name =~ "^(behind|pickled)\\."', to: [graphite]}
  - {name: own, when: 'kind == metric', to: []}
YAML
sed -i "/^graphite:/,/listen/s|\[\"tcp|[\"pickle://127.0.0.1:$PICKLE\", \"tcp|" millrace.yaml
start_daemon
mkdir -p relay/conf relay/run relay/log
cat >relay/conf/carbon.conf <<CONF
[relay]
STORAGE_DIR = $T/relay
CONF_DIR = $T/relay/conf
LOG_DIR = $T/relay/log
PID_DIR = $T/relay/run
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = $LINE
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = $PIN
RELAY_METHOD = consistent-hashing
DESTINATIONS = 127.0.0.1:$PICKLE:a
CARBON_METRIC_INTERVAL = 0
ENABLE_LOGROTATION = False
CONF
cp one/conf/storage-schemas.conf relay/conf/
GRAPHITE_ROOT=$T/relay GRAPHITE_CONF_DIR=$T/relay/conf start relay carbon-relay --debug \
    --config "$T/relay/conf/carbon.conf" --pidfile "$T/relay/run/pid" start
wait_for 20 "carbon-relay" tcp_open "$LINE"
now=$(date +%s)
for i in $(seq 200); do echo "pickled.m$i $i.5 $now"; done | nc -q0 127.0.0.1 "$LINE"
wait_for 20 "200 points" ledger_is metric pickle delivered 200
files() {
	find "$1/pickled" -name '*.wsp' 2>/dev/null | wc -l
}
both() {
	[ $(($(files "$W1") + $(files "$W2"))) -eq 200 ]
}
wait_for 20 "200 files" both
[ "$(files "$W1")" -gt 20 ] && [ "$(files "$W2")" -gt 20 ] || fail "one cache has nearly all"
for i in 1 57 200; do
	w=$W1
	[ -f "$W1/pickled/m$i.wsp" ] || w=$W2
	wait_for 10 "the point of m$i" whisper_has "$w" "pickled.m$i" "$i.5"
done
for i in $(seq 200); do echo "behind.m$i $i.125 $now"; done | nc -q0 127.0.0.1 "$GRAPHITE"
wait_for 20 "200 points more" ledger_is metric pickle delivered 400
returned() {
	[ $(($(find "$W1/behind" -name '*.wsp' 2>/dev/null | wc -l) + $(find "$W2/behind" -name '*.wsp' 2>/dev/null | wc -l))) -eq 200 ]
}
wait_for 20 "200 files of what came back" returned
for i in 2 99 200; do
	w=$W1
	[ -f "$W1/behind/m$i.wsp" ] || w=$W2
	wait_for 10 "the point of m$i" whisper_has "$w" "behind.m$i" "$i.125"
done
stop_daemon
