#!/bin/bash
# A client that sends and never reads what it is told.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 1 1000
"$PY" - "$RESP" <<'PYTHON' &
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
end = time.time() + 4
s.settimeout(0.5)
try:
    while time.time() < end:
        try:
            s.sendall(b"XADD mute * f vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\r\n" * 1000)
        except TimeoutError:
            pass
except OSError:
    pass
PYTHON
mute=$!
moving
wait $mute
moving
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
[ -n "$(nm "$MILLRACE" 2>/dev/null | grep -m1 __.san_init)" ] || [ "$rss" -lt 200000 ] ||
	fail "it takes $rss KiB"
verdict
stop_daemon
