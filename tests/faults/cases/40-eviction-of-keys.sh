#!/bin/bash
# A Redis that would evict whole streams gets none, until that is put right.
. "$(dirname "$0")/../lib.sh"
redis_everysec --maxmemory-policy allkeys-lru
conf
start_daemon
load
tells 'refused.*maxmemory-policy'
moving
[ "$(redis dbsize)" = 0 ] || fail "it was given events"
redis config set maxmemory-policy noeviction >/dev/null
grows
verdict
stop_daemon
