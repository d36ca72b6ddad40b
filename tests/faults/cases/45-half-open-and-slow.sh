#!/bin/bash
# Half-open connections, and hundreds that send a byte now and then (45, 46).
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
proxy door "$RESP"
DOOR=$PROXY load 1 500
moving
"$PY" - "$RESP" <<'PYTHON' &
import socket, sys, time
port = int(sys.argv[1])
slow = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(300)]
text = b"XADD orders * slow loris\r\n"
for byte in text[:12]:
    for s in slow:
        try:
            s.send(bytes([byte]))
        except OSError:
            pass
    time.sleep(0.15)
PYTHON
slow=$!
load 1 1000
moving
wire door mute		# half-open: the other end is not there any more
sleep 1
moving
wait $slow
wire door rst
sleep 0.2
wire door pass
moving
verdict
stop_daemon
