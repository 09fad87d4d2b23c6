# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in a thread of its own, which can be made to misbehave."""
import asyncio
import threading

PASS, FREEZE, DELAY, DROP, CORRUPT = "pass", "freeze", "delay", "drop", \
    "corrupt"
FREEZE_TO, FREEZE_FROM = "freeze_to", "freeze_from"  # the one who listens


class Proxy:
    """Forwards (address, port) pairs: listen -> target. `mode` holds for all
    of its connections, at once."""

    def __init__(self, pairs):
        self.mode, self.writers = PASS, set()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self.run, args=(pairs,),
                                       daemon=True)
        self.thread.start()
        self.ready.wait(10)
        if self.error:
            raise self.error

    def run(self, pairs):
        asyncio.set_event_loop(self.loop)
        try:
            self.servers = [self.loop.run_until_complete(self.listen(*p))
                            for p in pairs]
        except OSError as error:
            self.error = error
        self.ready.set()
        if not self.error:
            self.loop.run_forever()

    async def listen(self, at, to):
        async def serve(reader, writer):
            try:
                far_reader, far_writer = await asyncio.open_connection(*to)
            except OSError:
                writer.transport.abort()
                return
            self.writers |= {writer, far_writer}
            await asyncio.gather(self.pump(reader, far_writer, FREEZE_TO),
                                 self.pump(far_reader, writer, FREEZE_FROM))
            self.writers -= {writer, far_writer}
        return await asyncio.start_server(serve, *at)

    async def pump(self, reader, writer, one_way):
        try:
            while data := await reader.read(65536):
                while self.mode in (FREEZE, one_way):
                    await asyncio.sleep(0.02)
                if self.mode == DELAY:
                    await asyncio.sleep(0.1)
                if self.mode == DROP:
                    continue
                if self.mode == CORRUPT:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        writer.transport.abort()

    def reset(self):
        """Every connection ends, without a word."""
        self.loop.call_soon_threadsafe(
            lambda: [w.transport.abort() for w in list(self.writers)])

    def close(self):
        async def end():
            for server in self.servers:
                server.close()
            tasks = [t for t in asyncio.all_tasks()
                     if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.reset()
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
