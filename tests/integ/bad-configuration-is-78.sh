#!/bin/bash
# All faults of a file are told in one run, each with its place, by the check
# and by the daemon, and the status is 78; a good file is 0.
. "$(dirname "$0")/lib.sh"
write_conf </dev/null
"$MILLRACE" check -c millrace.yaml >check.log 2>&1 || fail "a good file: status $?"
cat >bad.yaml <<YAML
statsd:
  listne: ["udp://*:8125"]
flush: {interval: fast}
admin:
  listen: http://127.0.0.1:$ADMIN
admin:
  listen: http://127.0.0.1:$ADMIN
clusters:
  graphite: {method: carbon_hc, servers: ["127.0.0.1:2003"]}
YAML
"$MILLRACE" check -c bad.yaml >bad.log 2>&1
[ $? -eq 78 ] || fail "check: status is not 78"
for place in 'bad.yaml:2:3: .*listen' 'bad.yaml:3:' 'bad.yaml:6:' 'bad.yaml:9:'; do
	grep -q "$place" bad.log || fail "nothing said about $place"
done
"$MILLRACE" -c bad.yaml >bad-daemon.log 2>&1
[ $? -eq 78 ] || fail "daemon: status is not 78"
grep -q 'bad.yaml:2:3' bad-daemon.log || fail "the daemon does not say where"
printf 'statsd: [\n' >syntax.yaml
"$MILLRACE" check -c syntax.yaml >syntax.log 2>&1
[ $? -eq 78 ] || fail "syntax: status is not 78"
grep -q 'syntax.yaml:[0-9]*:[0-9]*' syntax.log || fail "syntax: no place"
# the mapping of statsd_exporter is part of it, with a place of its own
printf 'mappings:\n- match: "a.*"\n  nam: x\n' >mapping.yml
printf 'prometheus_mapping: %s\n' "$T/mapping.yml" >mapped.yaml
for how in check ''; do
	# shellcheck disable=SC2086
	"$MILLRACE" $how -c mapped.yaml >mapped.log 2>&1
	[ $? -eq 78 ] || fail "a bad mapping: status is not 78"
	grep -q 'mapping.yml:3:3: unknown key' mapped.log || fail "no place in the mapping"
	grep -q 'mapping.yml:2:3: a mapping needs a name' mapped.log || fail "not all of the mapping"
done
# what a ring cannot do is told with its place, too
printf 'clusters:\n  a: {method: carbon_ch, servers: ["h:1=a", "h:2=a"]}\n' >ring.yaml
for how in check ''; do
	# shellcheck disable=SC2086
	"$MILLRACE" $how -c ring.yaml >ring.log 2>&1
	[ $? -eq 78 ] || fail "a ring that cannot be: status is not 78"
	grep -q 'ring.yaml:2:[0-9]*: cluster a: carbon_ch cannot tell' ring.log || fail "no place of the cluster"
done
"$MILLRACE" check -c "$T/nowhere.yaml" >nowhere.log 2>&1
rc=$?
[ $rc -eq 78 ] || [ $rc -eq 66 ] || fail "no such file: status $rc"
grep -q nowhere.yaml nowhere.log || fail "no such file: no name"
