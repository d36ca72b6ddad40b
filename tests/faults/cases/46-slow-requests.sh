#!/bin/bash
# A request that trickles in byte by byte, while others are served.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 1 1000
moving
"$PY" - "$RESP" <<'PYTHON' || fail "the slow one was not served"
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
for byte in b"*5\r\n$4\r\nXADD\r\n$4\r\nslow\r\n$1\r\n*\r\n$1\r\nf\r\n$5\r\nvalue\r\n":
    s.send(bytes([byte]))
    time.sleep(0.02)
s.settimeout(20)
sys.exit(s.recv(100)[:1] != b"$")
PYTHON
WANTED=1
wait_for 60 "the slow event" has_all ev:slow:node1
verdict
stop_daemon
