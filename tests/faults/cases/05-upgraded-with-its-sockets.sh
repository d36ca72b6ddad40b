#!/bin/bash
# An upgrade under systemd: the socket outlives the daemon, so nobody is turned
# away while there is none.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
cat >"$T/hold.py" <<'PYTHON'
import os, signal, socket, subprocess, sys, time
port, program, conf = int(sys.argv[1]), sys.argv[2], sys.argv[3]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", port))
s.listen(1024)
s.set_inheritable(True)
asked = False
def again(*_):
    global asked
    asked = True
signal.signal(signal.SIGUSR1, again)
ended = False
def end(*_):
    global ended
    ended = True
signal.signal(signal.SIGTERM, end)
def begin():
    pid = os.fork()
    if pid == 0:
        os.dup2(s.fileno(), 3)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        os.execv(program, [program, "-c", conf])
    return pid
pid = begin()
while not ended:
    time.sleep(0.02)
    if asked:
        asked = False
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        pid = begin()
os.kill(pid, signal.SIGTERM)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
start millrace "$PY" "$T/hold.py" "$RESP" "$MILLRACE" "$T/millrace.yaml"
DAEMON=$PID
wait_for 60 "the daemon" page_ok /readyz
load
for ((i = 0; i < $(loops 3); i++)); do
	nap 4
	kill -USR1 "$DAEMON"
	# never refused: the socket is there all the while
	for j in 1 2 3 4 5; do tcp_open "$RESP" || fail "a client was refused"; done
	wait_for 60 "the daemon again" page_ok /readyz
	moving
done
verdict
stop_daemon
