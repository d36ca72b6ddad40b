#!/bin/bash
# MISCONF: Redis cannot save, and so takes no writes.
. "$(dirname "$0")/../lib.sh"
start_redis
conf
start_daemon
load
grows
redis config set save "3600 1" >/dev/null
ln -s /dev/full "$T/redis/gone"
redis config set dbfilename gone/x.rdb >/dev/null 2>&1 ||
	redis config set dir /proc >/dev/null 2>&1 || :
rm -f "$T/redis/dump.rdb"
mkdir -p "$T/redis/dump.rdb/x"		# cannot be replaced by a file
redis bgsave >/dev/null 2>&1
misconf() {
	redis set x y 2>&1 | seen MISCONF
}
wait_for 30 "MISCONF" misconf
moving
rm -rf "$T/redis/dump.rdb"
redis config set dir "$T/redis" >/dev/null 2>&1
redis config set stop-writes-on-bgsave-error no >/dev/null
grows
verdict
stop_daemon
