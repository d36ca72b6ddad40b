#!/bin/bash
# SIGTERM under load: what was taken is answered, the rest is sent again to the
# next one.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
for ((i = 0; i < $(loops 3); i++)); do
	nap 3
	stop_daemon
	start_daemon
done
verdict
stop_daemon
