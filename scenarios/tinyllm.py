"""What the scenarios of TinyLLM ask: a question in a chat that stays open, as somebody at a terminal would.

Each user has one chat, and so one client of TinyLLM with its retries and its breaker. An answer is right when it counts
from the digit of the question; what TinyLLM calls an error is one, although it goes on and would end with 0.
"""

import queue
import socket

PROMPT = b"You (tiny): "
SHOWN = 160


class Chat:
    def __init__(self, host, port, timeout_s):
        self._address, self._timeout_s = (host, port), timeout_s
        self._idle = queue.LifoQueue()

    def ask(self, number):
        chat = self._opened()
        try:
            chat.sendall(b"hello %d\n" % (number % 10))
            said = _until_prompt(chat)
        except OSError:
            chat.close()
            raise
        self._idle.put(chat)
        if "Error:" in said:
            raise ConnectionError(" ".join(said.split())[:SHOWN])
        assert f"n1-0{number % 10}00 " in said, " ".join(said.split())[:SHOWN]
        return "n1"

    def _opened(self):
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            chat = socket.create_connection(self._address, self._timeout_s)
            _until_prompt(chat)
            return chat


def _until_prompt(chat):
    said = b""
    while not said.endswith(PROMPT):
        more = chat.recv(1 << 16)
        if not more:
            raise ConnectionResetError("the chat ended")
        said += more
    return said.decode()
