#!/bin/bash
# A stream's key is a string: it waits alone, and goes on when that is gone.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
redis set ev:poison:node1 mine >/dev/null
start_daemon
load 1 1000
load 1 1000 poison
grows
moving
tells 'ev:poison:node1.*WRONGTYPE'
grows			# the other one is not held up
redis del ev:poison:node1 >/dev/null
grows ev:poison:node1
verdict ev:orders:node1 ev:poison:node1
stop_daemon
