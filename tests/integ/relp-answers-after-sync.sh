#!/bin/bash
# A RELP answer means "on disk": in the order of the system calls the line is
# written, the file is synced, and then the answer is sent; and a thousand
# messages that come together need few syncs and few sends.
. "$(dirname "$0")/lib.sh"
need strace
strace -o /dev/null true 2>/dev/null || skip "may not trace"
here=$(dirname "$0")
case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
ports RELP ADMIN
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 1
syslog:
  listen: ["relp://127.0.0.1:$RELP"]
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", flush_time: 1s}
YAML
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"	# it cannot be traced twice
start millrace strace -D -f -s 1000000 -o "$T/trace" \
    -e trace=write,writev,pwrite64,fdatasync,fsync,syncfs,sendto,sendmsg,openat \
    "$MILLRACE" -c "$T/millrace.yaml"
DAEMON=$PID
wait_for 60 "the daemon" page_ok /readyz

[ "$("$PY" "$here/relp_client.py" "$RELP" 1 single)" = "answered 1" ] ||
	fail "one message was not answered"
[ "$("$PY" "$here/relp_client.py" "$RELP" 1000 many)" = "answered 1000" ] ||
	fail "not all of a thousand messages were answered"
[ "$(grep -c 'many [0-9]* end' "$T/logs/app.log")" = 1000 ] ||
	fail "a thousand messages are not in the file"
stop_daemon

"$PY" - "$T/trace" <<'PYTHON' || fail "the order of system calls: see above"
import re, sys
# Lines are counted by their ends: when written, and when what was written is
# synced.  The next ones may be on their way to the file already when the answer
# to those before goes out; there must never be more answers than synced lines.
files, began = {}, {}
written = synced = syncs = sends = answers = 0
for line in open(sys.argv[1], errors="replace"):
    m = re.match(r"(\d+)\s+(.*)", line)
    thread, call = m.group(1), m.group(2)
    if call.endswith("<unfinished ...>"):
        began[thread] = call[:-len("<unfinished ...>")]
        if not re.match(r"send|write", call):
            continue                # what is sent counts from its beginning
        call = began[thread]
    elif "resumed>" in call:
        head = began.pop(thread, "")
        if re.match(r"send|write", head):
            continue
        call = head + call.split("resumed>", 1)[1]
    m = re.match(r'openat\(.*?"([^"]*)".*= (\d+)$', call)
    if m:
        if m.group(1).endswith("app.log"):
            files[m.group(2)] = True
        else:
            files.pop(m.group(2), None)
        continue
    m = re.match(r"(fdatasync|fsync)\((\d+)\s*\)\s*= 0", call)
    if m and m.group(2) in files:
        syncs += 1
        synced = written
        continue
    if call.startswith("syncfs("):
        synced = written
        continue
    m = re.match(r"(write|writev|pwrite64)\((\d+),", call)
    if m and m.group(2) in files:
        written += call.count("\\n")
        continue
    if "rsp 6 200 OK" in call:
        sends += 1
        answers += call.count("rsp 6 200 OK")
        if answers > synced:
            sys.exit(f"{answers} answers, {synced} lines synced: " + line[:300])
print(f"{syncs} syncs, {sends} sends with {answers} answers", file=sys.stderr)
if answers != 1001 or synced != 1001:
    sys.exit(f"{answers} answers and {synced} synced lines of 1001")
if syncs < 2 or sends < 2:
    sys.exit("the trace does not show what it should")
if syncs > 100 or sends > 100:
    sys.exit("no group commit: a sync or a send for each message")
PYTHON
