#!/bin/bash
# Nothing passes for a while, then everything is reset: by a proxy that hangs,
# and (in a network of its own) by a wire that swallows all packets.
. "$(dirname "$0")/../lib.sh"
own_network
redis_everysec
proxy sink "$REDIS"
REDIS_AT=$PROXY conf
start_daemon
proxy door "$RESP"
DOOR=$PROXY load 2 1000
for ((i = 0; i < $(loops 1); i++)); do
	moving
	wire sink mute
	wire door mute
	sleep 2.5
	wire sink rst
	wire door rst
	nap 4
	wire sink pass
	wire door pass
	moving
	grows
	packets "tcp dport { $RESP, $REDIS } counter drop" "tcp sport { $RESP, $REDIS } counter drop"
	packets_met 20
	packets "tcp dport { $RESP, $REDIS } counter reject with tcp reset"
	packets_met 2
	packets
	moving
	grows
done
verdict
stop_daemon
