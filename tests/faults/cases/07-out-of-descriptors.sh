#!/bin/bash
# No descriptor is left for another connection, and the journal needs files.
. "$(dirname "$0")/../lib.sh"
need prlimit
redis_everysec
conf
small_files
start_daemon
load
moving
have=$(ls "/proc/$DAEMON/fd" | wc -l)
prlimit --pid "$DAEMON" --nofile=$((have + 2)):$((have + 2))
"$PY" - "$RESP" <<'PYTHON' &
import socket, sys, time
held = []
for _ in range(50):
    try:
        held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5))
    except OSError:
        pass
time.sleep(2)
PYTHON
holder=$!
nap 5
moving
wait $holder
kill_redis
redis_everysec
grows
verdict
stop_daemon
