#!/bin/bash
# With no Redis events are kept in the journal, and `millrace read` gives them
# back from its files, also while the daemon has them open.
. "$(dirname "$0")/lib.sh"
need jq
write_conf <<YAML
streams:
  events: {window: 10m}
YAML
start_daemon
for i in 1 2 3; do
	"$MILLRACE" send event orders "n=$i" --to "resp://127.0.0.1:$RESP" >>"$T/ids" ||
		fail "send event: $?"
	"$MILLRACE" send event other "n=$i" --to "resp://127.0.0.1:$RESP" >/dev/null
done
rd() {
	"$MILLRACE" read --journal "$T/state/journal" "$@" 2>>"$T/read.log"
}
rd orders --check | jq -r .id | diff "$T/ids" - || fail "while it runs"
rd orders --from "$(head -1 "$T/ids")" | jq -r .id | diff <(tail -2 "$T/ids") - ||
	fail "--from"
[ "$(rd - | wc -l)" = 6 ] || fail "all streams"
[ "$(rd - --count 4 | wc -l)" = 4 ] || fail "--count"
rd orders --exec 'cat >>got' || fail "--exec"
[ "$(lines_in got)" = 3 ] || fail "--exec got $(lines_in got)"
start tail "$MILLRACE" read orders --journal "$T/state/journal" --block
wait_for 5 "what is there" has_lines "$T/tail.log" 3
"$MILLRACE" send event orders n=4 --to "resp://127.0.0.1:$RESP" >>"$T/ids"
wait_for 10 "the fourth" grep -q "$(tail -1 "$T/ids")" "$T/tail.log"
stop_daemon
rd orders | jq -r .id | diff "$T/ids" - || fail "after its end"
rd orders --journal "$T/none" >/dev/null
[ $? -eq 66 ] || fail "no journal is no 66"

# a group goes on where it was, tries again, and gives up on poison
cat >"$T/handler" <<'SH'
read -r line
n=$(jq -r '.fields[0][1]' <<<"$line")
echo "$n $MILLRACE_TRY" >>handled
[ "$n" != 2 ] && { [ "$n" != 3 ] || [ "$MILLRACE_TRY" -gt 1 ]; }
SH
rd orders --group g --count 1 --exec "bash $T/handler" || fail "a group: $?"
rd orders --group g --max-tries 2 --exec "bash $T/handler" || fail "a group goes on: $?"
printf '%s\n' "1 1" "2 1" "2 2" "3 1" "3 2" "4 1" | diff - handled || fail "not handled so"
jq -e '.tries == 2 and .error == "exit status 1" and .event.fields == [["n", "2"]]' \
    "$T/state/journal.groups/g/orders.dead" >/dev/null || fail "the dead one"
rd orders --group g --exec "bash $T/handler" || fail "nothing is left: $?"
[ "$(lines_in handled)" = 6 ] || fail "again: $(cat handled)"
[ "$(rd orders --group other | wc -l)" = 4 ] || fail "another group has its own place"
[ "$(rd - --group a/b | wc -l)" = 7 ] && [ "$(rd - --group a/b | wc -l)" = 0 ] || fail "all streams"
# killed with one in hand: that one comes again, and no other
start_daemon
"$MILLRACE" send event orders n=5 --to "resp://127.0.0.1:$RESP" >>"$T/ids" || fail "send"
start hung "$MILLRACE" read orders --journal "$T/state/journal" --group g --block \
    --exec "touch $T/hangs; sleep 60"
wait_for 20 "the handler" test -e "$T/hangs"
rd orders --group g >/dev/null
[ $? -eq 75 ] || fail "two at once in a group"
kill -KILL "$PID"
wait "$PID" 2>/dev/null
[ "$(rd orders --group g --check | jq -r '.fields[0][1]')" = 5 ] || fail "the fifth, again"
stop_daemon
# another journal in its place is read from its beginning
rm -r "$T/state"/journal "$T/state"/journal.groups/g/*.lock
start_daemon
"$MILLRACE" send event orders n=new --to "resp://127.0.0.1:$RESP" >/dev/null || fail "send"
[ "$(rd orders --group g | jq -r '.fields[0][1]')" = new ] || fail "a new journal"
stop_daemon
