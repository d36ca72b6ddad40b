#!/bin/bash
# syslog.sh - syslog into one file on disk beside Debian's rsyslogd with its
# best settings: 200-byte RFC 5424 messages, parsed, every one looked for.
#
# Then into 10,000 files, hosts by programs, at 200,000 messages a second.
#
# usage: tests/bench/syslog.sh [MESSAGES]     (BUILD says where it was built)
. "$(dirname "$0")/lib.sh"
messages=${1:-2000000}
need rsyslogd
FORMAT='%-26s %-10s %9s %10s %9s %8s %8s\n'
machine
if [ -n "${BENCH_DISK:-}" ]; then TOP=$BENCH_DISK/millrace-bench.$$; else TOP=$T/out; fi
OUT=$TOP/0 turn=0
mkdir -p "$OUT"

stored() {
	find "$OUT" -type f -size +0 -exec cat {} + 2>/dev/null | wc -l
}

size() {
	du -sb "$OUT" | cut -f1
}

# measure WHO CASE PID flood-arguments...
measure() {
	local who=$1 what=$2 pid=$3 before ns n sent start end
	shift 3
	before=$(cpu_ns "$pid")
	start=$(date +%s%N)
	load syslog "$@" --size 200 --names "${NAMES:-1}"
	settle size >/dev/null
	FDS=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
	end=$(find "$OUT" -type f -printf '%T@\n' | sort -n | tail -1)
	ns=$(($(cpu_ns "$pid") - before))
	n=$(stored)
	sent=$(from_load sent)
	US=$(calc "$n ? $ns / 1000 / $n : 0" %.3f)
	row "$what" "$who" "$US" "$(calc "$n / ($end - $start / 1e9) / 1000" %.0f)k/s" "$n" \
	    "$(calc "100 * ($sent - $n) / $sent" %.2f)" "$(calc "$(peak_kib "$pid") / 1024" %.0f)"
	[ "$(find "$OUT" -type f -exec cat {} + | grep -ao 'seq=[0-9]*' | sort | uniq -d | head -1)" = '' ] ||
		echo "  some are doubled"
}

# Never a directory where files were removed: ext4 looks a minute long for those
# when it makes new ones.
fresh() {
	rm -f "$OUT"/*/*.log
	OUT=$TOP/$((++turn))
	mkdir -p "$OUT"
}

ours() {	# CASE TO flood-arguments...
	local what=$1
	shift
	fresh
	write_conf <<YAML
archives:
  logs: {dir: "$OUT", file: "${FILE:-all.log}", format: syslog, rotate: 0s, rotate_size: 0, sync: ${SYNC:-false}}
YAML
	sed -i "s#\"unixgram://$T/log.sock\"#\"relp://127.0.0.1:$RELP\"#;
	    s#^syslog:#&\n  limits: {rcvbuf: 64MiB}#" millrace.yaml
	bench_daemon
	measure millrace "$what" "$DAEMON" "$@"
	MINE=$US
	stop_daemon
}

theirs() {	# CASE flood-arguments...
	local what=$1
	shift
	fresh
	ports RTCP RUDP RRELP
	set -- "${@/@TCP/$RTCP}"
	set -- "${@/@UDP/$RUDP}"
	set -- "${@/@RELP/$RRELP}"
	cat >"$T/rsyslog.conf" <<CONF
module(load="imptcp" threads="1")
module(load="imudp" batchSize="256" threads="1")
module(load="imrelp")
global(workDirectory="$T")
main_queue(queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="4096" queue.workerThreads="1")
template(name="raw" type="string" string="%rawmsg%\n")
template(name="names" type="string" string="$OUT/%HOSTNAME%/%APP-NAME%.log")
input(type="imptcp" port="$RTCP" address="127.0.0.1")
input(type="imudp" port="$RUDP" address="127.0.0.1" rcvbufSize="64m")
input(type="imrelp" port="$RRELP" address="127.0.0.1")
CONF
	if [ -n "${FILE:-}" ]; then
		echo 'action(type="omfile" dynafile="names" dynaFileCacheSize="256" template="raw" ioBufferSize="4k" flushOnTXEnd="off")'
	else
		echo "action(type=\"omfile\" file=\"$OUT/all.log\" template=\"raw\" ioBufferSize=\"256k\" flushOnTXEnd=\"on\")"
	fi >>"$T/rsyslog.conf"
	start_on "$BENCH_DAEMON_CPU" rsyslog rsyslogd -n -f "$T/rsyslog.conf" -i "$T/rsyslog.pid"
	local pid=$PID
	wait_for 10 "rsyslogd" tcp_open "$RTCP"
	measure rsyslogd "$what" "$pid" "$@"
	end_pid "$pid"
	echo "  ratio of CPU: $(calc "$US / $MINE" %.1f)"
}

ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN
heading "$messages messages of 200 bytes into one file"
row case who "us/msg" rate stored "lost %" "peak MiB"
ours "TCP, octet counted" --to "tcp://127.0.0.1:$SYSLOG" --count "$messages" --framing octet
theirs "TCP, octet counted" --to "tcp://127.0.0.1:@TCP" --count "$messages" --framing octet
for rate in 250000 400000; do
	ours "UDP, $rate/s" --to "udp://127.0.0.1:$SYSLOG" --count "$messages" --rate $rate --gso
	theirs "UDP, $rate/s" --to "udp://127.0.0.1:@UDP" --count "$messages" --rate $rate --gso
done
SYNC=true ours "RELP, window 1024" --to "relp://127.0.0.1:$RELP" --count $((messages / 4)) --window 1024 --connections 4
echo "  acknowledged after fdatasync: $(from_load ack_rate)/s, $(from_load latency_ms)"
theirs "RELP, window 1024" --to "relp://127.0.0.1:@RELP" --count $((messages / 4)) --window 1024 --connections 4
echo "  acknowledged from memory: $(from_load ack_rate)/s, $(from_load latency_ms)"
heading "$messages messages of 200 bytes into 10,000 files, 256 of them open, at 200,000/s"
export NAMES=10000 FILE='{host}/{app}.log'
ours "TCP, 10,000 files" --to "tcp://127.0.0.1:$SYSLOG" --count "$messages" --framing octet --rate 200000
echo "  $(find "$OUT" -type f | wc -l) files, sent at $(from_load rate)/s, at most $FDS descriptors"
theirs "TCP, 10,000 files" --to "tcp://127.0.0.1:@TCP" --count "$messages" --framing octet --rate 200000
echo "  $(find "$OUT" -type f | wc -l) files, sent at $(from_load rate)/s"
rm -rf "${TOP:?}"
