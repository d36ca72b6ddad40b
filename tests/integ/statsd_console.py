"""What the reference's management port answers, and what ours does: the same
packets into both, then the same commands, and every byte of the answers.

usage: statsd_console.py MILLRACE STATS.JS DIR"""
import os, re, signal, socket, subprocess, sys, time

from free_ports import free_ports

MILLRACE, STATS, DIR = sys.argv[1:4]
PACKETS = [b"a:1|c", b"b.c:2.5|c", b"d-e:-3|c", b"g:10|g\ng2:0.5|g", b"it's:1|c",
           b"t:3|ms\nt:1|ms", b"u:" + b":".join(b"%d|ms" % (n * 7 % 1000) for n in range(30)),
           b"v:" + b":".join(b"%d|ms" % n for n in range(130)), b"bad", b"w:1.5|ms", b"del.x:1|c\ndel.y:1|c",
           b"delg.x:1|g", b"delt.x:1|ms\ndelt.y:1|ms"]
# Each is sent as one chunk, as the reference wants it.
COMMANDS = [b"help", b"help\n", b"health\n", b"health down\r\n", b"health\n", b"health UP\n", b"health what\n",
            b"nonsense\n", b"\n", b"stats\n", b"counters\n", b"gauges\n", b"timers\n",
            b"delcounters a nothing del.*\n", b"delgauges delg.*\n", b"deltimers delt.x  delt.y\n",
            b"delcounters\n", b"counters\n", b"gauges\n", b"timers\n", b"counters with words\n",
            b"COUNTERS\n", b" health \n", b"delgauges none.*\n"]
# counts of seconds since something; the rest of the line stays
AGES = re.compile(rb"(?m)^((?:uptime|messages\.last_msg_seen|graphite\.last_flush|graphite\.last_exception): )\d+$")
SPEEDS = re.compile(rb"(?m)^(graphite\.(?:flush_time|flush_length): )\d+$")
LAG = re.compile(rb"('statsd.timestamp_lag'): -?[\d.e-]+")

def connect(port, server):
    """a connection, once the server listens; None if it ended instead (its port was taken)"""
    end = time.time() + 60
    while server.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.05)
    return None

def ask(s, command):
    s.sendall(command)
    out, s_end = b"", time.time() + 1
    s.settimeout(0.15)
    while time.time() < s_end:
        try:
            d = s.recv(1 << 16)
        except TimeoutError:
            if out:
                break
            continue
        if not d:
            out += b"(closed)"
            break
        out += d
    return out

def normal(reply):
    reply = AGES.sub(lambda m: m.group(1) + b"#", reply)
    return LAG.sub(lambda m: m.group(1) + b": #", SPEEDS.sub(lambda m: m.group(1) + b"#", reply))

def start():
    """both servers, a connection to the console of each, and their packet ports"""
    for _ in range(5):
        p1, m1, p2, m2, sink = free_ports(5)
        with open(DIR + "/config.js", "w") as f:
            f.write("{ port: %d, address: '127.0.0.1', mgmt_port: %d, mgmt_address: '127.0.0.1', flushInterval: 3600000,\n"
                    "  graphiteHost: '127.0.0.1', graphitePort: %d, automaticConfigReload: false }\n" % (p1, m1, sink))
        with open(DIR + "/millrace.yaml", "w") as f:
            f.write("state_dir: %s/state\nworkers: 2\nstatsd: {listen: ['udp://127.0.0.1:%d'], management: '127.0.0.1:%d'}\n"
                    "flush: {interval: 1h, persistent: false}\nclusters: {g: {method: forward, servers: ['127.0.0.1:%d']}}\n"
                    % (DIR, p2, m2, sink))
        procs = [subprocess.Popen(a, stdout=open(DIR + "/" + n, "wb"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
                 for a, n in ((["node", STATS, DIR + "/config.js"], "statsd.log"),
                              ([MILLRACE, "-c", DIR + "/millrace.yaml"], "millrace.log"))]
        theirs, ours = connect(m1, procs[0]), connect(m2, procs[1])
        if theirs and ours:
            return procs, theirs, ours, p1, p2
        stop(procs)
    sys.exit("a server did not start: see the logs in " + DIR)

def stop(procs):
    for p in procs:
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
    for p in procs:
        p.wait()

def main():
    procs, theirs, ours, p1, p2 = start()
    bad = 0
    try:
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for p in PACKETS:       # from one socket: one worker, one order
            out.sendto(p, ("127.0.0.1", p1)); out.sendto(p, ("127.0.0.1", p2))
        time.sleep(0.5)
        for c in COMMANDS:
            a, b = normal(ask(theirs, c)), normal(ask(ours, c))
            if a != b:
                bad += 1
                print("%r:\n--- reference\n%s\n--- millrace\n%s\n" % (c, a.decode(), b.decode()))
        # what differs on purpose: several commands in one chunk are several
        got = ask(ours, b"health\nstats\nhealth\n")
        if not (got.startswith(b"health: up\nuptime: ") and got.endswith(b"END\n\nhealth: up\n")):
            bad += 1; print("several commands in a chunk: %r" % got)
        got = ask(ours, b"config\n")
        if not got.startswith(b"\n") or b"\nflushInterval: 3600000\n" not in got or b"\ngraphite > legacyNamespace: true\n" not in got:
            bad += 1; print("config: %r" % got)
        for s in theirs, ours:
            if ask(s, b"quit\n") != b"(closed)":
                bad += 1; print("quit does not close")
    finally:
        stop(procs)
    print("%d commands, %d answered otherwise" % (len(COMMANDS), bad))
    sys.exit(bad > 0)

main()
