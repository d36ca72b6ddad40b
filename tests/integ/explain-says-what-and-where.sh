#!/bin/bash
# millrace explain: the record of a line, the rules that it meets, the servers
# it goes to; names whose servers change between two configurations.
. "$(dirname "$0")/lib.sh"
need jq
cat >old.yaml <<'YAML'
statsd: {listen: ["udp://*:8125"]}
clusters:
  graphite: {method: carbon_ch, servers: ["10.0.0.1:2003=a", "10.0.0.2:2003=b", "10.0.0.3:2003=c"]}
streams: {events: {}}
archives: {logs: {dir: logs}}
rules:
  - {name: noise, when: 'kind == metric && name =~ "^debug\."', drop: true}
  - {name: alerts, when: 'kind == log && severity <= err', to: [logs, events]}
  - {name: rename, when: 'kind == metric && name =~ "^old\.(.+)$"', rewrite: "new.$1"}
YAML
sed 's/, "10.0.0.3:2003=c"//' old.yaml >new.yaml
explain() {
	"$MILLRACE" explain -c old.yaml "$@"
}
# is FILTER WANT - what jq finds in the answer in $out
is() {
	local got
	got=$(jq -c "$1" <<<"$out") || fail "no JSON: $out"
	[ "$got" = "$2" ] || fail "$1 is $got, not $2, in $out"
}

out=$(explain --json statsd <<<'old.a b:1|c|@0.5|#k:v') || fail "exit $?"
is '.records[0] | keys_unsorted | join(" ")' \
    '"kind source name tags type value rate"'
is '[.records[0] | .name, .tags.k, .value, .rate]' '["old.a_b","v",1,0.5]'
is .rules '["rename: is now called \"new.a_b\""]'
is '.to | map(startswith("graphite/10.0.0.")) | all' true
is .bad '[]'
out=$(explain --json statsd 'debug.x:1|c')
is '[.rules, .to]' '[["noise: drops it"],[]]'
out=$(explain --json statsd 'a:x|c:2|g')
is '[.bad, (.records | map(.type))]' '[["bad_value"],["gauge"]]'
out=$(explain --json graphite 'old.b;t=1 2.50 1755870377')
is '.records[0] | [.name, .tags, .type, .value, .time]' \
    '["old.b",{"t":"1"},"point",2.5,1755870377]'
out=$(explain --json graphite 'nothing')
is '[.records, .bad, .to]' '[[],["bad_fields"],[]]'
out=$(explain --json syslog '<11>1 2026-08-22T14:00:00Z web1 pay - - - no money')
is '.records[0] | [.kind, .host, .app, .severity, .body]' \
    '["log","web1","pay","err","no money"]'
is '.to | sort' '["events","logs"]'
out=$(explain --json resp "XADD orders * msg 'hello there'")
is '.records[0] | [.stream, .fields]' '["orders",[["msg","hello there"]]]'
is .to '["events"]'
out=$(explain --json resp 'DEL orders')
is '[.records, .bad]' '[[],["unknown_command"]]'

# one answer a line; for people too
[ "$(printf 'a:1|c\n\nb:1|c\n' | explain --json statsd | jq -c .bad | wc -l)" = 3 ] ||
	fail "not an answer for each line"
explain statsd 'old.x:1|c' | grep -q '  rule rename: is now called "new.x"' ||
	fail "no rule for people"
explain statsd 'x:1|c' | grep -q '  to graphite/10.0.0.[123]:2003=. as stats_counts.x$' ||
	fail "no place for people"

# where names live, and which ones move: only those of the server that went
for i in $(seq 100); do echo "host$i.cpu 1 1755870377"; done >lines
explain graphite --destinations <lines >where || fail "exit $?"
[ "$(wc -l <where)" = 100 ] || fail "100 lines, $(wc -l <where) answers"
grep -qvE '^host[0-9]+\.cpu	10\.0\.0\.[123]:2003=[abc]$' where &&
	fail "an odd destination: $(grep -vE '2003' where | head -1)"
[ "$(cut -f2 where | sort -u | wc -l)" = 3 ] || fail "a server has nothing"
"$MILLRACE" explain graphite --moved old.yaml new.yaml <lines >moved 2>count ||
	fail "exit $?"
diff <(cut -f1,2 moved) <(grep '=c$' where) || fail "not those of c moved"
grep -q "^$(wc -l <moved) of 100 names moved$" count || fail "$(cat count)"
[ "$("$MILLRACE" explain graphite --moved old.yaml old.yaml <lines 2>&1)" = \
    "0 of 100 names moved" ] || fail "names move without a change"
# of the relay's own files, and of one of each
printf 'cluster graphite carbon_ch 10.0.0.%d:2003=%s 10.0.0.%d:2003=%s%s ;\nmatch * send to graphite stop ;\n' \
    1 a 2 b ' 10.0.0.3:2003=c' >old.conf
sed 's/ 10.0.0.3:2003=c//' old.conf >new.conf
"$MILLRACE" explain graphite --moved old.conf new.conf <lines >moved.conf 2>count || fail "$(cat count)"
cmp -s moved moved.conf || fail "others move in carbon-c-relay's words"
"$MILLRACE" explain graphite --moved old.conf new.yaml <lines 2>/dev/null | cmp -s - moved ||
	fail "others move from its file to ours"
printf '[relay]\nRELAY_METHOD = consistent-hashing\nDESTINATIONS = 10.0.0.1:2004:a\n' >carbon.conf
"$MILLRACE" explain graphite --moved carbon.conf carbon.conf <lines 2>&1 | seen '^0 of 100 names moved$' ||
	fail "carbon.conf is not read"
echo 'match * send' >bad.conf
"$MILLRACE" explain graphite --moved old.conf bad.conf <lines 2>err
[ $? = 78 ] || fail "a broken file is not 78"
grep -q '^bad.conf:[12]:[0-9]*: ' err || fail "$(cat err)"

# usage and faults
explain nonsense x 2>/dev/null
[ $? = 64 ] || fail "an unknown protocol is not 64"
explain statsd --destinations 2>/dev/null </dev/null
[ $? = 64 ] || fail "--destinations without graphite is not 64"
echo 'nonsense: 1' >bad.yaml
"$MILLRACE" explain -c bad.yaml statsd a:1 2>err
[ $? = 78 ] || fail "a bad configuration is not 78"
grep -q '^bad.yaml:1:1:' err || fail "no place: $(cat err)"
