"""Deeds of the engine in threads that only report back; what they come to is decided, and written, by one thread."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field

from harness.clock import monotonic_ns, to_ns
from harness.engine import Output, RunningCluster
from harness.errors import EngineError, HarnessError
from harness.primitives import Bound, Command, Crash, Discard, EnginePrimitive, Replace, Restart, Roll
from harness.recording.events import FaultHealed, Ran, Read, Saved
from harness.runner.inbox import Did, Inbox, Noted, Refused
from harness.runner.ledger import Ledger
from harness.runner.life import deeds
from harness.runner.life.counters import Counters
from harness.runner.life.roll import LOOK_EVERY_S, roll
from harness.wire import When

_THREADS = 16
_WRITTEN_WITHIN_S = 10.0
_ENDS_WITHIN_S = 30.0


@dataclass(slots=True)
class _Deed:
    """One primitive of one fault, from its asking to its end. ``old``: what was there before, as the journal has it.

    ``cancelled``: it is to be taken back; ``undone``: it is, though the engine may not have said so yet;
    ``stuck``: it could not be.
    """

    fault: str
    primitive: EnginePrimitive
    until_ns: int
    old: dict[str, str] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    undone: bool = False
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class _Awaited:
    """The engine's word on one node that will say that a deed is in force (``fires``), or is gone."""

    deed: _Deed
    action: str
    fires: bool
    asked_ns: int


class Life:
    """Does and undoes, one deed in flight per node.

    ``ready``: is this node ready again? Asked in threads of its own, several times a second; None: when it listens.
    """

    def __init__(
        self, running: RunningCluster, inbox: Inbox, ledger: Ledger, ready: Callable[[str], bool] | None = None
    ) -> None:
        self._running, self._inbox, self._ledger = running, inbox, ledger
        self._ready = ready or running.listening
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="engine")
        self._calls: dict[str, Future[None]] = {}  # node -> the last call for it
        self._deeds: dict[tuple[str, EnginePrimitive], _Deed] = {}
        self._awaited: list[_Awaited] = []
        self._closed = threading.Event()

    # --- what the deciding thread asks for ----------------------------------------------------------------------------

    def do(self, fault: str, primitive: EnginePrimitive, until_ns: int) -> None:
        """Apply it now. Whatever comes of it is in the inbox, and in the engine's events."""
        deed = self._deeds[fault, primitive] = _Deed(fault, primitive, until_ns)
        self._await(deed, deeds.words(primitive).fired, fires=True)
        self._submit(deed, self._do)

    def undo(self, fault: str, primitive: EnginePrimitive) -> None:
        """Take it back now, if it was done and is not on its way back already."""
        deed = self._deeds.get((fault, primitive))
        if deed is None or deed.undone or deed.cancelled.is_set():
            return
        deed.cancelled.set()
        self._forget(deed, fires=False)
        self._await(deed, deeds.words(primitive).healed, fires=False)
        self._submit(deed, self._undo)

    def open(self, fault: str | None = None) -> tuple[EnginePrimitive, ...]:
        """What was asked for and is not undone; of one fault, or of all."""
        return tuple(deed.primitive for deed in self._deeds.values() if not deed.undone and fault in (None, deed.fault))

    def unfinished(self) -> tuple[tuple[str, str], ...]:
        """(fault, node) of what is not undone, or of which the engine has not said the last word."""
        return tuple(sorted((deed.fault, deed.primitive.node) for deed in self._deeds.values()))

    def undo_all(self, fault: str | None = None) -> None:
        """Everything that is open, of one fault or of all; also what could not be taken back before."""
        for deed in tuple(self._deeds.values()):
            if fault in (None, deed.fault):
                if deed.stuck:
                    deed.stuck = False
                    deed.cancelled.clear()
                self.undo(deed.fault, deed.primitive)

    def close(self) -> None:
        """Ask nothing more of the engine, and wait for what makes containers: one made later nobody would remove."""
        self._closed.set()
        for deed in self._deeds.values():
            deed.cancelled.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        making = [deed.primitive.node for deed in self._deeds.values() if isinstance(deed.primitive, Discard | Crash)]
        wait([self._calls[node] for node in making if node in self._calls], timeout=_ENDS_WITHIN_S)

    def down(self, fault: str | None = None) -> tuple[str, ...]:
        """Nodes that an open deed may keep down; one fault's, or all."""
        ending = [primitive for primitive in self.open(fault) if deeds.may_end(primitive)]
        return tuple(dict.fromkeys(node for primitive in ending for node in deeds.nodes_of(primitive)))

    # --- what the deciding thread hears -------------------------------------------------------------------------------

    def changed(self, node: str, action: str, at_ns: int) -> bool:
        """True if this change of a node's container is one we asked for, or means nothing; False: it died by itself."""
        for awaited in self._awaited:
            if awaited.deed.primitive.node == node and awaited.action == action:
                self._awaited.remove(awaited)
                self._said(awaited, at_ns)
                return True
        return action != "die" or node in self._in_our_hands()

    def heard(self, item: Did | Noted) -> None:
        """A thread of ours reports."""
        match item:
            case Did():
                self._did(item)
            case Noted(event, written):
                self._ledger.record(event, sync=written is not None)
                if written is not None:
                    written.set()

    def refused(self, item: Refused) -> None:
        """A deed was not done, or not undone. What could not be undone stays open, for ``undo_all`` to try again."""
        self._ledger.failed(item.fault, item.node, item.error)
        deed = self._deeds.get((item.fault, item.primitive))
        if deed is None:
            return
        self._forget(deed, fires=not item.undoing)
        if item.undoing:
            deed.stuck = True
        elif not item.left:
            self._end(deed)

    def _in_our_hands(self) -> frozenset[str]:
        """Nodes that may end because of what we do: until the engine has said the last of it."""
        ending = [deed.primitive for deed in self._deeds.values() if deeds.may_end(deed.primitive)]
        return frozenset(node for primitive in ending for node in deeds.nodes_of(primitive))

    def _await(self, deed: _Deed, action: str | None, *, fires: bool, asked_ns: int | None = None) -> None:
        if action is not None:
            self._awaited.append(_Awaited(deed, action, fires, asked_ns or self._ledger.now_ns()))

    def _forget(self, deed: _Deed, *, fires: bool) -> bool:
        """Nothing more is awaited for it; False: nothing was."""
        kept = [awaited for awaited in self._awaited if awaited.deed is not deed or awaited.fires != fires]
        found = len(kept) < len(self._awaited)
        self._awaited = kept
        return found

    def _said(self, awaited: _Awaited, at_ns: int) -> None:
        deed = awaited.deed
        if not awaited.fires:
            self._healed(deed, awaited.asked_ns, at_ns)
            return
        self._ledger.fired(deed.fault, deed.primitive.node, awaited.asked_ns, at_ns)
        if isinstance(deed.primitive, Crash | Restart):  # it may come back before we bring it back
            self._await(deed, "start", fires=False, asked_ns=at_ns)

    def _did(self, item: Did) -> None:
        deed = self._deeds.get((item.fault, item.primitive))
        if deed is None:
            return
        if not item.undone:
            if deeds.words(item.primitive).fired is None:
                self._ledger.fired(item.fault, item.primitive.node, item.before_ns, item.after_ns)
            if isinstance(item.primitive, Roll) and not deed.cancelled.is_set():
                self._healed(deed, item.after_ns - to_ns(LOOK_EVERY_S), item.after_ns)  # the last one is ready again
            return
        deed.undone = True
        awaited = self._forget(deed, fires=False) if not item.told else False
        if awaited or deeds.words(item.primitive).healed is None:
            self._healed(deed, item.before_ns, item.after_ns)
        elif not any(other.deed is deed for other in self._awaited):
            self._end(deed)

    def _healed(self, deed: _Deed, before_ns: int, after_ns: int) -> None:
        node = deed.primitive.node
        self._ledger.healed(FaultHealed(self._ledger.now_ns(), deed.fault, node, before_ns, after_ns, "schedule"))
        if deed.undone:
            self._end(deed)

    def _end(self, deed: _Deed) -> None:
        deed.undone = True
        self._deeds.pop((deed.fault, deed.primitive), None)

    # --- what the threads do ------------------------------------------------------------------------------------------

    def _submit(self, deed: _Deed, act: Callable[[_Deed], None]) -> None:
        """One after the other: a start that overtakes its kill would find the node running, and leave it dead."""
        if self._closed.is_set():
            return
        nodes = deeds.nodes_of(deed.primitive)
        before = [self._calls[node] for node in nodes if node in self._calls]
        call = self._threads.submit(self._call, before, deed, act)
        self._calls.update(dict.fromkeys(nodes, call))

    @staticmethod
    def _call(before: list[Future[None]], deed: _Deed, act: Callable[[_Deed], None]) -> None:
        wait(before)
        act(deed)

    def _do(self, deed: _Deed) -> None:
        node = deed.primitive.node
        try:
            self._remember(deed)
            counters = self._counters(deed)
            self._read(counters, "before")
            before_ns = self._ledger.now_ns()
            self._act(deed)
            after_ns = self._ledger.now_ns()
        except HarnessError as error:
            left = not self._took_back(deed)
            self._inbox.put(Refused(deed.fault, node, deed.primitive, undoing=False, left=left, error=str(error)))
            return
        self._inbox.put(
            Did(deed.fault, deed.primitive, undone=False, told=True, before_ns=before_ns, after_ns=after_ns)
        )
        if counters is not None:
            self._read(counters, "during")
            counters.follow(self._note, deed.cancelled)

    def _act(self, deed: _Deed) -> None:
        match deed.primitive:
            case Roll() as primitive:
                roll(self._running, primitive, self._ready, deed.cancelled)
            case Command(node=node, command=command):
                within_s = max(1.0, (deed.until_ns - self._ledger.now_ns()) / 1e9)
                self._run(deed, node, command, within_s)
            case primitive:
                deeds.do(self._running, deed.fault, primitive, self._ledger.folder, deed.old)

    def _run(self, deed: _Deed, node: str, command: tuple[str, ...], within_s: float) -> None:
        began_ns = self._ledger.now_ns()
        try:
            output = deeds.command(self._running, deed.fault, node, command, within_s)
        except deeds.CommandFailed as failed:
            self._ran(deed, command, began_ns, failed.output)
            raise
        self._ran(deed, command, began_ns, output)

    def _ran(self, deed: _Deed, command: tuple[str, ...], began_ns: int, output: Output) -> None:
        now_ns = self._ledger.now_ns()
        took_s = (now_ns - began_ns) / 1e9
        node = deed.primitive.node
        self._inbox.put(Noted(Ran(now_ns, node, deed.fault, command, output.exit_code, took_s, output.text)))

    def _undo(self, deed: _Deed) -> None:
        before_ns = self._ledger.now_ns()
        try:
            if isinstance(deed.primitive, Command) and deed.primitive.undo:
                self._run(deed, deed.primitive.node, deed.primitive.undo, _WRITTEN_WITHIN_S)
                told = False
            else:
                told = deeds.undo(self._running, deed.fault, deed.primitive, self._ledger.folder, deed.old)
        except HarnessError as error:
            node = deed.primitive.node
            self._inbox.put(Refused(deed.fault, node, deed.primitive, undoing=True, left=True, error=str(error)))
            return
        after_ns = self._ledger.now_ns()
        self._read(self._counters(deed), "after")
        self._inbox.put(Did(deed.fault, deed.primitive, undone=True, told=told, before_ns=before_ns, after_ns=after_ns))

    def _took_back(self, deed: _Deed) -> bool:
        """What was half done goes at once; a deed that is one call was not done at all."""
        if not isinstance(deed.primitive, Restart | Bound | Discard | Replace | Roll):
            return True
        with suppress(HarnessError):
            deeds.undo(self._running, deed.fault, deed.primitive, self._ledger.folder, deed.old)
            return True
        return False

    def _remember(self, deed: _Deed) -> None:
        """What was there before is on the disk before anything is changed."""
        deed.old.update(deeds.before(self._running, deed.fault, deed.primitive, self._ledger.folder))
        for what, value in deed.old.items():
            written = threading.Event()
            self._inbox.put(Noted(Saved(self._ledger.now_ns(), deed.primitive.node, deed.fault, what, value), written))
            deadline_ns = monotonic_ns() + to_ns(_WRITTEN_WITHIN_S)
            while not (written.wait(0.05) or self._closed.is_set() or monotonic_ns() > deadline_ns):
                pass
            if not written.is_set():
                raise EngineError(f"{what} of {deed.primitive.node} could not be remembered, so nothing was changed.")

    def _counters(self, deed: _Deed) -> Counters | None:
        if not isinstance(deed.primitive, Bound):
            return None
        return Counters(self._running, deed.fault, deed.primitive.node, self._ledger.now_ns)

    def _read(self, counters: Counters | None, when: When) -> None:
        for event in counters.read(when) if counters else ():
            self._note(event)

    def _note(self, event: Read) -> None:
        self._inbox.put(Noted(event))
