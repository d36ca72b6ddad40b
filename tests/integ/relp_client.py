"""A RELP client for tests: sends what it is told, says what was answered.

relp_client.py PORT COUNT [TEXT] - COUNT messages in one go, then wait for all
answers; prints "answered N" and closes in order.  With NOCLOSE=1 in the
environment the connection is cut instead."""
import os, socket, sys, time

port, count = int(sys.argv[1]), int(sys.argv[2])
text = sys.argv[3] if len(sys.argv) > 3 else "relp"
s = socket.create_connection(("127.0.0.1", port))
s.settimeout(60)


def frame(n, command, data):
    return b"%d %s %d%s\n" % (n, command, len(data), b" " + data if data else b"")


def answers(want):
    got = b""
    while got.count(b" rsp ") < want or not got.endswith(b"\n"):
        d = s.recv(65536)
        if not d:
            break
        got += d
    return got


s.sendall(frame(1, b"open", b"relp_version=0\nrelp_software=test\ncommands=syslog"))
assert b"200 OK" in answers(1)
s.sendall(b"".join(
    frame(i + 2, b"syslog", b"<13>1 2026-01-02T03:04:05Z web1 app 1 - - %s %d end\n" %
          (text.encode(), i)) for i in range(count)))
got = answers(count)
print("answered", got.count(b" rsp 6 200 OK"))
if os.environ.get("NOCLOSE") != "1":
    s.sendall(frame(count + 2, b"close", b""))
    answers(1)
s.close()
