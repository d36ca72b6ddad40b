#!/bin/bash
# A search that takes long says on a terminal how far it is, and takes that away
# again; a short one, and one whose errors go to a file, says nothing.  It is
# made to take long by a reader that does not read.
. "$(dirname "$0")/lib.sh"
"$PY" - >"$T/all.log" <<'PYTHON'
for i in range(100000):
    print("2026-08-22T14:00:%02d.%06dZ web1 app[42]: number %d of many, and some words to fill it up" %
          (i // 2000 % 60, i * 37 % 1000000, i))
PYTHON
cat >"$T/terminal.py" <<'PYTHON'
import os, pty, select, subprocess, sys, time
def search(seconds, stderr):
    mine, theirs = pty.openpty()
    p = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=theirs if stderr is None else stderr)
    os.close(theirs)
    time.sleep(seconds)		# the pipe is full, the search waits
    lines = sum(1 for _ in p.stdout)
    p.wait()
    told = b""
    while select.select([mine], [], [], 0)[0]:
        try:
            got = os.read(mine, 65536)
        except OSError:
            break
        if not got:
            break
        told += got
    os.close(mine)
    return lines, told
lines, told = search(2.5, None)
assert lines == 100000, lines
assert b" frames, " in told and b" %, " in told, told
assert told.endswith(b"\r\x1b[K"), told[-80:]
with open("stderr.txt", "wb") as f:
    assert search(2.5, f) == (100000, b"")
assert os.path.getsize("stderr.txt") == 0
print("shown: %r" % told.split(b"\r\x1b[K")[1])
PYTHON
"$PY" "$T/terminal.py" "$MILLRACE" grep number "$T/all.log" >told.txt 2>&1 || fail "$(cat told.txt)"
say "$(cat told.txt)"

# both on one terminal: no line of the output has the rest of the other on it
"$PY" - "$MILLRACE" "$T/all.log" <<'PYTHON' >told.txt 2>&1 || fail "$(cat told.txt)"
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "grep", "--color", "never", "number", sys.argv[2]])
time.sleep(2.5)
text = bytearray()
while True:
    try:
        got = os.read(fd, 65536)
    except OSError:
        break
    if not got:
        break
    text += got
assert os.waitpid(pid, 0)[1] == 0
text = bytes(text)
lines = 0
for line in text.split(b"\n"):
    shown = line.split(b"\r\x1b[K")[-1].strip(b"\r")
    if b" number " in shown:
        lines += 1
        assert shown.startswith(b"2026-") and shown.endswith(b"fill it up"), shown
assert lines == 100000, lines
assert b" frames, " in text
PYTHON
