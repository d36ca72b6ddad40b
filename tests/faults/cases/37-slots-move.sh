#!/bin/bash
# A Redis Cluster: slots move while events go into them, a node is killed and
# comes back.
. "$(dirname "$0")/../lib.sh"
need redis-server redis-cli
NODES=()
node_start() {	# INDEX
	mkdir -p "$T/node$1"
	start "node$1" redis-server --port "${NODES[$1]}" --bind 127.0.0.1 --dir "$T/node$1" \
	    --save '' --appendonly yes --cluster-enabled yes --cluster-node-timeout 2000 \
	    --cluster-port "$((${NODES[$1]} + 1))"
	eval "NODE$1=$PID"
}
for i in 0 1 2; do
	ports p
	NODES+=("$p")
	node_start "$i"
done
for p in "${NODES[@]}"; do wait_for 20 "a node" redis-cli -p "$p" ping; done
redis-cli --cluster create "127.0.0.1:${NODES[0]}" "127.0.0.1:${NODES[1]}" \
    "127.0.0.1:${NODES[2]}" --cluster-yes >"$T/create.log" 2>&1 || fail "no cluster"
cluster_ok() {
	local p
	for p in "${NODES[@]}"; do
		redis-cli -p "$p" cluster info | seen cluster_state:ok || return 1
	done
}
wait_for 60 "the cluster" cluster_ok
redis() {
	redis-cli -c -p "${NODES[0]}" "$@"
}
KEYS=()
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:${NODES[0]}", cluster: true, key: "ev:{stream}:{node}"}
YAML
start_daemon
for s in a b c d e f; do
	load 1 300 "$s"
	KEYS+=("ev:$s:node1")
done
for k in "${KEYS[@]}"; do grows "$k"; done
ids=()
for i in 0 1 2; do ids[i]=$(redis-cli -p "${NODES[i]}" cluster myid); done
at() {		# sets AT to the node that has the key
	local i
	for i in 0 1 2; do
		[ "$(redis-cli -p "${NODES[i]}" exists "$1" 2>/dev/null)" = 1 ] && AT=$i
	done
}
move() {	# KEY: its slot goes to the next node
	local slot from to p
	at "$1"
	slot=$(redis-cli -p "${NODES[0]}" cluster keyslot "$1")
	from=$AT to=$(((AT + 1) % 3))
	redis-cli -p "${NODES[to]}" cluster setslot "$slot" importing "${ids[from]}"
	redis-cli -p "${NODES[from]}" cluster setslot "$slot" migrating "${ids[to]}"
	sleep 0.1
	redis-cli -p "${NODES[from]}" migrate 127.0.0.1 "${NODES[to]}" "$1" 0 5000
	sleep 0.2
	for p in "${NODES[to]}" "${NODES[from]}" "${NODES[@]}"; do
		redis-cli -p "$p" cluster setslot "$slot" node "${ids[to]}"
	done
}
for ((n = 0; n < $(loops 1); n++)); do
	for k in "${KEYS[@]}"; do move "$k" >>"$T/move.log"; done
	kill_it "$NODE2"
	nap 5
	node_start 2
	wait_for 60 "the cluster" cluster_ok
done
unload
shipped "${KEYS[@]}"
# read each where it is
for k in "${KEYS[@]}"; do
	for p in "${NODES[@]}"; do
		[ "$(redis-cli -p "$p" exists "$k" 2>/dev/null)" = 1 ] && REDIS=$p
	done
	consume_redis "$T/seen-$k" "$k"
done
judge "$T"/acks* "$T"/seen-*
stop_daemon
