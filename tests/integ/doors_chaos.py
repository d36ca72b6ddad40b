#!/usr/bin/python3
"""doors_chaos.py SEED CONNECTIONS RESP HTTP FORWARD RELP - good and bad requests
of every protocol of events in any order, cut anywhere, with any end: what a
client's faults and a network's can make of them."""
import gzip, json, random, select, socket, struct, sys, time

seed, connections = int(sys.argv[1]), int(sys.argv[2])
RESP, HTTP, FORWARD, RELP = map(int, sys.argv[3:7])
rnd = random.Random(seed)


def noise(n):
    return bytes(rnd.randrange(256) for _ in range(rnd.randrange(n)))


# ---- RESP

def command(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def inline(*words):
    return " ".join(map(str, words)).encode() + b"\r\n"


def resp(first):
    c, r, n = rnd.choice([command, command, inline]), rnd.random(), rnd.randrange(50)
    if r < .45:
        return c("XADD", rnd.choice("abc"), "*", "f", n)
    if r < .6:
        return c("XADD", rnd.choice("abc"), "IDMP", "p%d" % rnd.randrange(3), n, "*", "f", n)
    return rnd.choice([
        lambda: c("MULTI"), lambda: c("EXEC"), lambda: c("DISCARD"), lambda: c("QUIT"),
        lambda: c("RESET"), lambda: c("INFO"), lambda: c("PING"), lambda: c("AUTH", "x", "y"),
        lambda: c("WAIT", rnd.randrange(3), rnd.choice([1, 5, 50])),
        lambda: c("WAITAOF", rnd.randrange(2), rnd.randrange(2), rnd.choice([1, 20])),
        lambda: c("HELLO", rnd.choice([2, 3, 4, "x"])), lambda: c("EVENT", "LAST", "p1", "a"),
        lambda: c("CLIENT", "SETNAME", "x"), lambda: c("SELECT", rnd.randrange(3)),
        lambda: b"*x\r\n", lambda: b"*-1\r\n", lambda: b"*0\r\n", lambda: b"\r\n",
        lambda: b"$5\r\nhello\r\n", lambda: c("XADD", "\x01bad", "*", "a", "b"),
        lambda: command("XADD", "a", "*", "f", "x" * rnd.choice([1000, 70000, 1200000])),
        lambda: command("XADD", "a", "*", *["f"] * rnd.choice([3, 2050, 9000])),
        lambda: noise(40)])()


# ---- HTTP

def http(first):
    body = json.dumps(rnd.choice([
        {"a": 1}, [{"a": 1}, {"b": 2}], [], {}, "x",
        {"a": {"b": [1] * rnd.randrange(100)}}])).encode()
    h = b"%s /events/%s HTTP/1.%d\r\nHost: x\r\nContent-Type: %s\r\n" % (
        rnd.choice([b"POST"] * 8 + [b"GET", b"HEAD", b"X"]),
        rnd.choice([b"a", b"b", b"%zz", b"", b"a/b"]), rnd.choice([1, 1, 1, 0]),
        rnd.choice([b"application/json"] * 5 +
                   [b"application/x-ndjson", b"application/cloudevents+json", b"text/x"]))
    if rnd.random() < .3:
        h += b"Idempotency-Key: k%d\r\n" % rnd.randrange(20)
    if rnd.random() < .2:
        h += b"Connection: %s\r\n" % rnd.choice([b"close", b"keep-alive", b"upgrade"])
    if rnd.random() < .2:
        h += b"Expect: %s\r\n" % rnd.choice([b"100-continue", b"x"])
    if rnd.random() < .4:
        k = rnd.randrange(len(body) + 1)
        return h + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(
            b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:k], body[k:]) if p) + rnd.choice(
                [b"0\r\n\r\n"] * 5 + [b"0\r\nX: y\r\n\r\n", b"zz\r\n"])
    return h + b"Content-Length: %d\r\n\r\n" % (len(body) + rnd.choice([0] * 8 + [1, -1])) + body


# ---- Fluent Forward

def pack(o):
    if o is None or isinstance(o, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[o]
    if isinstance(o, int):
        return b"\xd3" + struct.pack(">q", o)
    if isinstance(o, float):
        return b"\xcb" + struct.pack(">d", o)
    if isinstance(o, str):
        return b"\xdb" + struct.pack(">I", len(o.encode())) + o.encode()
    if isinstance(o, bytes):
        return b"\xc6" + struct.pack(">I", len(o)) + o
    if isinstance(o, list):
        return b"\xdd" + struct.pack(">I", len(o)) + b"".join(map(pack, o))
    return b"\xdf" + struct.pack(">I", len(o)) + b"".join(pack(k) + pack(v) for k, v in o.items())


def forward(first):
    t, tag = int(time.time()), rnd.choice(["a", "b.c", "", " x", "\n"])
    record = {"m": "x", "n": rnd.randrange(9), "d": {"e": [1, 2.5, None, True, b"z"]}}
    option = rnd.choice([{}, {"chunk": "c%d" % rnd.randrange(30)}, {"chunk": "c", "size": 2}])
    entries = b"".join(pack([t + i, record]) for i in range(rnd.randrange(4)))
    r = rnd.random()
    if r < .25:
        return pack([tag, t, record, option])
    if r < .45:
        return pack([tag, [[t, record], [t, record]], option])
    if r < .6:
        return pack([tag, entries, option])
    if r < .75:
        return pack([tag, gzip.compress(entries)[:rnd.choice([9999, 20])],
                     dict(option, compressed="gzip")])
    return rnd.choice([
        b"\xc1", b"\x91" * 5000, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", pack([tag]),
        pack("x"), pack([]), pack({}), pack([tag, "x"]), pack([tag, t, 5]),
        pack([tag, t, record, 5]), pack([tag, [[t]], option]), pack([tag, [5], option]),
        pack(["PING"] * 6), noise(30)])


# ---- RELP

def relp(first):
    relp.number = 1 if first else relp.number + 1

    def frame(verb, data=b"", number=None):
        return b"%d %s %d%s%s\n" % (relp.number if number is None else number, verb, len(data),
                                    b" " if data else b"", data)
    r = rnd.random()
    if first and r < .8:
        return frame(b"open", b"relp_version=0\nrelp_software=x\ncommands=syslog")
    if r < .7:
        return frame(b"syslog", b"<13>1 2026-01-01T00:00:00Z h app 1 - "
                     b"[evt@1 pid=\"p\" iid=\"%d\"] hi" % rnd.randrange(99))
    return rnd.choice([
        lambda: frame(b"close"), lambda: frame(b"open", b"relp_version=1"),
        lambda: frame(b"syslog", b"x", rnd.choice([0, 5, 999999999, 1])),
        lambda: frame(b"rsp", b"200 OK"), lambda: frame(b"x" * 40),
        lambda: b"9999999999 syslog 1 a\n", lambda: b"1 syslog 999999999 a",
        lambda: b"\n", lambda: noise(20)])()


# ---- connections

def converse(port, make):
    data = b"".join(make(i == 0) for i in range(rnd.choice([1, 2, 3, 5, 20, 200])))
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.settimeout(0.3)
    try:
        at = 0
        while at < len(data):
            n = rnd.choice([1, 3, 17, 300, 70000, 10 ** 7])
            s.sendall(data[at:at + n])
            at += n
            if n < 300 and rnd.random() < .9:
                s.sendall(data[at:at + 5000])
                at += 5000
            if rnd.random() < .05:
                break
            if rnd.random() < .3 and select.select([s], [], [], 0)[0] and not s.recv(65536):
                break
        end = rnd.random()
        if end < .3:
            s.shutdown(socket.SHUT_WR)
        if end < .6:
            while s.recv(65536):
                pass
        elif end < .7:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    s.close()


print("seed", seed, flush=True)
for _ in range(connections):
    converse(*rnd.choice([(RESP, resp), (RESP, resp), (HTTP, http), (FORWARD, forward),
                          (RELP, relp)]))
