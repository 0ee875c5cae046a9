"""``python -m harness.client.own FD``: the process in which a user's own class asks, one question for each line.

Its first line of input says which class of which source; the end of its input ends it. What the class does wrong is
told as the outcome of that one operation, and the first of each kind on the standard error, with its traceback.
"""

import asyncio
import inspect
import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from harness.client.connection import outcome_of
from harness.operations import Outcome

_THREADS = 256
_NODE_MAX, _TEXT_MAX = 60, 200

Ask = Callable[[int], object]


class Own:
    """Numbers the questions, and turns however one ended into (outcome, node, text)."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._number = 0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ask")
        self._told: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readline():
                number, self._number = self._number, self._number + 1
                writer.write(json.dumps(await self._ended(number)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # the generator gave that operation up
        finally:
            writer.close()

    async def _ended(self, number: int) -> tuple[str, str, str]:
        try:
            return Outcome.OK.name, _node(await self._call(number)), ""
        except Exception as error:
            self._tell(error)
            return outcome(error).name, "", f"{type(error).__name__}: {error}"[:_TEXT_MAX]

    async def _call(self, number: int) -> object:
        """A coroutine runs here, anything else in a thread: it may block."""
        if inspect.iscoroutinefunction(self._ask):
            answer: Awaitable[object] = self._ask(number)
            return await answer
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, number)

    def _tell(self, error: Exception) -> None:
        kind = f"{type(error).__name__} {error}"
        if kind not in self._told and len(self._told) < 20:
            self._told.add(kind)
            traceback.print_exception(error)


def outcome(error: Exception) -> Outcome:
    """An answer that was not true is an ``AssertionError``; anything that no network does is the client's own error."""
    if isinstance(error, AssertionError):
        return Outcome.WRONG
    return outcome_of(error) if isinstance(error, OSError) else Outcome.CLIENT_ERROR


def _node(answer: object) -> str:
    return answer[:_NODE_MAX] if isinstance(answer, str) else ""


def made(source: str, file: str, name: str, host: str, port: int, timeout_s: float) -> Ask:
    """The ``ask`` of a new instance of the class. Raises whatever the source raises."""
    namespace: dict[str, object] = {"__name__": "client", "__file__": file}
    exec(compile(source, file, "exec"), namespace)
    kind = namespace[name]
    assert callable(kind)
    ask: Ask = kind(host, port, timeout_s).ask
    return ask


async def _serve(listening: socket.socket, ask: Ask) -> None:
    server = await asyncio.start_server(Own(ask).serve, sock=listening)
    await server.serve_forever()


def _ends_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # threads of the user's may never return


def main() -> None:
    told = json.loads(sys.stdin.readline())
    listening = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=_ends_with_input, daemon=True).start()
    try:
        ask = made(told["source"], told["file"], told["class"], told["host"], told["port"], told["timeout_s"])
    except BaseException as error:  # whatever a user's file raises when it is run
        traceback.print_exception(error)
        ask = _raising(error)
    asyncio.run(_serve(listening, ask))


def _raising(error: BaseException) -> Ask:
    def ask(number: int) -> object:
        raise RuntimeError(f"the class could not be made: {error!r}")

    return ask


if __name__ == "__main__":
    main()
