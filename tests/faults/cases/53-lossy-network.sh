#!/bin/bash
# A lossy network: one packet in ten is lost, from clients and to Redis, in a
# network of its own; then half a second of delay here and a second there.
. "$(dirname "$0")/../lib.sh"
own_network
redis_everysec
proxy sink "$REDIS"
WAY=$PROXY REDIS_AT=$PROXY
conf
start_daemon
proxy door "$RESP"
load 2 500			# by the lossy way
DOOR=$PROXY load 1 500		# by the slow one
moving
packets "tcp dport { $RESP, $WAY } numgen random mod 100 < 10 counter drop" \
    "tcp sport { $RESP, $WAY } numgen random mod 100 < 10 counter drop"
for ((i = 0; i < $(loops 1); i++)); do
	moving
	grows
	packets_met 100
done
packets
wire door delay 500
wire sink delay 1000
for ((i = 0; i < $(loops 1); i++)); do
	moving
	grows
done
wire sink pass
wire door pass
verdict
stop_daemon
