#!/bin/sh
# What reading datagrams costs beside a program that only receives: CPU of both
# at several rates, and the ratio.  Not part of make check: it needs two cores.
# usage: tests/bench/recv.sh [SECONDS [ROUNDS]]   (from the build directory)
set -eu
dir=${top_builddir:-.}/tests/bench
seconds=${1:-2}
rounds=${2:-3}
port=$((20000 + $$ % 20000))

# run READER... -- RATE SIZE JOIN: prints "received ns_per_datagram drops"
run() {
	rate=$1 size=$2 join=$3
	shift 3
	out=$(mktemp)
	taskset -c 0 "$@" "$port" >"$out" &
	pid=$!
	sleep 0.2
	taskset -c 1 "$dir/recv_bench" send "$port" "$rate" "$seconds" "$size" "$join" >/dev/null
	sleep 0.1
	kill "$pid"
	wait "$pid" || true
	sed -n 's/received=\([0-9]*\) cpu_us=\([0-9]*\) drops=\([0-9]*\).*/\1 \2 \3/p' "$out" |
	    awk '{ printf "%d %.0f %d\n", $1, $1 ? 1000 * $2 / $1 : 0, $3 }'
	rm -f "$out"
}

least() { sort -n | head -n 1; }

printf '%-28s %12s %12s %7s %s\n' 'datagrams/s x bytes (joined)' 'discard ns' 'reader ns' ratio 'drops'
for case in '300 30 1' '1000 30 1' '5000 30 1' '20000 30 1' '100000 30 1' '200000 30 1' '20000 900 1' '100000 30 32'; do
	# word splitting of the case is meant
	set -- $case
	a='' b='' drops=0
	for _ in $(seq "$rounds"); do
		r=$(run "$1" "$2" "$3" "$dir/recv_discard")
		a="$a $(echo "$r" | cut -d' ' -f2)"
		r=$(run "$1" "$2" "$3" "$dir/recv_bench" read)
		b="$b $(echo "$r" | cut -d' ' -f2)"
		drops=$((drops + $(echo "$r" | cut -d' ' -f3)))
	done
	a=$(printf '%s\n' $a | least)
	b=$(printf '%s\n' $b | least)
	printf '%-28s %12s %12s %7s %s\n' "$1 x $2 ($3)" "$a" "$b" \
	    "$(echo "$a $b" | awk '{ printf "%.2f", $1 ? $2 / $1 : 0 }')" "$drops"
done
