#!/bin/bash
# The same lines at the same time through Graphite's carbon-aggregator and
# through millrace with the configuration made of the aggregator's files: the
# same names with the same values arrive, of what is passed on and of the
# figures (carbon sends those again and again; its last word counts).
. "$(dirname "$0")/lib.sh"
need carbon-aggregator nc
start_sink theirs
THEIRS=$SINK
start_sink ours
OURS=$SINK
ports PORT PIN ADMIN LINE PKL
mkdir -p conf run log import
configure() {	# PORT PICKLEPORT SINK
	cat <<CONF
[aggregator]
STORAGE_DIR = $T
CONF_DIR = $T/conf
LOG_DIR = $T/log
PID_DIR = $T/run
USER =
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = $1
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = $2
DESTINATIONS = 127.0.0.1:$3
DESTINATION_PROTOCOL = line
FORWARD_ALL = True
MAX_AGGREGATION_INTERVALS = 5
CARBON_METRIC_INTERVAL = 0
ENABLE_LOGROTATION = False
CONF
}
cat >conf/aggregation-rules.conf <<'CONF'
# OUT (FREQUENCY) = METHOD IN
<env>.apps.<app>.all.requests (2) = sum <env>.apps.<app>.*.requests
<env>.apps.<app>.mean.latency (2) = avg <env>.apps.<app>.*.latency
<env>.top (2) = max <env>.apps.<<rest>>
<env>.least (2) = min <env>.apps.<<rest>>
counted (2) = count *.apps.*.web*.*
CONF
printf '[pre]\n^old\\.(.+)$ = prod.\\1\n' >conf/rewrite-rules.conf
printf '[all]\npattern = .*\nretentions = 1s:1d\n' >conf/storage-schemas.conf
configure "$PORT" "$PIN" "$THEIRS" >conf/carbon.conf
cp conf/aggregation-rules.conf conf/rewrite-rules.conf import/
configure "$LINE" "$PKL" "$OURS" >import/carbon.conf
"$MILLRACE" import carbon --section aggregator import/carbon.conf import/aggregation-rules.conf import/rewrite-rules.conf \
    >millrace.yaml 2>import.log || fail "import"
cat >>millrace.yaml <<YAML
state_dir: $T/state
workers: 1
admin: {listen: http://127.0.0.1:$ADMIN}
YAML
GRAPHITE_ROOT=$T GRAPHITE_CONF_DIR=$T/conf start aggregator carbon-aggregator --debug \
    --config "$T/conf/carbon.conf" --pidfile "$T/run/pid" start
wait_for 20 "carbon-aggregator" tcp_open "$PORT"
start_daemon
t=$(($(date +%s) / 2 * 2))
for i in $(seq 30); do
	echo "prod.apps.shop.web$i.requests $i $t"
	echo "prod.apps.shop.web$i.latency $i.5 $t"
	echo "test.apps.mail.web$i.requests $((i * 2)) $((t - 2))"
	echo "old.apps.shop.db$i.requests 100 $t"
	echo "other.n$i $i $t"
done >lines.txt
nc -q1 127.0.0.1 "$PORT" <lines.txt
nc -q1 127.0.0.1 "$LINE" <lines.txt
last_words() {	# the last value of each name at each time
	tr -d '\r' <"$1" | awk '{ v[$1 " " $3] = $2 } END { for (k in v) printf "%s %.6f\n", k, v[k] }' | sort
}
same() {
	[ "$(last_words theirs.txt | wc -l)" -ge 150 ] && grep -q '^counted ' theirs.txt && grep -q '^test\.top ' theirs.txt &&
		cmp <(last_words theirs.txt) <(last_words ours.txt)
}
within 40 same || { diff <(last_words theirs.txt) <(last_words ours.txt) >&2; fail "other figures"; }
stop_daemon
