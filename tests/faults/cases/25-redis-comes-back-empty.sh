#!/bin/bash
# Redis is killed and comes back with nothing, then with an old backup.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
grows
redis save >/dev/null
cp "$T/redis/dump.rdb" "$T/backup.rdb"
nap 5
kill_redis
rm -rf "$T/redis"
redis_everysec
grows
kill_redis
rm -rf "$T/redis"
mkdir "$T/redis"
cp "$T/backup.rdb" "$T/redis/dump.rdb"
start_redis
grows
unload
shipped
# and once more, with the daemon started anew while nothing is sent
kill_it "$DAEMON"
kill_redis
cp "$T/backup.rdb" "$T/redis/dump.rdb"
start_redis
start_daemon
verdict
stop_daemon
