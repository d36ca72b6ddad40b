#!/bin/bash
# Redis is back and loads its file for a while: -LOADING.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
grows
redis eval 'for i = 1, 20000 do redis.call("set", "k" .. i, i) end' 0 >/dev/null
kill_redis
REDIS_SLOW=1
mkdir -p "$T/redis"
start redis redis-server --port "$REDIS" --bind 127.0.0.1 --dir "$T/redis" --save '' \
    --appendonly yes --key-load-delay 150 --loading-process-events-interval-bytes 1024
REDIS_PID=$PID
loading() {
	redis ping 2>&1 | seen LOADING
}
wait_for 20 "loading" loading
moving
wait_for 60 "loaded" redis_answers
grows
verdict
stop_daemon
