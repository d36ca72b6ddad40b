#!/bin/bash
# Graphite lines over TCP and UDP arrive in a real carbon-cache, with the time
# and the value that they were sent with.
. "$(dirname "$0")/lib.sh"
need nc
start_carbon carbon
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$CARBON"]}
YAML
start_daemon

now=$(date +%s)
printf 'host1.cpu 0.25 %d\nhost1.mem 42 %d\n' "$now" "$((now - 100))" |
    nc -N -w2 127.0.0.1 "$GRAPHITE"
printf 'host1.disk -7 %d\n' "$now" | nc -u -q0 127.0.0.1 "$GRAPHITE"
wait_for 10 "a line over TCP" whisper_has "$WHISPER" host1.cpu 0.25
wait_for 10 "a line over UDP" whisper_has "$WHISPER" host1.disk -7
# whisper-fetch(1) does not tell times well when it leaves out empty points
point=$(whisper_points "$WHISPER" host1.mem)
[ "$point" = "$((now - 100)) 42" ] || fail "the older line is '$point'"
whisper-fetch --from=$((now - 101)) --until="$now" "$WHISPER/host1/mem.wsp" |
    seen "42\.000000" || fail "whisper-fetch does not see it"
stop_daemon
