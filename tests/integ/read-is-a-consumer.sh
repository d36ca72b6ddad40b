#!/bin/bash
# `millrace read` hands every event over, acknowledges what was taken, takes up
# what it or a dead consumer left, gives up on poison into a dead stream, passes
# over what comes twice, and notices what is missing.
. "$(dirname "$0")/lib.sh"
need jq
start_redis
URL=redis://127.0.0.1:$REDIS/0
add() {
	local i
	for ((i = $1; i <= $2; i++)); do
		echo "XADD ev:o:n1 1000-$i n $i"
	done | redis >/dev/null
}
rd() {
	"$MILLRACE" read ev:o:n1 --redis "$URL" "$@" 2>>"$T/read.log"
}
pending() {
	redis xpending ev:o:n1 g | head -1
}
numbers() {
	jq -r '.fields[] | select(.[0] == "n") | .[1]' "$1" | tr '\n' ' '
}

# no group: the whole of it, JSON lines
add 1 5
rd --check >"$T/all.json" || fail "read: $?"
[ "$(numbers "$T/all.json")" = "1 2 3 4 5 " ] || fail "read $(numbers "$T/all.json")"
jq -es '.[2] | .id == "1000-3" and .kind == "event" and .stream == "ev:o:n1"
    and .time == 1' "$T/all.json" >/dev/null || fail "the JSON is not as told"

# a group: once each, acknowledged
rd --group g --count 3 >"$T/one.json" || fail "group: $?"
rd --group g >"$T/two.json" || fail "group: $?"
[ "$(numbers "$T/one.json")$(numbers "$T/two.json")" = "1 2 3 4 5 " ] ||
	fail "not once each"
[ "$(pending)" = 0 ] || fail "$(pending) are pending"

# a command: its success acknowledges; poison goes to the dead stream
add 6 9
cat >"$T/handler" <<'SH'
read -r line
n=$(jq -r '.fields[0][1]' <<<"$line")
echo "$n $MILLRACE_ID $MILLRACE_TRY" >>handled
[ "$n" != 7 ]
SH
rd --group g --exec "bash $T/handler" --max-tries 3 || fail "exec: $?"
printf '%s\n' "6 1000-6 1" "7 1000-7 1" "7 1000-7 2" "7 1000-7 3" \
    "8 1000-8 1" "9 1000-9 1" | diff - handled || fail "not handled so"
[ "$(pending)" = 0 ] || fail "$(pending) are pending"
redis --raw xrange ev:o:n1:dead - + | tr '\n' ' ' |
    grep -q 'n 7 _stream ev:o:n1 _id 1000-7 _group g _consumer .* _tries 3 _error exit status 1 ' ||
	fail "the dead stream has $(redis xrange ev:o:n1:dead - +)"

# killed while it had one: the same consumer takes it up again
add 10 11
start hung "$MILLRACE" read ev:o:n1 --redis "$URL" --group g --consumer c1 \
    --exec "touch $T/hangs; sleep 60"
wait_for 5 "the handler" test -e "$T/hangs"
kill -KILL "$PID"
wait "$PID" 2>/dev/null
[ "$(pending)" = 2 ] || fail "$(pending) pending after a kill"
rd --group g --consumer c1 --count 1 >"$T/again.json" || fail "again: $?"
[ "$(numbers "$T/again.json")" = "10 " ] || fail "did not take up its own"
# and another one takes over what is left for long
sleep 0.2
rd --group g --consumer c2 --claim 100 >"$T/claimed.json" || fail "claim: $?"
[ "$(numbers "$T/claimed.json")" = "11 " ] || fail "did not claim"
[ "$(pending)" = 0 ] || fail "$(pending) are pending"

# sequences 13 and 14 are missing
redis xadd ev:o:n1 1000-12 n 12 >/dev/null
redis xadd ev:o:n1 1000-15 n 15 >/dev/null
rd --group g --check >/dev/null
[ $? -eq 65 ] || fail "a gap went unnoticed"
grep -q 'missing: 2 of the sequences 13 to 14' "$T/read.log" || fail "no word of the gap"

# the stream was lost and shipped again: ids that were here are passed over
start wait "$MILLRACE" read ev:o:n1 --redis "$URL" --group g --block
cp "$T/wait.log" /dev/null
redis xadd ev:o:n1 1000-16 n 16 >/dev/null
wait_for 5 "event 16" grep -q '"16"' "$T/wait.log"
redis del ev:o:n1 >/dev/null
add 14 17
wait_for 10 "event 17" grep -q '"17"' "$T/wait.log"
kill -TERM "$PID"
wait "$PID" || fail "did not end well: $?"
grep -q '3 doubled' "$T/wait.log" || fail "$(tail -1 "$T/wait.log")"
[ "$(pending)" = 0 ] || fail "$(pending) are pending"

# bytes that are no text
redis-cli -p "$REDIS" -x xadd bin 1-1 b < <(printf '\377\000x') >/dev/null
"$MILLRACE" read bin --redis "$URL" 2>/dev/null |
    jq -e '.fields == [["b", {"base64": "/wB4"}]]' >/dev/null || fail "bytes"

# Redis goes away while it waits, and comes back
start back "$MILLRACE" read ev:o:n1 --redis "$URL" --group g --block
sleep 0.3
stop_pid "$REDIS_PID"
start_redis
redis xadd ev:o:n1 2000-18 n 18 >/dev/null
wait_for 15 "event 18" grep -q '"18"' "$T/back.log"
"$MILLRACE" read x --redis redis://127.0.0.1:1 >/dev/null 2>&1
[ $? -eq 75 ] || fail "no Redis is no 75"
"$MILLRACE" read x --group g --from 1-1 >/dev/null 2>&1
[ $? -eq 64 ] || fail "misuse is no 64"
