#!/bin/bash
# millrace grep's options give what zstdcat and grep give for a closed file: of
# either case, texts and expressions, counts, lines around; and times, fields,
# JSON and colours as they are meant.
. "$(dirname "$0")/lib.sh"
need zstdcat jq
write_conf <<YAML
archives:
  logs: {dir: "$T/logs", file: "all.log", flush_time: 100ms, rotate_size: 1MiB, compress: zstd}
YAML
start_daemon
seq 0 14999 | awk '{ printf "<13>1 2026-08-22T14:00:00.%06dZ h%d App[%d] - - - Number=%d (of many) %d words\n",
    $1, $1 % 7, $1, $1, $1 * 7919 % 100003 }' >"$T/sent"
cat "$T/sent" >"/dev/tcp/127.0.0.1/$SYSLOG"
packed() {
	f=$(ls "$T"/logs/*.zst | head -1) && [ -s "$f" ]
}
wait_for 60 "a packed file" packed
same() {	# OPTION... PATTERN
	zstdcat -q "$f" | grep -P "$@" >"$T/want"
	"$MILLRACE" grep --color never "$@" "$f" >"$T/got"
	cmp "$T/want" "$T/got" || fail "grep $*"
	[ -s "$T/want" ] || fail "a test that finds nothing: $*"
}
same 'Number=12[0-9]* '
same -i 'NUMBER=77[0-9] '
same -c 'h3 '
same -c -i 'number=1'
same -A 2 'Number=1234 '
same -B 3 'Number=1234 '
same -C 1 'Number=(12|13)00 '
same -C 2 'Number=[0-9]00 '
same 'Number=\d+ \(of'
zstdcat -q "$f" | grep -F '=77 (of' >"$T/want"
"$MILLRACE" grep -F '=77 (of' "$f" >"$T/got"
cmp "$T/want" "$T/got" || fail "-F"
[ "$("$MILLRACE" grep -c --since 2026-08-22T14:00:00.001000Z --until 2026-08-22T14:00:00.001099Z '' "$f")" = 100 ] ||
	fail "--since --until"
[ "$("$MILLRACE" grep -c --where 'host == "h3"' Number= "$f")" = "$(zstdcat -q "$f" | grep -c ' h3 ')" ] || fail "--where"
"$MILLRACE" grep --json 'Number=42 ' "$f" | jq -e '.kind == "log" and .host == "h0" and (.body | startswith("Number=42 "))' \
    >/dev/null || fail "--json"
"$MILLRACE" grep --colour always 'Number=42 ' "$f" | seen $'\033\\[1;31mNumber=42 \033\\[m' || fail "--colour"
"$MILLRACE" grep --stats 'Number=nowhere' "$f" 2>"$T/stats"
[ $? = 1 ] || fail "status of nothing found"
grep -q 'files 1, frames .* read 0, ' "$T/stats" || fail "--stats: $(cat "$T/stats")"
# one that was cut off: what is there, and the truth
head -c $(($(stat -c %s "$f") / 2)) "$f" >"$T/cut.zst"
"$MILLRACE" grep Number= "$T/cut.zst" >"$T/got" 2>"$T/told"
[ $? = 2 ] || fail "status of a file that was cut off"
grep -q 'cannot be read as a whole' "$T/told" || fail "a file that was cut off: $(cat "$T/told")"
{ zstdcat -q "$T/cut.zst" 2>/dev/null || :; } | grep Number= | cmp - "$T/got" || fail "lines of a file that was cut off"
[ -s "$T/got" ] || fail "no line of a file that was cut off"
"$MILLRACE" grep --where 'host ==' x "$f" 2>/dev/null
[ $? = 2 ] || fail "a bad --where"
stop_daemon
