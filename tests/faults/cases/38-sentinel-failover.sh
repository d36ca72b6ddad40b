#!/bin/bash
# Sentinels (23, 38) move the master to a replica that lags; for a moment they still name
# the old one.  What the old one had acknowledged is shipped again to the new.
. "$(dirname "$0")/../lib.sh"
need redis-server redis-cli
ports R0 R1 S0 S1 S2
server() {	# INDEX PORT ARGUMENTS...
	local i=$1 p=$2
	shift 2
	mkdir -p "$T/redis$i"
	start "redis$i" redis-server --port "$p" --bind 127.0.0.1 --dir "$T/redis$i" --save '' \
	    --appendonly yes --repl-diskless-sync-delay 0 --replica-announce-ip 127.0.0.1 "$@"
	eval "PID_R$i=$PID"
	wait_for 20 "redis $i" redis-cli -p "$p" ping
}
server 0 "$R0"
server 1 "$R1" --replicaof 127.0.0.1 "$R0"
i=0
for p in $S0 $S1 $S2; do
	cat >"$T/sentinel$i.conf" <<CONF
port $p
bind 127.0.0.1
dir $T
sentinel monitor m 127.0.0.1 $R0 2
sentinel down-after-milliseconds m 500
sentinel failover-timeout m 2000
requirepass sesame
sentinel sentinel-pass sesame
CONF
	start "sentinel$i" redis-server "$T/sentinel$i.conf" --sentinel
	i=$((i + 1))
done
info() {	# SENTINEL FIELD
	redis-cli -p "$1" -a sesame sentinel master m 2>/dev/null | sed -n "/^$2\$/{n;p;}"
}
sentinels_ready() {
	local p
	for p in $S0 $S1 $S2; do
		[ "$(info "$p" num-slaves)" -ge 1 ] && [ "$(info "$p" num-other-sentinels)" = 2 ] ||
			return 1
	done
}
wait_for 60 "the sentinels" sentinels_ready
follows() {	# PORT
	redis-cli -p "$1" info replication | seen master_link_status:up
}
wait_for 60 "the replica" follows "$R1"
write_conf <<YAML
streams:
  events: {sentinels: ["127.0.0.1:$S0", "127.0.0.1:$S1", "127.0.0.1:$S2"], master_name: m, sentinel_password: sesame, key: "ev:{stream}:{node}"}
YAML
start_daemon
REDIS=$R0
load 2 3000
lost=0
for ((n = 0; n < $(loops 1); n++)); do
	if [ "$REDIS" = "$R0" ]; then
		master=0 other=1 next=$R1
	else
		master=1 other=0 next=$R0
	fi
	old=$REDIS
	eval "mpid=\$PID_R$master opid=\$PID_R$other"
	wait_for 60 "the replica" follows "$next"
	wait_for 60 "the sentinels" sentinels_ready
	grows
	kill -STOP "$opid"		# it lags
	redis client kill type replica >/dev/null
	sleep 0.3
	has=$(redis xlen ev:orders:node1)
	kill_it "$mpid"
	kill -CONT "$opid"
	promoted() {
		redis-cli -p "$next" role | seen master
	}
	wait_for 60 "a new master" promoted
	REDIS=$next
	had=$(redis xlen ev:orders:node1)
	lost=$((lost + (has > had ? has - had : 0)))
	grows
	server "$master" "$old"		# the old one returns; the sentinels tell it
	moving
done
say "  $lost entries that a master had were not in its successor"
verdict
stop_daemon
