#!/bin/bash
# The disk turns read-only (as ext4 does after an error) and back.
. "$(dirname "$0")/../lib.sh"
shim
redis_everysec
conf
small_files
start_shimmed
load 2 3000
moving
for call in write open allocate rename unlink; do inject $call error=EROFS times=-1; done
nap 10
for call in write open allocate rename unlink; do inject $call times=0; done
moving
kill_it "$DAEMON"
start_shimmed
moving
verdict
stop_daemon
