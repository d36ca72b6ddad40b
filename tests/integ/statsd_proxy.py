"""The reference's cluster proxy and millrace in front of the same nodes: each
name must come to the same node through both, with all nodes up, with some out
of the ring, and when they are back.

usage: statsd_proxy.py MILLRACE PROXY_JS DIRECTORY
"""
import json, os, random, select, socket, subprocess, sys, threading, time

MILLRACE, PROXY, DIR = sys.argv[1:4]
NODE = os.environ.get("NODE", "node")
PATIENCE = 60
NODES = 8                       # 40 points each; 7 have 39


def free(kind):
    s = socket.socket(socket.AF_INET, kind)
    while True:
        try:
            s.bind(("127.0.0.1", random.randrange(10000, 32000)))
            return s
        except OSError:
            pass


class StatsdNode(threading.Thread):
    """Takes datagrams, and answers "health" as it is told to."""
    def __init__(self):
        super().__init__(daemon=True)
        self.udp = free(socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.admin = free(socket.SOCK_STREAM)
        self.admin.listen(16)
        self.port = self.udp.getsockname()[1]
        self.admin_port = self.admin.getsockname()[1]
        self.health, self.lines, self.lock = "up", [], threading.Lock()
        self.start()

    def run(self):
        while True:
            for s in select.select([self.udp, self.admin], [], [])[0]:
                if s is self.udp:
                    data = self.udp.recv(65536)
                    with self.lock:
                        self.lines += [l for l in data.split(b"\n") if l]
                    continue
                c, _ = s.accept()
                if c.recv(64).strip() == b"health" and self.health:
                    c.sendall(b"health: %s\n" % self.health.encode())
                c.close()

    def take(self):
        with self.lock:
            got, self.lines = self.lines, []
        return got


def wait(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit("waited in vain for " + what)
        time.sleep(0.02)


def start(name, argv):
    log = open(os.path.join(DIR, name + ".txt"), "wb")
    return subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL, cwd=DIR)


def said(name, words):
    with open(os.path.join(DIR, name + ".txt")) as f:
        return f.read().count(words)


def config(port, mgmt, nodes):
    return ("// the nodes\n{\n nodes: [\n" + ",\n".join(
        "  {host: '127.0.0.1', port: %d, adminport: %d}" %
        (n.port, n.admin_port) for n in nodes) +
        "\n ],\n server: './servers/udp', address: '127.0.0.1', port: %d,\n"
        " mgmt_port: %d, mgmt_address: '127.0.0.1', forkCount: 0,\n"
        " checkInterval: 300, cacheSize: 10000\n}\n" % (port, mgmt))


def ports(n):
    held = [free(socket.SOCK_DGRAM) for _ in range(n)]
    got = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return got


def through(port, nodes, names):
    """{name: index of the node that got it} by sending through one proxy."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    where = {}
    for n in nodes:
        n.take()
    for i in range(0, len(names), 20):
        sent = 0.0
        def all_there():
            # again now and then: it says it is up before it has its socket
            nonlocal sent
            if time.monotonic() > sent + 1:
                sent = time.monotonic()
                out.sendto("\n".join(n + ":1|c" for n in
                    names[i:i + 20]).encode(), ("127.0.0.1", port))
            for k, n in enumerate(nodes):
                for line in n.take():
                    name = line.split(b":")[0].decode()
                    if name in where and where[name] != k:
                        sys.exit("%s came to two nodes" % name)
                    where[name] = k
            return all(n in where for n in names[i:i + 20])
        wait("names through port %d" % port, all_there)
    return where


def same(what, nodes, first, second, names):
    a, b = through(first, nodes, names), through(second, nodes, names)
    wrong = [n for n in names if a[n] != b[n]]
    if wrong:
        sys.exit("%s: %d of %d names go elsewhere, first %s: %d, not %d" % (
            what, len(wrong), len(names), wrong[0], b[wrong[0]], a[wrong[0]]))
    used = sorted(set(a.values()))
    print("%s: %d names on nodes %s" % (what, len(names), used))
    return a, used


def faithful(nodes, port):
    """One line for each value, with the type, rate and tags as sent."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent = {
        b"a.b:3|c|@0.1": [b"a.b:3|c|@0.1"],
        b"a b/c:1|c": [b"a b/c:1|c"],
        b"multi:1|c:2|ms|@0.5:3|g": [b"multi:1|c", b"multi:2|ms|@0.5",
                                     b"multi:3|g"],
        b"packed:1:2:3|d|@0.25|#x:y": [b"packed:%d|d|@0.25|#x:y" % i
                                       for i in (1, 2, 3)],
        b"two:1|c:2|g|#k:v,b": [b"two:1|c|#k:v,b", b"two:2|g|#k:v,b"],
        b"gauge:+5|g": [b"gauge:+5|g"],
        b"gauge: -5|g": [b"gauge: -5|g"],
        b"set:some one|s": [b"set:some one|s"],
        b"h:1e3|h|#t:a:b": [b"h:1e3|h|#t:a:b"],
        b"g;x=y:1|c": [b"g;x=y:1|c"],
        b"i,x=y:1|c": [b"i,x=y:1|c"],
        b"sfx[x=y]:1|c": [b"sfx[x=y]:1|c"],
        b"dog:1|c|@0.5|#a:b|c:ci-1|e:x|card:low":
            [b"dog:1|c|@0.5|#a:b|c:ci-1|e:x|card:low"],
        b"when:1|c|T1656581400": [b"when:1|c|T1656581400"],
        b"crlf:1|c\r": [b"crlf:1|c"],
    }
    want = sorted(l for v in sent.values() for l in v)
    for n in nodes:
        n.take()
    out.sendto(b"\n".join(sent), ("127.0.0.1", port))
    got = []
    def there():
        for n in nodes:
            got.extend(n.take())
        return len(got) >= len(want)
    wait("%d lines" % len(want), there)
    if sorted(got) != want:
        sys.exit("not as sent: %s" % (set(got) ^ set(want)))
    print("lines as sent: %d" % len(want))


def main():
    nodes = [StatsdNode() for _ in range(NODES)]
    theirs, ours, mgmt1, mgmt2 = ports(4)
    for name, port, mgmt in (("proxy", theirs, mgmt1), ("ours", ours, mgmt2)):
        with open(os.path.join(DIR, name + ".js"), "w") as f:
            f.write(config(port, mgmt, nodes))
    running = [
        start("proxy", [NODE, PROXY, os.path.join(DIR, "proxy.js")]),
        start("ours", [MILLRACE, "--statsd-config",
                       os.path.join(DIR, "ours.js")]),
    ]
    try:
        for name in ("proxy", "ours"):
            wait(name, lambda: said(name, "server is up"))
        rnd = random.Random(7)
        names = ["host%d.%s;t=%d" % (rnd.randrange(99), rnd.choice(
            ["api", "db", "x y", "é"]), i) if i % 3 else "n%d" % i
            for i in range(400)]
        all_up, used = same("all up", nodes, theirs, ours, names)
        assert used == list(range(NODES))
        gone = []
        for i in (2, 5):
            nodes[i].health = "down"
            gone.append(i)
            wait("the proxy to drop %d" % i, lambda: said("proxy",
                 "Removing node") == len(gone))
            wait("us to drop %d" % i, lambda: said("ours",
                 "its names go to others") == len(gone))
            _, used = same("without %s" % gone, nodes, theirs, ours, names)
            assert used == [k for k in range(NODES) if k not in gone]
        faithful(nodes, ours)
        for i in gone:
            nodes[i].health = "up"
        wait("the proxy to take them back", lambda: said("proxy",
             "Adding node") == 2)
        wait("us to take them back", lambda: said("ours", "up again") == 2)
        again, _ = same("back again", nodes, theirs, ours, names)
        assert again == all_up
        for n in nodes:
            n.health = "down"
        wait("all gone", lambda: said("ours", "its names go to others") ==
             NODES + 2)
        lost(ours, mgmt2)
    finally:
        for p in running:
            p.terminate()
        codes = [p.wait() for p in running]
    if codes[1] != 0:
        sys.exit("millrace ended with %d" % codes[1])


def lost(port, mgmt):
    """With nobody to send it to a sample is lost, and the daemon lives."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.sendto(b"nobody:1|c", ("127.0.0.1", port))
    with socket.create_connection(("127.0.0.1", mgmt)) as s:
        s.sendall(b"status\n")
        text = b""
        while text.count(b"\n") < 2:
            text += s.recv(4096)
    if not text.startswith(b"uptime: ") or b"\nnodes: \n" not in text:
        sys.exit("status: %r" % text)
    print("all gone: nodes none")


main()
