#!/bin/bash
# A disk of 12 MiB, really full: Redis is away, the journal fills it, events
# are refused; Redis comes back and all goes on.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$T/state"
mount -t tmpfs -o size=12m millrace-test "$T/state" 2>/dev/null || skip "cannot mount"
trap 'rc=$?; umount -l "$T/state"; (exit $rc); finish' EXIT
redis_everysec
conf "window: 0s"
small_files
start_daemon
load 2 3000
grows
kill -STOP "$REDIS_PID"
full() {
	page /metrics | grep -aq 'reason="queue_full"' || grep -qa 'refused' "$T/millrace.log"
}
load 1 0
wait_for 60 "a full disk" full
kill -CONT "$REDIS_PID"
moving
verdict
stop_daemon
