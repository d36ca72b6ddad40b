#!/usr/bin/python3
"""proxy.py PORT TARGET CONTROL - a wire that misbehaves.

CONTROL is a file with one line, looked at every 20 ms:
  pass             as a wire should
  delay MS         in both directions
  trickle          answers come byte by byte, a thousand a second
  garbage          the next answer is not the one that was given
  cut N            each connection is reset when N bytes of answers have passed
  mute-answers     what the server says is thrown away, one way
  mute             nothing passes in either direction
  rst              all connections are reset, and new ones at once
"""
import asyncio, socket, struct, sys, time

port, target, control = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
mode, arg = "pass", 0
open_now = set()


def reset(writer):
    sock = writer.get_extra_info("socket")
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except (AttributeError, OSError):
        pass                    # it is closed already
    writer.transport.abort()


async def watch():
    global mode, arg
    while True:
        try:
            words = open(control).read().split()
        except OSError:
            words = []
        if words:
            mode, arg = words[0], int(words[1]) if len(words) > 1 else 0
        if mode == "rst":
            for pair in list(open_now):
                for w in pair:
                    reset(w)
        await asyncio.sleep(0.02)


async def pipe(reader, writer, pair, answers):
    passed = 0
    try:
        while data := await reader.read(65536):
            if mode == "delay":
                await asyncio.sleep(arg / 1000)
            if mode == "mute" or (answers and mode == "mute-answers"):
                continue
            if answers and mode == "garbage":
                data = b"?\x00\xff$99999999999999999999\r\n" + data
            if answers and mode == "cut" and passed + len(data) > arg:
                writer.write(data[:max(0, arg - passed)])
                await writer.drain()
                break
            passed += len(data)
            if answers and mode == "trickle":
                for i in range(len(data)):
                    if mode == "trickle":
                        writer.write(data[i:i + 1])
                        await writer.drain()
                        await asyncio.sleep(0.001)
                    else:
                        writer.write(data[i:])
                        break
            else:
                writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass
    if mode in ("cut", "rst"):
        for w in pair:
            reset(w)
    else:
        for w in pair:
            w.close()
    open_now.discard(pair)


async def serve(reader, writer):
    if mode == "rst":
        reset(writer)
        return
    try:
        r2, w2 = await asyncio.open_connection("127.0.0.1", target)
    except OSError:
        reset(writer)
        return
    pair = (writer, w2)
    open_now.add(pair)
    await asyncio.gather(pipe(reader, w2, pair, False), pipe(r2, writer, pair, True))


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await watch()

asyncio.run(main())
