#!/bin/bash
# Every way to a Graphite server: datagrams of whole lines, pickles, TLS, packed
# streams (gzip, lz4, snappy), those over TLS, a file; the same thousand lines arrive by each.
. "$(dirname "$0")/lib.sh"
need openssl
ports UDP PKL TLS GZ LZ SN
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null ||
	fail "a certificate"
cat >peers.py <<'PYTHON'
import pickle, socket, ssl, struct, sys, threading, zlib
udp, pkl, tls, gz = map(int, sys.argv[1:5])

def listen(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(8)
    return s

def on_udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind(("127.0.0.1", udp))
    with open("udp.txt", "ab", 0) as f:
        while True:
            d = s.recv(65536)
            if len(d) > 1400 or not d.endswith(b"\n"):
                f.write(b"BAD %d\n" % len(d))
            f.write(d)

def exactly(c, n):
    d = b""
    while len(d) < n:
        more = c.recv(n - len(d))
        if not more:
            return None
        d += more
    return d

def on_pickle():
    s = listen(pkl)
    with open("pickle.txt", "ab", 0) as f:
        while True:
            c, _ = s.accept()
            while True:
                head = exactly(c, 4)
                if head is None:
                    break
                body = exactly(c, struct.unpack("!I", head)[0])
                for name, (t, v) in pickle.loads(body):
                    f.write(("%s %g %d\n" % (name, v, t)).encode())

def on_tls():
    s = listen(tls)
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain("cert.pem", "key.pem")
    with open("tls.txt", "ab", 0) as f:
        while True:
            c, _ = s.accept()
            c = ctx.wrap_socket(c, server_side=True)
            while d := c.recv(65536):
                f.write(d)

def on_gzip():
    s = listen(gz)
    with open("gzip.txt", "ab", 0) as f:
        while True:
            c, _ = s.accept()
            z = zlib.decompressobj(31)
            while d := c.recv(65536):
                f.write(z.decompress(d))

for t in on_udp, on_pickle, on_tls:
    threading.Thread(target=t, daemon=True).start()
on_gzip()
PYTHON
start peers "$PY" peers.py "$UDP" "$PKL" "$TLS" "$GZ"
wait_for 10 "the peers" tcp_open "$GZ"

# the other end of lz4 and snappy is a second one of ours
LZOUT=$T/lz4.txt
ports LZADMIN GZS LZS
cat >lz4.yaml <<YAML
state_dir: $T/lz4-state
workers: 1
graphite:
  listen: ["lz4://127.0.0.1:$LZ", "snappy://127.0.0.1:$SN", "gzips://127.0.0.1:$GZS", "lz4s://127.0.0.1:$LZS"]
  tls: {cert: cert.pem, key: key.pem}
admin: {listen: http://127.0.0.1:$LZADMIN}
clusters:
  out: {method: file, servers: ["$LZOUT"]}
YAML
start lz4 "$MILLRACE" -c lz4.yaml
wait_for 10 "the second millrace" tcp_open "$LZ"

write_conf <<YAML
clusters:
  udp: {servers: [{host: 127.0.0.1, port: $UDP, transport: udp}]}
  pickle: {servers: [{host: 127.0.0.1, port: $PKL, protocol: pickle}]}
  tls: {servers: [{host: localhost, port: $TLS, tls: true}], tls: {ca: cert.pem}}
  gzip: {servers: [{host: 127.0.0.1, port: $GZ, codec: gzip}]}
  lz4: {servers: [{host: 127.0.0.1, port: $LZ, codec: lz4}]}
  snappy: {servers: [{host: 127.0.0.1, port: $SN, codec: snappy}]}
  bare: {servers: [{host: 127.0.0.1, port: $SN, codec: snappy_bare}]}
  gzips: {servers: [{host: localhost, port: $GZS, codec: gzip, tls: true}], tls: {ca: cert.pem}}
  lz4s: {servers: [{host: localhost, port: $LZS, codec: lz4, tls: true}], tls: {ca: cert.pem}}
  file: {method: file, servers: ["$T/file.txt"]}
YAML
start_daemon
for i in $(seq 1000); do echo "wire.n$i $i 1700000000"; done | sort >sent.txt
cat sent.txt >"/dev/tcp/127.0.0.1/$GRAPHITE"
# only the lines above: the daemon's own figures are sent as well
same() {
	cmp <(grep -a -e '^wire\.' -e ^BAD "$1" | sort) sent.txt
}
for w in udp pickle tls gzip file; do
	wait_for 15 "a thousand lines by $w" same "$w.txt"
done
# five streams end there: each line is there five times
five_times() {
	cmp <(grep -a '^wire\.' lz4.txt | sort) <(cat sent.txt sent.txt sent.txt sent.txt sent.txt | sort)
}
wait_for 15 "a thousand lines by lz4, both forms of snappy, and over TLS" five_times
wait_for 10 "the ledger" ledger_closes metric graphite

# a file that was moved away is made again after a reload
mv file.txt file.1
kill -HUP "$DAEMON"
wait_for 10 "the file" test -e file.txt
stop_daemon
