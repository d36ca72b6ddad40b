#!/bin/bash
# Somebody else adds to our stream: nothing of ours is added behind it, the
# operator is told, and when it is gone all goes on.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
grows
# a sequence of 0 is never ours; '*' may be the very id that ours has next
redis xadd ev:orders:node1 "$(($(date +%s%3N) + 1000))-0" some one-else >/dev/null
tells 'somebody else writes there'
moving
redis del ev:orders:node1 >/dev/null
grows
verdict
stop_daemon
