#!/bin/bash
# Redis' own clients, unmodified, are event clients: Python's redis, redis-cli,
# redis-benchmark, and npm's redis and ioredis (with npm's Fluent loggers, which
# wait for their acknowledgements).  Each event is in its stream exactly once.
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib.sh"
need redis-benchmark
start_redis
ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN FORWARD
WORKERS=2 write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}"}
YAML
export EVENTS_MORE='  max_fields: 3500'
event_doors "forward://127.0.0.1:$FORWARD"
start_daemon
length_is() {
	[ "$(redis xlen "ev:$1")" = "$2" ]
}
# consecutive STREAM - the ids' second parts have no hole and no repetition
consecutive() {
	redis --raw xrange "ev:$1" - + | grep -aE "^[0-9]+-[0-9]+\$" |
	    awk -F- '$2 != ++n { exit 1 }' || fail "$1: ids with holes"
}

if "$PY" -c 'import redis' 2>/dev/null; then
	"$PY" - "$RESP" <<'PYTHON' || fail "Python's redis"
import redis, sys
r = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
ids = [r.xadd("py", {"n": i, "b": b"\x00\xff"}) for i in range(50)]
p = r.pipeline()                       # MULTI and EXEC
for i in range(50): p.xadd("py", {"n": 50 + i})
ids += p.execute()
p = r.pipeline(transaction=False)
for i in range(400): p.xadd("py", {"n": 100 + i}, maxlen=10)
ids += p.execute()
assert len(set(ids)) == 500, len(set(ids))
once = ["XADD", "py-once", "IDMP", "py:1", "17", "*", "pay", "5"]
assert r.execute_command(*once) == r.execute_command(*once)
p = r.pipeline()                       # a transaction again, and in itself twice
for i in (17, 18, 18): p.execute_command("XADD", "py-once", "IDMP", "py:1", str(i), "*", "pay", "5")
got = p.execute()
assert got[1] == got[2] != got[0], got
assert r.execute_command("EVENT", "LAST", "py:1", "py-once") == 18
assert r.execute_command("EVENT", "LAST", "py:2", "py-once") is None
assert r.wait(1, 20000) == 1, "Redis has not got them"
assert r.execute_command("WAITAOF", 1, 0, 0)[0] == 1
assert r.wait(2, 50) == 1, "there is no replica"
info = r.info()
assert info["loading"] == 0 and info["evp"] == 1 and info["journal_state"] == "working", info
def error(*a):
    try: return r.execute_command(*a)
    except redis.ResponseError as e: return str(e)
assert "daemon gives ids" in error("XADD", "py-bad", "1-1", "a", "b")
assert "wrong number" in error("XADD", "py-bad", "*", "a")
assert "only CONFIG GET" in error("CONFIG", "SET", "maxmemory", "1")
assert r.config_get("maxmemory") == {}
assert "unknown command" in error("XREAD", "STREAMS", "py", "0")
assert "too many fields" in error("XADD", "py-bad", "*", *sum([["k%d" % i, "v"] for i in range(3501)], []))
assert "too large" in error("XADD", "py-bad", "*", "k", "x" * (1 << 20))
p = r.pipeline(); p.xadd("py-bad", {"a": 1}); p.execute_command("XADD", "py-bad", "*", "odd")
try:
    p.execute()
    raise SystemExit("half a transaction was taken")
except redis.ResponseError:
    pass
r.execute_command("XADD", "py-wide", "IDMP", "w", "1", "*", *sum([["k%d" % i, "v"] for i in range(3500)], []))
r.xadd("py-last", {"a": 1})
PYTHON
	wait_for 20 "Python's last" length_is py-last 1
	wait_for 20 "an event of 3500 fields" length_is py-wide 1
	[ "$(redis --raw xrange ev:py-wide - + | wc -l)" = 7001 ] || fail "not all of its fields"
	length_is py 500 || fail "Python: $(redis xlen ev:py) of 500"
	length_is py-once 2 || fail "once: $(redis xrange ev:py-once - +)"
	[ "$(redis exists ev:py-bad)" = 0 ] || fail "a refused one is stored"
	consecutive py
fi

redis-benchmark -p "$RESP" -n 20000 -c 16 -P 16 -q xadd bench '*' field __rand_int__ >"$T/bench.txt" 2>&1 ||
	fail "redis-benchmark: $(cat "$T/bench.txt")"
wait_for 60 "20000 of redis-benchmark's" length_is bench 20000
consecutive bench

if command -v node npm >/dev/null; then
	npm_peers
	NODE_PATH=$NPM node "$HERE/npm/events.js" "$RESP" "$FORWARD" >"$T/node.log" 2>&1 ||
		fail "npm's clients: $(cat "$T/node.log")"
	for s in "node-redis 100" "node-redis-once 1" "node-redis-multi 2" "ioredis 100" \
	    "ioredis-multi 2" "npm.app 50" "org.app 50"; do
		# shellcheck disable=SC2086
		wait_for 20 "$s" length_is $s
	done
	[ "$(redis exists ev:ioredis-none)" = 0 ] || fail "half a transaction is stored"
fi
ledger_closes event resp || fail "the ledger does not close"
stop_daemon
