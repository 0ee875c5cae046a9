"""Toxiproxy, typed and with time-outs: proxies that stay all run, toxics that come and go, each read back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import requests
import toxiproxy.api
from requests.adapters import HTTPAdapter
from toxiproxy import Proxy, Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.errors import AgentError
from harness.wire import TOXIPROXY_PORT

TIMEOUT_S = 1.0  # less than the supervisor's patience with a silent agent


@dataclass(frozen=True, slots=True)
class ProxySpec:
    """``name`` such as ``gateway->n1:11434``; ``listen`` and ``upstream`` are ``address:port``."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class ToxicSpec:
    """One toxic on one proxy; ``attributes`` with Toxiproxy's own names."""

    proxy: str
    name: str
    type: str
    stream: Literal["upstream", "downstream"]
    attributes: tuple[tuple[str, int], ...]


class ToxiproxyGone(AgentError):
    """Nothing listens where Toxiproxy did, and its toxics ended with it."""


class _Timed(HTTPAdapter):
    """toxiproxy-python asks without a time-out, which requests takes to mean for ever."""

    def __init__(self, alive: Callable[[], None]) -> None:
        super().__init__()
        self._alive = alive

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]  # fewer named options
        self._alive()
        return super().send(request, **{**options, "timeout": TIMEOUT_S})


class Toxics:
    """Not for several threads at once. Every failure is an ``AgentError``.

    ``alive`` is called before each question: a slow Toxiproxy must not make its caller look frozen.
    """

    def __init__(self, alive: Callable[[], None] = lambda: None) -> None:
        session = requests.Session()
        session.trust_env = False  # no proxy of the environment stands before loopback
        session.mount("http://", _Timed(alive))
        # toxiproxy-python calls the module's functions; a session has the same ones, and keeps its connection open.
        toxiproxy.api.requests = session
        self._server = Toxiproxy()
        self._server.update_api_consumer("127.0.0.1", TOXIPROXY_PORT)
        self._proxies: dict[str, Proxy] = {}

    def ensure(self, specs: Sequence[ProxySpec]) -> None:
        """These proxies exist, and are read back; one that is already right keeps its connections."""
        with _translated("set up its proxies"):
            there: dict[str, Proxy] = self._server.proxies()
            for spec in specs:
                if spec.name in there and _spec(there[spec.name]) != spec:
                    there[spec.name].destroy()
                    del there[spec.name]
                if spec.name not in there:
                    self._server.create(upstream=spec.upstream, name=spec.name, listen=spec.listen, enabled=True)
            self._proxies = self._server.proxies()
        for spec in specs:
            if spec.name not in self._proxies or _spec(self._proxies[spec.name]) != spec:
                raise AgentError(f"Toxiproxy does not hold the proxy {spec.name} on {spec.listen} as it was asked to")

    def add(self, spec: ToxicSpec) -> None:
        with _translated(f"add the toxic {spec.name} to {spec.proxy}"):
            self._proxies[spec.proxy].add_toxic(
                name=spec.name, type=spec.type, stream=spec.stream, toxicity=1.0, attributes=dict(spec.attributes)
            )

    def check(self, spec: ToxicSpec) -> None:
        """Raises unless Toxiproxy holds exactly this toxic: it ignores attributes whose names it does not know."""
        with _translated(f"show the toxic {spec.name} on {spec.proxy}"):
            found = self._proxies[spec.proxy].get_toxic(spec.name)
        if found is None:
            raise AgentError(f"Toxiproxy does not hold the toxic {spec.name} on {spec.proxy}")
        seen = (found.type, found.stream, found.toxicity, {k: found.attributes.get(k) for k, _ in spec.attributes})
        if seen != (spec.type, spec.stream, 1.0, dict(spec.attributes)):
            raise AgentError(
                f"Toxiproxy made another toxic of {spec.name} on {spec.proxy} than was asked for: it holds "
                f"{found.type} {found.stream} {found.attributes}; check the names of the attributes"
            )

    def remove(self, spec: ToxicSpec) -> None:
        """Removes it; one that is not there is no error."""
        what = f"remove the toxic {spec.name} from {spec.proxy}"
        with suppress(ToxiproxyGone), _translated(what), suppress(NotFound):
            self._proxies[spec.proxy].destroy_toxic(spec.name)

    def holds(self, spec: ToxicSpec) -> bool:
        with suppress(ToxiproxyGone), _translated(f"show the toxics of {spec.proxy}"):
            return spec.name in self._proxies[spec.proxy].toxics()
        return False

    def held(self) -> tuple[str, ...]:
        """The names of all toxics of all proxies, in order."""
        with suppress(ToxiproxyGone), _translated("list its toxics"):
            proxies: dict[str, Proxy] = self._server.proxies()
            return tuple(sorted(name for found in proxies.values() for name in found.toxics()))
        return ()

    def reset(self) -> None:
        """No toxics any more; proxies and their connections stay."""
        with suppress(ToxiproxyGone), _translated("remove its toxics"):
            self._server.reset()
        if left := self.held():
            raise AgentError(f"Toxiproxy still holds {', '.join(left)}")


def _spec(proxy: Proxy) -> ProxySpec:
    return ProxySpec(proxy.name, proxy.listen, proxy.upstream)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (InvalidToxic, NotFound, ProxyExists) as error:
        said = error.args[0] if error.args else b""
        text = said.decode(errors="replace").strip() if isinstance(said, bytes) else str(said)
        raise AgentError(f"Toxiproxy did not {what}: {text}") from error
    except (requests.RequestException, KeyError, ValueError) as error:
        if isinstance(error, requests.ConnectionError) and not Toxiproxy().running():
            raise ToxiproxyGone(f"Toxiproxy did not {what}: nothing listens on port {TOXIPROXY_PORT} here") from error
        raise AgentError(f"Toxiproxy did not {what} within {TIMEOUT_S:g} s: {error}") from error
