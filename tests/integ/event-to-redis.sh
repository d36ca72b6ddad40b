#!/bin/bash
# An event that `millrace send` or redis-cli got an id for stands under that id
# in the real Redis stream, once, with its fields.
. "$(dirname "$0")/lib.sh"
start_redis
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}:{node}"}
YAML
start_daemon

id=$("$MILLRACE" send event orders msg=hello 'note=two words' \
    --to "resp://127.0.0.1:$RESP") || fail "send event: status $?"
in_stream() {
	redis xrange ev:orders:node1 "$1" "$1" | seen -xF -- "$2"
}
wait_for 10 "the event in its stream" in_stream "$id" hello
in_stream "$id" 'two words' || fail "its second field is not there"

id2=$(redis-cli -p "$RESP" xadd orders '*' msg 'from redis-cli')
wait_for 10 "redis-cli's event" in_stream "$id2" 'from redis-cli'

# an inline command, as a shell sends it
exec 3<>"/dev/tcp/127.0.0.1/$RESP"
printf 'XADD orders * msg inline\r\n' >&3
read -r -t 5 _ <&3 && read -r -t 5 id3 <&3
exec 3>&-
wait_for 10 "the inline event" in_stream "${id3%$'\r'}" inline

# the same producer's same event is one event, and the answer is its first id
a=$("$MILLRACE" send event orders msg=once --pid cron --iid 42 --to "resp://127.0.0.1:$RESP")
b=$("$MILLRACE" send event orders msg=once --pid cron --iid 42 --to "resp://127.0.0.1:$RESP")
[ -n "$a" ] && [ "$a" = "$b" ] || fail "ids of one event: '$a' '$b'"
length_is() {
	[ "$(redis xlen ev:orders:node1)" = "$1" ]
}
wait_for 10 "four events" length_is 4

# the ids' second parts have no gap
redis --raw xrange ev:orders:node1 - + | grep -E '^[0-9]+-[0-9]+$' |
    awk -F- 'NR > 1 && $2 != last + 1 { exit 1 } { last = $2 }' ||
	fail "a gap in the ids"

# a bad event is refused with a status that says so
"$MILLRACE" send event $'bad\nname' a=b --to "resp://127.0.0.1:$RESP" 2>/dev/null
[ $? -eq 65 ] || fail "a bad stream's name is no 65"
stop_daemon
