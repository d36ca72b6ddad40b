#!/bin/bash
# keyFlush: the busiest keys of an interval in a file, busiest first, each line
# counted once under its clean name, bad ones too; over several workers.
. "$(dirname "$0")/lib.sh"
WORKERS=2 write_conf <<YAML
YAML
sed -i "s#^flush: .*#flush: {interval: 1s, key_flush: {interval: 2s, percent: 50, log: $T/keys.txt}}#" millrace.yaml
start_daemon
for i in 1 2 3; do
	printf 'top key:1|c:2|c:3|c\ntop key:1|ms\nsecond/x:1|c|#a:b\nbad:x|c\nrare%d:1|g\n' $i >"/dev/udp/127.0.0.1/$STATSD"
done
printf 'second/x:1|c|#a:b\nsecond/x:1|c|#a:b\n' >"/dev/udp/127.0.0.1/$STATSD"
wait_for 10 "the log" test -s keys.txt
sed 's/.*) count=/count=/' keys.txt >got.txt
printf 'count=6 key=top_key\ncount=5 key=second-x;a=b\ncount=3 key=bad\n' | cmp - got.txt ||
	fail "$(cat keys.txt)"
grep -qE '^[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} 20[0-9]{2} [0-9:]{8} GMT[+-][0-9]{4} \(.*\) count=6 key=top_key$' keys.txt ||
	fail "no date: $(head -1 keys.txt)"
stop_daemon
