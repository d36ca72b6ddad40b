#!/bin/bash
# A log file that was closed by size is packed, reads the same through zstdcat,
# zstdgrep and millrace grep, and no line is lost between open and closed ones.
. "$(dirname "$0")/lib.sh"
need zstdcat zstdgrep
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "all.log", flush_time: 100ms, rotate_size: 1MiB, compress: zstd}
YAML
start_daemon
n=20000
seq 0 $((n - 1)) | awk '{ printf "<13>1 2026-08-22T14:00:00.%06dZ host app - - - number=%d of many %d words\n",
    $1, $1, $1 * 7919 % 100003 }' >"$T/sent"
cat "$T/sent" >"/dev/tcp/127.0.0.1/$SYSLOG"
all() {
	cat "$T"/logs/*.log 2>/dev/null
	zstdcat -q "$T"/logs/*.zst 2>/dev/null
}
complete() {
	[ "$(all | grep -c number=)" = "$n" ] && ls "$T"/logs/*.zst && ! ls "$T"/logs/*@*.log
} >/dev/null 2>&1
wait_for 20 "all lines" complete
[ "$(all | grep -o 'number=[0-9]*' | sort -u | wc -l)" = "$n" ] || fail "some are doubled"
for f in "$T"/logs/*.zst; do
	zstd -q -t "$f" || fail "$f is no good"
done
for word in number=12345 number=77 77 'of many' Nothing; do
	zstdgrep -h -- "$word" "$T"/logs/*.zst | sort >"$T/want"
	"$MILLRACE" grep "$word" "$T"/logs/*.zst | sort >"$T/got"
	cmp "$T/want" "$T/got" || fail "grep $word"
done
"$MILLRACE" grep Nothing "$T/logs" >/dev/null
[ $? = 1 ] || fail "status of nothing found"
"$MILLRACE" grep '(' "$T/logs" 2>/dev/null
[ $? = 2 ] || fail "status of a bad pattern"
"$MILLRACE" grep '' "$T/logs" | sort -c -k1,1 || fail "not in time order"
stop_daemon
