#!/bin/bash
# Thousands of clients that come and go, most without a word.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 2 1000
"$PY" - "$RESP" "$((${LOOPS:-0} > 0 ? 10000 : 2000))" <<'PYTHON' || fail "the storm"
import socket, struct, sys
port, n = int(sys.argv[1]), int(sys.argv[2])
for i in range(n):
    s = socket.create_connection(("127.0.0.1", port), 20)
    if i % 3 == 0:
        s.sendall(b"PING\r\n")
    if i % 5 == 0:
        s.sendall(b"*5\r\n$4\r\nXADD\r\n$6\r\nord")
    if i % 2 == 0:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
PYTHON
moving
verdict
stop_daemon
