#!/bin/bash
# Writes that stop short, and calls that are interrupted.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
inject write limit=700
start_shimmed
load 2 2000
nap 5
inject write error=EINTR one_in=3 times=-1
inject sync error=EINTR one_in=5 times=-1
nap 8
kill_it "$DAEMON"
start_shimmed
moving
verdict
stop_daemon
