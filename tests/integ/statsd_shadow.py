"""The reference and millrace side by side: what is sent to one is sent to the
other, and what comes out of both is compared, line by line and in order.

usage: statsd_shadow.py MILLRACE STATS.JS DIR [CASE...]

A case is a configuration, in the reference's words and in ours, and packets.
Only times, and the figures that a daemon gives about its own speed, are taken
out before the comparison; how many packets, metrics and bad lines it saw are
compared as any other figure.  In some the configuration is random too, and
one file, the reference's, is read by both.

Some cases are random packets, from SEED: the same ones each time, unless the
environment has another ($RANDOM, say, to look for what is not known yet)."""
import concurrent.futures, os, random, re, selectors, signal, socket, subprocess, sys, threading, time

from free_ports import free_ports

MILLRACE, STATS, DIR = sys.argv[1:4]
NODE = os.environ.get("NODE", "node")
OWN = re.compile(r"(calculationtime|processing_time|last_exception|last_flush|"
                 r"flush_time|flush_length|timestamp_lag)(\.[\w.-]+)?$")

USUAL = [
    b"c:1|c", b"c:2|c\nc:3|c", b"c:1|c|@0.1", b"c.d:1.5|c", b"neg:-4|c",
    b"10:1|c\n2:1|c\n01:1|c", b"t:320|ms", b"t:1|ms\nt:5|ms|@0.5\nt:100.25|ms",
    b"one:7|ms", b"g:10|g", b"g:+5|g", b"g:-3|g", b"h:-3|g", b"s:a|s\ns:b|s\ns:a|s",
    b"a b/c$d:1|c", b"tagged:1|c|#a:b,c:d", b"tagged;x=y:3|ms", b"many:1|c:2|ms:3|g:x|s",
    b"constr:0.1|c\nconstr:0.2|c", b"big:1e21|c", b"small:1e-7|g", b"zero:0|g", b"bare",
    b"k:x|c", b"k:1|ms|@", b"\n\nk:1|c\n", b"t2:" + b":".join(b"%d|ms" % n for n in range(1, 51)),
    b"foo.packets_received:1|c", b"x.histo:3|ms", b"x.histo:30|ms", b"x.histo:300|ms",
    b"utf\xc3\xa9:1|c", b"a:1|ms\na:2|ms\na:3|ms\na:4|ms", b"-0:1|c\n4294967294:1|g\n4294967295:1|g",
]
# what our grammar reads in another way, unless it is told to be strict
STRICT = USUAL + [
    b"h1:1|h", b"d1:1|d", b"p:1:2:3|c", b"z:1|z", b"e:1|", b":1|c", b"n:1|c|c:abc",
    b"n:1|c|T1656581400", b"tg:1|c|#a:b|@0.5", b"tg:1|c|#a:b:c", b"tg:1|c|#a", b"tg:1|c|#a:b,",
    b"i,a=b:1|c", b"i[a=b]:1|c", b"i#a=b:1|c", b"_e{5,4}:title|text", b"_sc|n|0",
    b"cr:1|c\r\n", b"cr:x|s\r\n", b"cr:7|s\r\n", b"\r", b"cr:-5|ms\r", b"hex:0x10|c", b"hex:0b11|c",
    b"sp: |c", b"sp: 5 |c", b"sp:+5|c", b"sp:1_0|c", b"rate:1|c|@2", b"rate:3|c|@0.7",
    b"rate:1|c|@0.1.2", b"rate:1|c|@0.1abc", b"rate:1|c|x0.1", b"rate:1|c|@-1", b"..a..:1|c", b"a//b:1|c",
    b"neg2:-1|ms", b"gg: -5|g", b"gg:1|g|@0.1", b"st:|s", b"st: |s", b"st:a b|s", b"x:1|c:y|c:2|c",
    b"only|c", b"|c", b":", b"a:b:c", b"a:|c", b"M:1|MS", b"M:1|C", b"M:1|G", b"",
]
# What a line is made of: mostly what is right, and what is nearly so.
NAMES = [b"a", b"b.c", b"web.1.time", b"x y", b"p/q", b"d$", b"n-1", b"_", b"7", b"07", b"A.B", b"..z.", b"i=j"]
VALUES = [b"1", b"0", b"-3", b"+4", b"2.5", b".5", b"5.", b"1e3", b"1E-2", b"0x1f", b"-0", b"007", b"", b" ", b" 6 ",
          b"abc", b"1,5", b"--1", b"NaN", b"1_0", b"99999999999999999999", b"0.1", b"123456.789", b"1e", b"e1"]
TYPES = [b"c"] * 4 + [b"ms"] * 4 + [b"g"] * 3 + [b"s"] * 2 + [b"", b"x", b"C", b"h", b"ms ", b" c", b"kv"]
RATES = [b""] * 8 + [b"|@0.1", b"|@0.5", b"|@1", b"|@2", b"|@", b"|@.25", b"|@0.7", b"|@1e-1", b"|0.1", b"|@-1", b"|", b"|@0.1|y"]
TAGS = [b""] * 6 + [b"|#k:v", b"|#k:v,l:w", b"|#l:w,k:v", b"|#k", b"|#", b"|#k:v:w", b"|#a b:c/d", b"|#k;l:v"]

def random_line(r):
    """One line; no more than the reference survives: names of JavaScript's own
    objects, and rates that are no number to it, would end it."""
    bits = [r.choice(VALUES) + b"|" + r.choice(TYPES) + r.choice(RATES)
            for _ in range(r.choice((1, 1, 1, 1, 2, 3)))]
    line = b":".join([r.choice(NAMES)] + bits) + r.choice(TAGS)
    if r.random() < 0.08:       # bytes lost, doubled or changed
        at = r.randrange(len(line))
        line = line[:at] + r.choice((b"", line[at:at + 1] * 2, b"#", b"|", b":", b"\t", b"7")) + line[at + 1:]
    return line

def no_number(line):
    """A rate that the reference takes and cannot read, and ends; or that is 0,
    which makes an infinite count there and is refused here."""
    return any(re.match(rb"@(?![0-9.])|@[0.]*(?![0-9.]|$)|@[0.]*$", f) and f != b"@"
               for f in line.split(b"|#")[0].replace(b":", b"|").split(b"|"))

def random_packets(seed, n=80):
    r, out = random.Random(seed), []
    while len(out) < n:
        lines = [l for l in (random_line(r) for _ in range(r.choice((1, 1, 2, 5, 12)))) if not no_number(l)]
        out.append(b"\n".join(lines) + r.choice((b"", b"", b"\n", b"\n\n")))
    return out

def random_config(seed):
    """The reference's options in any combination that it means something by."""
    r, o, g = random.Random(seed), {}, {}
    words = ("", "gp", "a.b", "x-y", "st_1", "UP")
    def some(d, key, chance, *values):
        if r.random() < chance:
            d[key] = r.choice(values)
    some(g, "legacyNamespace", 0.7, "true", "false", "false")
    for key in ("globalPrefix", "prefixCounter", "prefixTimer", "prefixGauge", "prefixSet"):
        some(g, key, 0.4, *("'%s'" % w for w in words))
    some(g, "globalSuffix", 0.4, *("'%s'" % w for w in words[1:]))
    some(o, "prefixStats", 0.4, "'own'", "'a.b'", "'own-1'")
    some(o, "flush_counts", 0.3, "true", "false")
    some(o, "deleteIdleStats", 0.4, "true", "false")
    for key in ("deleteCounters", "deleteTimers", "deleteSets", "deleteGauges"):
        some(o, key, 0.3, "true", "false")
    some(o, "gaugesMaxTTL", 0.3, "1", "2", "3")
    percents = ["90", "50", "-10", "99.9", "'95'", "5", "-0.5", "100", "1", "33.33", "-99", "75.125", "-50", "12"]
    if r.random() < 0.8:
        n = r.randrange(6)
        o["percentThreshold"] = r.choice(percents) if n == 0 else \
            "[%s]" % ", ".join(r.choice(percents) for _ in range(n - 1))
    if r.random() < 0.5:
        bins = ("[1, 10, 'inf']", "[]", "[-1, 0.5, 2.5, 1000]", "['inf']", "[0.1, 1e3]", "[100]")
        o["histogram"] = "[%s]" % ", ".join("{metric: '%s', bins: %s}" % (
            r.choice(("", "a", ".c", "web", "t", "x.")), r.choice(bins)) for _ in range(r.randrange(1, 4)))
    if r.random() < 0.3:
        kinds = ["count", "count_ps", "upper", "lower", "sum", "sum_squares", "mean", "median", "std",
                 "count_percent", "mean_percent", "upper_percent", "lower_percent", "sum_percent",
                 "sum_squares_percent", "histogram", "upper_90", "nothing"]
        o["calculatedTimerMetrics"] = str(r.sample(kinds, r.randrange(1, 8)))
    if g:
        o["graphite"] = "{%s}" % ", ".join("%s: %s" % kv for kv in g.items())
    return ", ".join("%s: %s" % kv for kv in o.items())

SEED = int(os.environ.get("SEED") or 820444548)

def case(name, js, yaml, packets=USUAL, strict=False):
    return name, js, yaml, packets, strict

CASES = [
    case("defaults", "", ""),
    case("strict", "", "", STRICT, True),
    case("legacy-off", "graphite: {legacyNamespace: false}", "legacy: false"),
    case("prefixes", 'graphite: {legacyNamespace: false, globalPrefix: "gp", prefixCounter: "pc", '
         'prefixTimer: "pt", prefixGauge: "pg", prefixSet: "ps", globalSuffix: "sfx"}, prefixStats: "own"',
         "legacy: false, prefix: gp, prefix_counter: pc, prefix_timer: pt, prefix_gauge: pg, "
         "prefix_set: ps, suffix: sfx, namespace: own"),
    case("empty-prefixes", 'graphite: {legacyNamespace: false, globalPrefix: "", prefixCounter: "", '
         'prefixTimer: "", prefixGauge: "", prefixSet: ""}',
         'legacy: false, prefix: "", prefix_counter: "", prefix_timer: "", prefix_gauge: "", prefix_set: ""'),
    case("legacy-with-suffix", 'graphite: {globalSuffix: "web1"}, prefixStats: "x"', "suffix: web1, namespace: x"),
    case("percentiles", "percentThreshold: [50, 75, 99.9, -10, 5]", "percentiles: [50, 75, 99.9, -10, 5]"),
    case("no-percentiles", "percentThreshold: []", "percentiles: []"),
    case("delete-idle", "deleteIdleStats: true", "delete_idle: true"),
    case("delete-some", "deleteCounters: true, deleteGauges: true, gaugesMaxTTL: 2",
         "delete_counters: true, delete_gauges: true, gauges_ttl: 2"),
    case("histogram", "histogram: [{metric: 'x.', bins: [10, 100, 'inf']}, {metric: '', bins: [2.5, 5]}]",
         "histogram: [{metric: 'x.', bins: [10, 100, inf]}, {metric: '', bins: [2.5, 5]}]"),
    case("no-counts", "flush_counts: false", "flush_counts: false"),
    case("timer-metrics", "calculatedTimerMetrics: ['count', 'median', 'upper_percent', 'histogram']",
         "timer_metrics: [count, median, upper_percent, histogram]"),
    case("random-1", "", "", random_packets(SEED), True),
    case("random-2", "percentThreshold: [90, -25, 99.5], deleteIdleStats: true, graphite: {legacyNamespace: false}",
         "percentiles: [90, -25, 99.5], delete_idle: true, legacy: false", random_packets(SEED + 1), True),
    case("random-3", "histogram: [{metric: '', bins: [0.5, 2, 1000, 'inf']}]",
         "histogram: [{metric: '', bins: [0.5, 2, 1000, inf]}]", random_packets(20261122), True),
    # by the reference's own file, each for itself
    *(case("config-%d" % n, random_config(SEED + n), None, USUAL + random_packets(SEED + 10 + n, 40), True)
      for n in range(int(os.environ.get("CONFIGS", 4)))),
    case("unsanitized", "keyNameSanitize: false", "", [p for p in USUAL if b"$" not in p and b"\xc3" not in p]),
]

class Sink(threading.Thread):
    """Whole flushes, in order; one ends with flush_length."""
    def __init__(self):
        super().__init__(daemon=True)
        self.s = socket.socket(); self.s.bind(("127.0.0.1", 0)); self.s.listen(16)
        self.port = self.s.getsockname()[1]
        self.flushes, self.changed = [], threading.Condition()
        self.start()

    def run(self):
        lines, rest, sel = [], b"", selectors.DefaultSelector()
        sel.register(self.s, selectors.EVENT_READ)
        while True:
            for key, _ in sel.select():
                if key.fileobj is self.s:
                    sel.register(self.s.accept()[0], selectors.EVENT_READ)
                    continue
                d = key.fileobj.recv(1 << 20)
                if not d:
                    sel.unregister(key.fileobj); key.fileobj.close()
                *whole, rest = (rest + d).split(b"\n")
                for line in whole:
                    lines.append(line.decode())
                    if "graphiteStats.flush_length" in lines[-1]:
                        with self.changed:
                            self.flushes.append(lines)
                            self.changed.notify_all()
                        lines = []

    def wait(self, n):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.flushes) >= n, 60):
                raise RuntimeError("no flush for 60 s")

def between_flushes():
    """Both flush at whole seconds: be as far from that as can be."""
    time.sleep((1.45 - time.time() % 1) % 1)

def normal(flush):
    out = []
    for line in flush:
        name, value, stamp = line.rsplit(" ", 2)
        assert abs(int(stamp) - time.time()) < 60, line
        out.append(name + " " + ("*" if OWN.search(name) else value))
    return out

def start(argv, log):
    return subprocess.Popen(argv, stdout=open(log, "wb"), stderr=subprocess.STDOUT,
                            stdin=subprocess.DEVNULL)

def got_all(pairs, packets):
    """Did each count all packets in the first flush?  The reference loses some
    on a busy machine, and a flush may come in between."""
    want = re.compile(r"packets_received(\.count)?(\.[\w.-]+)? %d$" % len(packets))
    return all(any(want.search(l) for l in flush)
               for flush in pairs[0])

def run(c):
    """Again where that did not work out; a real difference comes again."""
    for attempt in range(6):
        name, pairs = run_once(c, attempt)
        if got_all(pairs, c[3]):
            break
        print("%s: packets were late or lost, attempt %d" % (name, attempt))
    return name, pairs

def run_once(c, attempt):
    name, js, yaml, packets, strict = c
    where = os.path.join(DIR, "%s-%d" % (name, attempt)); os.mkdir(where)
    theirs, ours = Sink(), Sink()
    port1, mgmt1, port2, mgmt2 = free_ports(4)
    def config_js(file, port, mgmt, sink):
        with open(file, "w") as f:
            f.write("{ port: %d, address: '127.0.0.1', mgmt_port: %d, mgmt_address: '127.0.0.1',\n"
                    "  graphiteHost: '127.0.0.1', graphitePort: %d, flushInterval: 1000,\n"
                    "  automaticConfigReload: false%s }\n" % (port, mgmt, sink.port, js and ", " + js))
    config_js(where + "/config.js", port1, mgmt1, theirs)
    argv = [MILLRACE, "-c", where + "/millrace.yaml"]
    if yaml is None:
        config_js(where + "/ours.js", port2, mgmt2, ours)
        argv = [MILLRACE, "--statsd-config", where + "/ours.js"]
    with open(where + "/millrace.yaml", "w") as f:
        f.write("state_dir: %s/state\nworkers: 1\nstatsd:\n  listen: ['udp://127.0.0.1:%d']\n"
                "  management: ''\n  strict: %s\n  unknown_types_are_counters: %s\n%s"
                "flush: {interval: 1s, persistent: false%s}\nclusters:\n"
                "  g: {method: forward, servers: ['127.0.0.1:%d']}\n"
                % (where, port2, str(strict).lower(), str(strict).lower(),
                   "  sanitize: false\n" if name == "unsanitized" else "",
                   yaml and ", " + yaml, ours.port))
    procs = [start([NODE, STATS, where + "/config.js"], where + "/statsd.log"),
             start(argv, where + "/millrace.log")]
    pairs = []
    try:
        theirs.wait(2); ours.wait(2)    # from the second on there is a timestamp_lag
        between_flushes()
        n1, n2 = len(theirs.flushes), len(ours.flushes)
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for p in packets:
            out.sendto(p, ("127.0.0.1", port1)); out.sendto(p, ("127.0.0.1", port2))
        for k in range(4):
            if k == 2:          # data again for some, after an idle interval
                between_flushes()
                for p in packets[:12]:
                    out.sendto(p, ("127.0.0.1", port1)); out.sendto(p, ("127.0.0.1", port2))
            theirs.wait(n1 + k + 1); ours.wait(n2 + k + 1)
            pairs.append((normal(theirs.flushes[n1 + k]), normal(ours.flushes[n2 + k])))
    finally:
        for p in procs:
            p.send_signal(signal.SIGTERM)
        for p in procs:
            p.wait()
    return name, pairs

def known(theirs, ours):
    """Differences on purpose: where the reference says NaN we say nothing, or,
    of a negative percentile that all values are in, the figure."""
    nan = {l.rsplit(" ", 1)[0] for l in theirs if l.endswith(" NaN")}
    return ([l for l in theirs if not l.endswith(" NaN")],
            [l for l in ours if l.rsplit(" ", 1)[0] not in nan or "_top" not in l])

def report(name, pairs):
    bad = 0
    for k, (theirs, ours) in enumerate(pairs):
        theirs, ours = known(theirs, ours)
        if theirs == ours:
            continue
        a, b = set(theirs), set(ours)
        for l in theirs:
            if l not in b:
                print("%s, flush %d: only the reference has: %s" % (name, k, l)); bad += 1
        for l in ours:
            if l not in a:
                print("%s, flush %d: only millrace has: %s" % (name, k, l)); bad += 1
        if a == b:
            at = next((i for i, (x, y) in enumerate(zip(theirs, ours)) if x != y), None)
            print("%s, flush %d: another order, from line %s: %s, %s" %
                  (name, k, at, theirs[at:at + 3] if at is not None else len(theirs),
                   ours[at:at + 3] if at is not None else len(ours))); bad += 1
    if bad > 0 and name.startswith("config-"):
        print("%s: %s" % (name, random_config(SEED + int(name[7:]))))
    if bad == 0:
        print("%s: %d flushes alike, %d lines in the first" % (name, len(pairs), len(pairs[0][0])))
    return bad

def main():
    print("SEED=%d" % SEED)
    wanted = [c for c in CASES if not sys.argv[4:] or c[0] in sys.argv[4:]]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        for name, pairs in pool.map(run, wanted):
            if len(pairs[0][0]) < 20:
                print("%s: the reference said next to nothing" % name); bad += 1
            bad += report(name, pairs)
    sys.exit(bad > 0)

main()
