#!/bin/bash
# DuckDB (npm's, with its binary) reads packed log files as they are, skippable
# frames and all: line for line what zstdcat says, and as JSON each message as
# it was sent, with its quotes, tabs, line breaks and separators.
. "$(dirname "$0")/lib.sh"
need zstdcat
npm_peers npm-duckdb
here=$(cd "$(dirname "$0")" && pwd)
write_conf <<YAML
archives:
  lines: {dir: "$T/lines", file: "{host}.log", flush_time: 100ms, rotate_size: 1MiB, rotate: 3s, compress: zstd}
  json: {dir: "$T/json", file: "{host}.log", format: json, flush_time: 100ms, rotate_size: 1MiB, rotate: 3s, compress: zstd}
YAML
start_daemon
cat >send.py <<'PYTHON'
import socket, sys
port, n = int(sys.argv[1]), int(sys.argv[2])
odd = ["", '"quoted", and a comma', "it's 'so'", "tab\there", "a\nline\r\nbreak", "back\\slash \\n",
       "\x1f unit \x1e record \x1b[31m red", "grüße 日本 \U0001f680", "{\"a\": [1, \"}\"]}", "<13>1 - - - - - - forged", "x" * 9000]
s = socket.create_connection(("127.0.0.1", port))
out = open("sent", "w")
batch = b""
for i in range(n):
    body = "number=%d of many %d words %s" % (i, i * 7919 % 100003, odd[i % len(odd)])
    message = ("<13>1 2026-08-22T14:00:00.%06dZ host%d app - - - %s" % (i, i % 2, body)).encode()
    batch += b"%d %s" % (len(message), message)
    if i % 100 == 99 or i == n - 1:
        s.sendall(batch)
        batch = b""
    out.write("%s\thost%d\tapp\n" % (body.encode().hex().upper(), i % 2))
s.close()
PYTHON
n=22000
"$PY" send.py "$SYSLOG" $n

packed() {
	[ "$(zstdcat -q "$T/$1"/*.zst 2>/dev/null | wc -l)" = $n ]
}
for dir in lines json; do
	wait_for 60 "all lines in packed files" packed $dir
done
stop_daemon
duckdb() {	# lines|json
	NODE_PATH=$NPM node "$here/npm-duckdb/read.js" "$1" "$T/$1/*.zst" 2>"$T/duckdb.log" ||
		fail "DuckDB: $(cat "$T/duckdb.log")"
}

duckdb lines >lines.got
files=0 lines=0
for f in "$T"/lines/*.zst; do
	# of this file, in its order
	awk -F'\t' -v f="$f" '$2 == f { print $1 }' lines.got >got
	zstdcat "$f" | "$PY" -c '
import sys
for line in sys.stdin.buffer:
    print(line[:-1].hex().upper())' >want
	cmp want got || fail "$(basename "$f"): not line for line"
	[ "$(tail -c 4 "$f" | od -An -tx1)" = ' b1 ea 92 8f' ] || fail "$f has no seek table behind it"
	files=$((files + 1)) lines=$((lines + $(wc -l <want)))
done
[ $files -ge 4 ] || fail "only $files files"
[ "$lines" = "$(wc -l <lines.got)" ] || fail "DuckDB has lines of no file"

duckdb json | cut -f1-3 | sort >json.got
sort sent | cmp - json.got || fail "not message for message: $(diff <(sort sent) json.got | head -4 | cut -c1-300)"
say "$files packed files, $lines lines, $n messages"
