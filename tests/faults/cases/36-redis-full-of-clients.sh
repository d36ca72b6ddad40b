#!/bin/bash
# Redis takes no further client.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load
grows
exec 9<>"/dev/tcp/127.0.0.1/$REDIS"
printf 'CONFIG SET maxclients 1\r\nCLIENT KILL TYPE normal SKIPME yes\r\n' >&9
sleep 1.5
moving
printf 'CONFIG SET maxclients 1000\r\n' >&9
grows
verdict
stop_daemon
