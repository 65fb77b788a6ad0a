"""A server as it is for somebody far away: python far.py <its port> <own port> <seconds each way>."""

import asyncio
import sys
from contextlib import suppress

TARGET, PORT, SECONDS = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])


async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        data = b"-"
        while data:
            at, data = await under_way.get()
            await asyncio.sleep(at - loop.time())
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    with suppress(OSError):
        arriving = asyncio.create_task(arrive())
        data = b"-"
        while data:
            data = await reader.read(65536)
            under_way.put_nowait((loop.time() + SECONDS, data))
        await arriving


async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    near, out = await asyncio.open_connection("127.0.0.1", TARGET)
    await asyncio.gather(one_way(reader, out), one_way(near, writer))
    for end in (out, writer):
        end.close()


async def main() -> None:
    async with await asyncio.start_server(visit, "127.0.0.1", PORT) as server:
        await server.serve_forever()


asyncio.run(main())
