"""What pytest sees: options, the mark, the fixtures, and the verdict at the end of a test.

Nothing of the harness is imported before a test asks for it: this file is read wherever the package is installed.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cli.standing import Plan, Standing
    from harness.drivers.joined import Made
    from harness.pytest_plugin.chaos import Chaos
    from harness.pytest_plugin.clusters import Clusters

Scope = Literal["function", "module", "session"]
_MARK = (
    "chaos(cluster, scope='function', with_={}, links=[], ready='60s'): the cluster of the fixture 'chaos', a compose "
    "file or the name of one that is shipped; for how long it stands; its variables; what runs through Toxiproxy"
)
_STAGE: "pytest.StashKey[list[Chaos]]" = pytest.StashKey()
_NAME_CHARACTERS = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos", "chaos-harness: real clusters, broken on purpose")
    group.addoption("--chaos-artifacts", metavar="DIR", default=None, help="folder of the records [runs]")
    group.addoption(
        "--chaos-require-engine",
        action="store_true",
        help="without an engine, or an image of yours, tests fail, not skip",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARK)


# --- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> "Chaos":
    """The cluster that the mark ``chaos`` names, and a record of what this test does to it."""
    mark = request.node.get_closest_marker("chaos")
    if mark is None:
        raise pytest.UsageError(
            f"{request.node.nodeid} uses 'chaos' and names no cluster: mark it with "
            "@pytest.mark.chaos(cluster='docker-compose.yml')"
        )
    scope, plan = _asked(request, *mark.args, **mark.kwargs)
    _need_engine(request.config)
    clusters: Clusters = request.getfixturevalue(f"_chaos_{scope}")
    return _stage(request, _had(request.config, lambda: clusters.get(plan)))


@pytest.fixture
def chaos_cluster(request: pytest.FixtureRequest) -> "Callable[..., Chaos]":
    """``chaos_cluster("docker-compose.yml")``: as the mark does it, for this test, named where it runs.

    ``chaos_cluster({"db": DockerContainer(...)})``: containers of testcontainers that were not started yet. They are
    started here, on a network of their own on which each has its name, and are gone after the test.
    """

    def start(cluster: "str | Mapping[str, Made]", **options: Any) -> "Chaos":
        made = None if isinstance(cluster, str | Path) else cluster
        _, plan = _asked(request, ",".join(made) if made else str(cluster), **options)
        _need_engine(request.config)
        if made:
            from harness.drivers.joined import set_up

            set_up()
        clusters: Clusters = request.getfixturevalue("_chaos_function")
        return _stage(request, _had(request.config, lambda: clusters.join(plan, made) if made else clusters.get(plan)))

    return start


@pytest.fixture
def _chaos_function(pytestconfig: pytest.Config) -> "Iterator[Clusters]":
    yield from _clusters(pytestconfig)


@pytest.fixture(scope="module")
def _chaos_module(pytestconfig: pytest.Config) -> "Iterator[Clusters]":
    yield from _clusters(pytestconfig)


@pytest.fixture(scope="session")
def _chaos_session(pytestconfig: pytest.Config) -> "Iterator[Clusters]":
    yield from _clusters(pytestconfig)


def _clusters(config: pytest.Config) -> "Iterator[Clusters]":
    from harness.pytest_plugin.clusters import Clusters

    found = Clusters(_runs(config))
    yield found
    found.close()


def _asked(
    request: pytest.FixtureRequest,
    cluster: str,
    scope: str = "function",
    with_: Mapping[str, object] | None = None,
    links: "list[str] | tuple[str, ...]" = (),
    ready: str = "60s",
) -> "tuple[str, Plan]":
    from harness.cli.standing import Plan
    from harness.units import duration_s

    if scope not in get_args(Scope):
        raise pytest.UsageError(f"scope is '{scope}': write one of {', '.join(get_args(Scope))}")
    variables = tuple(sorted((name, str(value)) for name, value in (with_ or {}).items()))
    return scope, Plan(str(cluster), request.path.parent, variables, tuple(links), duration_s(ready))


def _need_engine(config: pytest.Config) -> None:
    """No engine is no result: a skip that says why, or a failure where that was asked for. None is installed."""
    from harness.drivers import provision

    found = provision.find()
    if found.complete:
        return
    missing = "its compose or buildx plugin" if found.server else f"a container engine ({found.problem})"
    reason = f"chaos tests need {missing.removesuffix(' ()')}; install it with: harness engine"
    if config.getoption("--chaos-require-engine"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _had(config: pytest.Config, start: "Callable[[], Standing]") -> "Standing":
    """What was started. An image that is the user's to bring and is not here is no result either: as above."""
    from harness.errors import AbsentError

    try:
        return start()
    except AbsentError as error:
        if config.getoption("--chaos-require-engine"):
            raise
        pytest.skip(str(error))


def _runs(config: pytest.Config) -> Path:
    from harness.cli import places

    said = config.getoption("--chaos-artifacts")
    return Path(said) if said else places.runs()


def _stage(request: pytest.FixtureRequest, standing: "Standing") -> "Chaos":
    from harness.pytest_plugin.chaos import Chaos

    name = _name(request.node.name)
    found = Chaos(standing, name, _runs(request.config), f"pytest {request.node.nodeid}")
    request.node.stash.setdefault(_STAGE, []).append(found)
    return found


def _name(test: str) -> str:
    """``test_it[two words]`` -> ``test-it-two-words``: what its record is called."""
    slug = re.sub(r"[^a-z0-9]+", "-", test.lower()).strip("-")
    return (slug if slug[:1].isalpha() else f"test-{slug}")[:_NAME_CHARACTERS].strip("-")


# --- the verdict ------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that came to its end is judged; one that failed is judged too, and fails for its own reason."""
    try:
        result = yield
    except BaseException as error:
        for one in item.stash.get(_STAGE, []):
            _judge_failed(item, one, interrupted=isinstance(error, KeyboardInterrupt | SystemExit))
        raise
    for one in item.stash.get(_STAGE, []):
        one.finish()
    return result


def _judge_failed(item: pytest.Item, chaos: "Chaos", *, interrupted: bool) -> None:
    from harness.errors import HarnessError
    from harness.pytest_plugin.errors import NotHeld

    try:
        # Its contexts have ended in good order, so that the record of what was done is whole all the same.
        chaos.finish("interrupted" if interrupted else "finished")
    except (HarnessError, NotHeld, OSError) as error:
        text = chaos.told() if chaos.verdict else f"no verdict: {error}"
        item.add_report_section("call", "chaos", text)
    else:
        item.add_report_section("call", "chaos", chaos.told())
