#!/bin/bash
# What is sent arrives, what is answered does not: at the door, and at Redis.
# First the answers are lost, then (in a network of its own) all packets of one
# direction, acknowledgements of TCP among them.
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
	wire sink mute-answers
	nap 8
	wire door mute-answers
	nap 5
	wire door rst
	sleep 0.1
	wire door pass
	moving
	wire sink rst
	sleep 0.1
	wire sink pass
	grows
	packets "tcp sport { $RESP, $REDIS } counter drop"
	packets_met 20
	packets "tcp dport { $RESP, $REDIS } counter drop"
	packets_met 20
	packets
	moving
	grows
done
verdict
stop_daemon
