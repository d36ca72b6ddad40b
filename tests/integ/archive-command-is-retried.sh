#!/bin/bash
# The command for closed files fails at first, and the daemon is killed (-9)
# meanwhile: every file is given to it until it succeeded, and none is removed
# before, however little may be kept; then they go.
. "$(dirname "$0")/lib.sh"
need zstdcat
cat >"$T/ship.sh" <<'SCRIPT'
#!/bin/sh
echo "$1" >>asked
[ -e store ] && cp "$1" store/
SCRIPT
chmod +x "$T/ship.sh"
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "all.log", rotate: 0, rotate_size: 64KiB, flush_bytes: 8KiB, flush_time: 20ms, compress: zstd, keep_size: 1, command: "cd $T && ./ship.sh"}
YAML
start_daemon
n=6000
"$PY" - "$SYSLOG" $n <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for i in range(int(sys.argv[2])):
    s.sendall(b"<13>1 - web1 app - - - number=%d. %s\n" % (i, b"x" * 40))
s.close()
PYTHON
# nobody acknowledges what comes over TCP: all must be in files before the kill
written() {
	{ zstdcat "$T"/logs/*.zst; cat "$T"/logs/*.log; } 2>/dev/null | grep -c 'number='
}
packed() {
	[ "$(find "$T/logs" -name '*.zst' | wc -l)" -ge 4 ] && [ -s asked ] &&
		! compgen -G "$T/logs/*@*.log" >/dev/null && [ "$(written)" -eq $n ]
}
wait_for 60 "packed files, and the command" packed
files=$(find "$T/logs" -name '*.zst' | wc -l)
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
before=$(wc -l <asked)
start_daemon
again() {
	[ "$(wc -l <asked)" -gt "$before" ]
}
wait_for 30 "the command again" again
[ "$(find "$T/logs" -name '*.zst' | wc -l)" -ge "$files" ] || fail "a file went before it was stored"
mkdir store
stored() {
	[ "$(find store -name '*.zst' | wc -l)" -ge "$files" ] && [ -z "$(find "$T/logs" -name '.*.todo')" ]
}
wait_for 90 "all files stored" stored
stop_daemon

# what is kept is looked at when it starts, too: now nothing holds them
start_daemon
gone() {
	[ -z "$(find "$T/logs" -name '*.zst')" ]
}
wait_for 60 "the stored files gone" gone
stop_daemon
{ zstdcat store/*.zst; cat "$T"/logs/all.log; } | grep -o 'number=[0-9]*\.' | tr -dc '0-9\n' | sort -n >got
seq 0 $((n - 1)) | cmp - got || fail "not each number once"
