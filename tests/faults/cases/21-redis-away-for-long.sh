#!/bin/bash
# Redis is not there when the daemon starts and for a while after, over a
# restart of the daemon.
. "$(dirname "$0")/../lib.sh"
ports REDIS
conf
start_daemon
load 2 5000
moving
sleep "$(loops 2)"
kill_it "$DAEMON"
start_daemon
moving
redis_everysec
grows
verdict
stop_daemon
