#!/bin/bash
# StatsD clients that Debian ships, unmodified: Python's statsd (UDP, TCP,
# pipeline), Perl's Net::Statsd, Ruby's statsd, two of Go.  What is not installed
# is said and left out; without any of them there is nothing to test.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {method: forward, servers: ["127.0.0.1:$SINK"]}
YAML
sed -i 's/^flush: .*/flush: {interval: 1s, legacy: false}/' millrace.yaml
start_daemon
did=0
want() {
	wait_for 10 "$1 = $2" grep -qE "^stats\.$1 $2 " graphite.txt
}
if "$PY" -c 'import statsd' 2>/dev/null; then
	did=$((did + 1))
	"$PY" - "$STATSD" <<'PYTHON' || fail "Python's statsd"
import sys, statsd
port = int(sys.argv[1])
for name, make in ("udp", statsd.StatsClient), ("tcp", statsd.TCPStatsClient):
    c = make("127.0.0.1", port, prefix="py." + name)
    c.incr("inc"); c.incr("inc", 4); c.decr("dec", 2); c.timing("time", 320); c.gauge("gauge", 70)
    c.gauge("gauge", -5, delta=True); c.set("set", "a"); c.set("set", "b"); c.gauge("minus", -3)
    with c.timer("block"):
        pass
    with c.pipeline() as pipe:
        for i in range(200):
            pipe.incr("piped"); pipe.timing("ptime", i)
    if name == "tcp":
        c.close()
PYTHON
	for k in udp tcp; do
		want "counters\.py\.$k\.inc\.count" 5
		want "counters\.py\.$k\.dec\.count" -2
		want "timers\.py\.$k\.time\.sum" 320
		want "gauges\.py\.$k\.gauge" 65
		want "gauges\.py\.$k\.minus" -3
		want "sets\.py\.$k\.set\.count" 2
		want "timers\.py\.$k\.block\.count" 1
		want "counters\.py\.$k\.piped\.count" 200
		want "timers\.py\.$k\.ptime\.sum" 19900
	done
else
	say "left out: python3-statsd"
fi
if perl -MNet::Statsd -e 1 2>/dev/null; then
	did=$((did + 1))
	perl -MNet::Statsd -e '
		$Net::Statsd::HOST = "127.0.0.1"; $Net::Statsd::PORT = shift;
		Net::Statsd::increment("pl.inc"); Net::Statsd::decrement("pl.dec");
		Net::Statsd::update_stats("pl.count", 10); Net::Statsd::timing("pl.time", 25);
		Net::Statsd::gauge("pl.gauge", 12);' "$STATSD" || fail "Net::Statsd"
	want 'counters\.pl\.inc\.count' 1
	want 'counters\.pl\.dec\.count' -1
	want 'counters\.pl\.count\.count' 10
	want 'timers\.pl\.time\.sum' 25
	want 'gauges\.pl\.gauge' 12
else
	say "left out: libnet-statsd-perl"
fi
if ruby -e 'require "statsd"' 2>/dev/null; then
	did=$((did + 1))
	ruby -e '
		require "statsd"
		s = Statsd.new("127.0.0.1", ARGV[0].to_i).tap { |c| c.namespace = "rb" }
		s.increment("inc"); s.decrement("dec"); s.count("count", 4); s.timing("time", 17)
		s.gauge("gauge", 6); s.set("set", "x"); s.increment("a::b")
		s.batch { |b| 50.times { b.increment("batched") } }' "$STATSD" || fail "Ruby's statsd"
	want 'counters\.rb\.inc\.count' 1
	want 'counters\.rb\.dec\.count' -1
	want 'counters\.rb\.count\.count' 4
	want 'timers\.rb\.time\.sum' 17
	want 'gauges\.rb\.gauge' 6
	want 'sets\.rb\.set\.count' 1
	want 'counters\.rb\.batched\.count' 50
else
	say "left out: ruby-statsd"
fi
GO=/usr/share/gocode
if command -v go >/dev/null && [ -d $GO/src/gopkg.in/alexcesaro/statsd.v1 ]; then
	did=$((did + 1))
	cat >client.go <<'GO'
package main

import (
	"os"

	"gopkg.in/alexcesaro/statsd.v1"
)

func main() {
	c, err := statsd.New("127.0.0.1:"+os.Args[1], statsd.WithPrefix("go."))
	if err != nil {
		panic(err)
	}
	for i := 0; i < 100; i++ {
		c.Increment("inc")
	}
	c.Count("count", 7, 1)
	c.Gauge("gauge", 9)
	c.Timing("time", 33, 1)
	c.Unique("set", "u")
	c.Close()
}
GO
	GO111MODULE=off GOPATH=$GO GOCACHE=$T/gocache GOFLAGS= go build -o goclient client.go >go.log 2>&1 ||
		fail "the Go client does not build: $(cat go.log)"
	./goclient "$STATSD" || fail "the Go client"
	want 'counters\.go\.inc\.count' 100
	want 'counters\.go\.count\.count' 7
	want 'gauges\.go\.gauge' 9
	want 'timers\.go\.time\.sum' 33
	want 'sets\.go\.set\.count' 1
else
	say "left out: golang-gopkg-alexcesaro-statsd.v1-dev"
fi
[ $did -gt 0 ] || skip "none of these clients is installed"
ledger_is metric statsd dropped 0 || fail "something was refused: $(page /api/ledger)"
stop_daemon
