"""free_ports.py N [PORT...] - N ports, none of those named, that are free for TCP
and UDP on all addresses, outside the range that the kernel takes ports from,
within PORT_RANGE ("FROM-TO") when whoever runs several tests at once has given
each its own."""
import os, random, socket, sys

def is_free(port):
    held = []
    try:
        for family, any_ in ((socket.AF_INET, ''), (socket.AF_INET6, '::')):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                try:
                    s = socket.socket(family, kind)
                except OSError:
                    continue        # no IPv6 here
                held.append(s)
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind((any_, port))
        return True
    except OSError:
        return False
    finally:
        for s in held:
            s.close()

def free_ports(n, given=()):
    low, high = map(int, os.environ.get("PORT_RANGE", "10000-32000").split("-"))
    got = []
    while len(got) < n:
        p = random.randrange(low, high)
        if p not in got and p not in given and is_free(p):
            got.append(p)
    return got

if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1]), set(map(int, sys.argv[2:]))))
