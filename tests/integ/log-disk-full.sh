#!/bin/bash
# The disk of the logs is full in the middle of a batch, then free again: what
# was acknowledged is there, nothing twice, nothing cut, and the log says so
# once a minute.  The directory is removed under us and is made again.
. "$(dirname "$0")/lib.sh"
need jq
here=$(dirname "$0")
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
mkdir -p "$T/disk"
mount -t tmpfs -o size=2m tmpfs "$T/disk" 2>/dev/null ||
	skip "may not mount a small disk"
trap 'umount -l "$T/disk" 2>/dev/null; finish' EXIT
ports RELP ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 2
syslog:
  listen: ["relp://127.0.0.1:$RELP"]
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/disk/logs", file: "{app}.log", rotate: 0, rotate_size: 0, flush_bytes: 16KiB}
YAML
start_daemon
[ "$("$PY" "$here/relp_client.py" "$RELP" 100 before)" = "answered 100" ] ||
	fail "not all was answered before"

# a sender of 40,000 messages of 70 bytes and more: it cannot all fit
"$PY" - "$RELP" >"$T/sender.log" 2>&1 <<'PYTHON' &
import socket, sys
port, total, window = int(sys.argv[1]), 40000, 500
s = socket.create_connection(("127.0.0.1", port))
s.settimeout(100)
s.sendall(b"1 open 30 relp_version=0\ncommands=syslog\n")
got = b""
while not got.endswith(b"commands=syslog\n"):
    got += s.recv(65536)
sent = acked = 0
rest = b""
while acked < total:
    while sent < total and sent - acked < window:
        m = b"<13>1 2026-01-02T03:04:05Z web1 full 1 - - number %d %s end" % (sent, b"x" * 20)
        s.sendall(b"%d syslog %d %s\n" % (sent + 2, len(m), m))
        sent += 1
    d = s.recv(65536)
    if not d:
        sys.exit("closed after %d" % acked)
    rest += d
    cut = rest.rfind(b"\n") + 1
    acked += rest[:cut].count(b" 200 OK")
    rest = rest[cut:]
    print("acked", acked, flush=True)
PYTHON
sender=$!
PIDS+=("$sender")
complains() {
	grep -q 'No space left on device' "$T/millrace.log"
}
wait_for 60 "the disk to be full" complains
acked() {
	tail -n 1 "$T/sender.log" | cut -d' ' -f2
}
numbers() {
	grep -ao 'number [0-9]* x* end$' "$T/disk/logs/full.log" | cut -d' ' -f2
}
sleep 2.5				# it is tried again each second meanwhile
before=$(acked)
[ "$(numbers | wc -l)" -ge "$before" ] ||
	fail "$before were acknowledged, $(numbers | wc -l) are there"
[ "$(acked)" -lt 40000 ] || fail "the disk was not full"
[ "$(tail -c 1 "$T/disk/logs/full.log" | od -An -tx1 | tr -d ' ')" = 0a ] ||
	fail "a line is cut"
mount -o remount,size=16m "$T/disk" || fail "no room can be made"
done_sending() {
	! kill -0 $sender 2>/dev/null
}
wait_for 100 "all to be acknowledged" done_sending
[ "$(acked)" = 40000 ] || fail "$(tail -n 2 "$T/sender.log")"
numbers | sort -n | cmp -s - <(seq 0 39999) ||
	fail "$(numbers | wc -l) lines, $(numbers | sort -u | wc -l) different, of 40000"
[ "$(wc -l <"$T/disk/logs/full.log")" = 40000 ] || fail "some lines are broken"
n=$(grep -c 'No space left on device' "$T/millrace.log")
[ "$n" -le 2 ] || fail "$n lines about one full disk"
grep -q 'writing again' "$T/millrace.log" || fail "it does not say that it is over"
wait_for 20 "the ledger" ledger_closes log relp

# the directory goes away
rm -rf "$T/disk/logs"
[ "$("$PY" "$here/relp_client.py" "$RELP" 50 removed)" = "answered 50" ] ||
	fail "not all was answered after the directory was removed"
[ "$(grep -c 'removed [0-9]* end' "$T/disk/logs/app.log")" = 50 ] ||
	fail "what was answered is not in the new directory"
stop_daemon
