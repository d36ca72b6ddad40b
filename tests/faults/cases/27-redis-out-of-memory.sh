#!/bin/bash
# Redis refuses for want of memory, on and off.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
for ((i = 0; i < $(loops 4); i++)); do
	redis config set maxmemory 1 >/dev/null
	nap 2
	redis config set maxmemory 0 >/dev/null
	nap 2
done
redis config set maxmemory 1 >/dev/null
moving			# acknowledged all the same
redis config set maxmemory 0 >/dev/null
grows
# before it comes to that, nothing more is shipped
redis eval 'redis.call("set", "ballast", string.rep("x", 64000000))' 0 >/dev/null
used=$(redis info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p')
redis config set maxmemory $((used * 100 / 85)) >/dev/null
tells 'no more is shipped until it has room'
still() {	# what was on its way has come
	before=$(redis xlen ev:orders:node1)
	sleep 0.7
	[ "$(redis xlen ev:orders:node1)" = "$before" ]
}
wait_for 60 "nothing more to come" still
errors=$(redis info errorstats | grep -a OOM)
moving
sleep 0.5
moving
[ "$(redis xlen ev:orders:node1)" = "$before" ] || fail "still shipped at 85 % of its memory"
[ "$(redis info errorstats | grep -a OOM)" = "$errors" ] || fail "it was made to refuse"
redis config set maxmemory 0 >/dev/null
tells 'has room again'
grows
verdict
stop_daemon
