#!/bin/bash
# Events by curl: JSON, NDJSON, CloudEvents in all three modes, a repeated
# Idempotency-Key; each stands in the real Redis stream exactly once, under the
# id that was answered.  What is refused (4xx, 5xx) is certainly not there.
. "$(dirname "$0")/lib.sh"
need curl jq openssl
start_redis
ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN HTTP HTTPS
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$T/key.pem" -out "$T/cert.pem" \
    2>/dev/null || fail "no certificate"
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
YAML
sed -i "s|listen: \[\"resp://127.0.0.1:$RESP\"\]|listen: [\"resp://127.0.0.1:$RESP\", \"http://127.0.0.1:$HTTP\", \"https://127.0.0.1:$HTTPS\"]\n  tls: {cert: $T/cert.pem, key: $T/key.pem}\n  max_batch: 256KiB|" "$T/millrace.yaml"
start_daemon
U=http://127.0.0.1:$HTTP/events

# post STREAM CURL-ARGUMENTS... - sets CODE and BODY
post() {
	local stream=$1
	shift
	BODY=$(curl -sS --max-time 30 -w '\n%{http_code}' "$@" "$U/$stream") ||
		fail "curl $*: $?"
	CODE=${BODY##*$'\n'}
	BODY=${BODY%$'\n'*}
}
good() {
	[ "$CODE" = 200 ] || fail "$1: $CODE $BODY"
}
refused() {	# CODE REASON
	[ "$CODE" = "$1" ] || fail "expected $1, not $CODE: $BODY"
	[ "$(jq -r .error <<<"$BODY")" = "$2" ] || fail "expected $2, not $BODY"
}
J='content-type: application/json'
length_is() {
	[ "$(redis xlen "ev:$1")" = "$2" ]
}
entry_is() {	# STREAM ID LINES: the fields and values
	[ "$(redis --raw xrange "ev:$1" "$2" "$2" | tail -n +2)" = "$3" ]
}

post orders -H "$J" -d '{"id":17,"price":1.10,"big":12345678901234567890123,"ok":true,"none":null,"who":"Zo\u00eb \ud83d\ude00","lines":[{"a":1}, 2]}'
good "an object"
id=$(jq -r .id <<<"$BODY")
wait_for 20 "the order" length_is orders 1
entry_is orders "$id" $'id\n17\nprice\n1.10\nbig\n12345678901234567890123\nok\ntrue\nnone\n\nwho\nZoë 😀\nlines\n[{"a":1}, 2]' ||
	fail "it is not what was sent: $(redis --raw xrange ev:orders - +)"

# lines, and an array; ids in order
post batch -H 'content-type: application/x-ndjson' \
    --data-binary $'{"n":1}\n{"n":2}\r\n\n{"n":3}'; good ndjson
[ "$(jq '.ids | length' <<<"$BODY")" = 3 ] || fail "three ids: $BODY"
post batch -H "$J" -d '[{"n":4},{"n":5}]'; good array
wait_for 20 "five of the batches" length_is batch 5
[ "$(redis --raw xrange ev:batch - + | paste -sd' ' | sed -E 's/[0-9]+-[0-9]+ //g')" = "n 1 n 2 n 3 n 4 n 5" ] ||
	fail "the batches: $(redis --raw xrange ev:batch - +)"

# a repeated key is the same event, with the same id; a batch too; and over RESP
for i in 1 2 3; do
	post once -H "$J" -H 'Idempotency-Key: 0a1b2c' -d '{"pay":5}'; good key
	first=${first:-$(jq -r .id <<<"$BODY")}
	[ "$(jq -r .id <<<"$BODY")" = "$first" ] || fail "another id: $BODY $first"
	post once -H "$J" -H 'Idempotency-Key: "batch-7"' -d '[{"n":1},{"n":2}]'; good "batch key"
done
[ "$(jq .duplicates <<<"$BODY")" = 2 ] || fail "no duplicates told: $BODY"
post once -H "$J" -H 'Idempotency-Key: 99' -H 'Idempotency-Producer: till-4' -d '{"n":3}'; good producer
[ "$(redis-cli -p "$RESP" xadd once IDMP till-4 99 '*' n 3)" = "$(jq -r .id <<<"$BODY")" ] ||
	fail "the other door does not know it"
wait_for 20 "the keyed ones" length_is once 4

# CloudEvents: binary, structured, batched; source and id are the key
ce() {
	post cloud -H 'ce-specversion: 1.0' -H 'ce-id: A1' -H 'ce-source: /till/%34' \
	    -H 'ce-type: sale' -H 'content-type: text/plain' -d 'two coffees'
}
ce; good binary; id=$(jq -r .id <<<"$BODY"); ce; good "binary again"
[ "$(jq -r .id <<<"$BODY")" = "$id" ] || fail "a CloudEvent became two"
wait_for 20 "the CloudEvent" length_is cloud 1
entry_is cloud "$id" $'specversion\n1.0\nid\nA1\nsource\n/till/4\ntype\nsale\ndatacontenttype\ntext/plain\ndata\ntwo coffees' ||
	fail "the CloudEvent: $(redis --raw xrange ev:cloud - +)"
post cloud -H 'content-type: application/cloudevents+json; charset=UTF-8' \
    -d '{"specversion":"1.0","id":"A2","source":"/till/4","type":"sale","data_base64":"AAEC/w=="}'; good structured
post cloud -H 'content-type: application/cloudevents-batch+json' \
    -d '[{"specversion":"1.0","id":"A2","source":"/till/4","type":"sale","data_base64":"AAEC/w=="},{"specversion":"1.0","id":"A3","source":"/till/4","type":"sale","data":{"x":1}}]'; good clouds
wait_for 20 "three CloudEvents" length_is cloud 3

# over TLS; in chunks; with Expect; two on one connection; HTTP/1.0
curl -sS --max-time 30 --cacert "$T/cert.pem" -H "$J" -d '{"tls":1}' \
    --resolve "localhost:$HTTPS:127.0.0.1" "https://localhost:$HTTPS/events/way" | seen '"id"' || fail tls
post way -H "$J" -H 'transfer-encoding: chunked' -T - -X POST <<<'{"n":1}'; good chunked
post way -H "$J" -H 'Expect: 100-continue' -d '{"n":2}'; good expect
post way -H "$J" -0 -d '{"n":3}'; good "HTTP/1.0"
curl -sSv --max-time 30 -H "$J" -d '{"n":4}' "$U/way" -o "$T/a" --next -sS -H "$J" -d '{"n":5}' "$U/way" -o "$T/b" 2>"$T/curl.txt"
seen -i 're-using\|reusing' <"$T/curl.txt" || fail "the connection is not kept: $(cat "$T/curl.txt")"
wait_for 20 "the ways" length_is way 6

# refused: and nothing of it is stored
post bad -H "$J" -d '{"a":1'; refused 400 syntax
post bad -H "$J" -d '[{"a":1},{"b":}]'; refused 400 syntax
[ "$(jq .index <<<"$BODY")" = 1 ] || fail "which one: $BODY"
post bad -H "$J" -d '{}'; refused 400 empty
post bad -H "$J" -d ''; refused 400 empty
post bad -H "$J" -d '"x"'; refused 400 syntax
post bad -H "$J" -d $'{"a":"\xff"}'; refused 400 not_utf8
post bad -H "$J" -d "{\"a\":$(printf '[%.0s' {1..70})1$(printf ']%.0s' {1..70})}"; refused 400 too_deep
post bad -d 'a=1'; refused 415 bad_type
post bad -H 'Content-Encoding: gzip' -H "$J" -d '{"a":1}'; refused 415 bad_type
post 'ba%0ad' -H "$J" -d '{"a":1}'; refused 400 bad_stream
post '' -H "$J" -d '{"a":1}'; refused 400 bad_stream
post bad -H 'content-type: application/cloudevents+json' -d '{"id":"1"}'; refused 400 bad_fields
post bad -X PUT -H "$J" -d '{"a":1}'; refused 405 unknown_command
head -c 300000 /dev/zero | tr '\0' x | sed 's/^/{"a":"/; s/$/"}/' >"$T/big"
post bad -H "$J" --data-binary "@$T/big"; refused 413 too_long
post bad -H "$J" -H 'transfer-encoding: chunked' --data-binary "@$T/big"; refused 413 too_long
"$PY" -c 'print("{" + ",".join("\"k%d\":1" % i for i in range(5000)) + "}")' >"$T/wide"
post bad -H "$J" --data-binary "@$T/wide"; refused 413 too_many
post good -H "$J" -d '{"still":"there"}'; good "after all that"
wait_for 20 "the last one" length_is good 1
[ "$(redis exists ev:bad)" = 0 ] || fail "something that was refused is stored"
ledger_closes event http || fail "the ledger does not close"
stop_daemon
