#!/bin/bash
# Redis gets a password the daemon does not have, then an ACL that forbids the
# stream, then lets it in again.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf "password: secret"
redis config set requirepass secret >/dev/null
export REDISCLI_AUTH=secret
start_daemon
load
grows
redis config set requirepass other >/dev/null
REDISCLI_AUTH=other redis client kill type normal skipme yes >/dev/null
moving
sleep 0.5
REDISCLI_AUTH=other redis config set requirepass secret >/dev/null
grows
redis acl setuser default resetkeys '~other:*' >/dev/null
moving
tells NOPERM
redis acl setuser default allkeys >/dev/null
grows
unload
shipped
"$MILLRACE" audit consume --redis "redis://:secret@127.0.0.1:$REDIS/0" --log "$T/seen" \
    ev:orders:node1 2>>audit.log || fail "consume: $?"
judge "$T"/acks* "$T/seen"
stop_daemon
