#!/usr/bin/python3
"""control.py FILE new | set CALL NAME=N... | clock SECONDS | get CALL NAME

Rules for shim.so, in the file that it maps (see shim.c)."""
import errno, os, struct, sys

CALLS = "write sync rename allocate read open unlink send memory".split()
NAMES = "error times delay_ms kill_in limit one_in calls hits".split()
CLOCK = len(CALLS) * 32

path, what = sys.argv[1:3]
if what == "new":
    with open(path, "wb") as f:
        f.write(bytes(4096))
    sys.exit()
with open(path, "r+b", buffering=0) as f:
    if what == "clock":
        f.seek(CLOCK)
        f.write(struct.pack("<q", int(sys.argv[3])))
        sys.exit()
    base = CALLS.index(sys.argv[3]) * 32
    if what == "get":
        f.seek(base + 4 * NAMES.index(sys.argv[4]))
        print(struct.unpack("<i", f.read(4))[0])
        sys.exit()
    # the number of times last: what else there is is ready then
    for word in sorted(sys.argv[4:], key=lambda w: w.startswith("times")):
        name, value = word.split("=")
        n = getattr(errno, value) if value.startswith("E") else int(value)
        f.seek(base + 4 * NAMES.index(name))
        f.write(struct.pack("<i", n))
