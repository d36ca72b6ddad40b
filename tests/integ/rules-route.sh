#!/bin/bash
# Rules drop, rewrite and send elsewhere, end to end.
. "$(dirname "$0")/lib.sh"
start_sink one
ONE=$SINK
start_sink two
write_conf <<YAML
clusters:
  one: {method: forward, servers: ["127.0.0.1:$ONE"]}
  two: {method: forward, servers: ["127.0.0.1:$SINK"]}
archives:
  logs: {dir: "$T/logs", file: "{app}.log", flush_time: 100ms}
  alerts: {dir: "$T/alerts", file: "{app}.log", flush_time: 100ms}
rules:
  - {name: noise, when: 'kind == metric && name =~ "^debug\\."', drop: true}
  - {name: rename, when: 'kind == metric && name =~ "^old\\.(.+)$"', rewrite: 'new.\$1'}
  - {name: db, when: 'kind == metric && name =~ "^db\\."', to: [two]}
  - {name: alerts, when: 'kind == log && severity <= err', to: [alerts]}
YAML
start_daemon
printf 'debug.x 1 1700000000\nold.a.b 2 1700000000\ndb.q 3 1700000000\nweb.w 4 1700000000\n' \
    >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 10 "web.w at both" grep -qx 'web.w 4 1700000000' one.txt
wait_for 10 "web.w at both" grep -qx 'web.w 4 1700000000' two.txt
wait_for 10 "db.q" grep -qx 'db.q 3 1700000000' two.txt
grep -q '^db' one.txt && fail "db.q at one"
wait_for 10 "new.a.b" grep -qx 'new.a.b 2 1700000000' one.txt
grep -qE '^(debug|old)' one.txt two.txt && fail "not dropped or not renamed"
[ "$(ledger metric graphite dropped.rule)" = 1 ] || fail "the drop is not counted"
logger -n 127.0.0.1 -P "$SYSLOG" -T -t pay -p user.crit 'all is lost'
logger -n 127.0.0.1 -P "$SYSLOG" -T -t pay -p user.info 'all is well'
wait_for 10 "the alert" grep -q 'all is lost' alerts/pay.log
wait_for 10 "the rest" grep -q 'all is well' logs/pay.log
grep -q 'all is lost' logs/pay.log && fail "the alert is in both"
stop_daemon
