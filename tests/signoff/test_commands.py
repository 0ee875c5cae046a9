"""The verbs ``suite``, ``signoff`` and ``verify``, as somebody types them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import command, places
from harness.cli import suite as suites
from harness.cli.bound import Overrides
from harness.errors import ClusterError, EngineError, Problem, ScenarioError, UnableError
from harness.loader.suite import label
from tests.cli.conftest import Said, write
from tests.signoff.stories import GOOD, LOST, SHIPPED, Fake, Script, one, suite
from tests.signoff.test_verify import keys

SUITE = """
    suite: signoff
    about: What a release must come through.
    scenarios: [partition, {scenario: broken/partition, skip: it is slow}]
"""
WAIVERS = """
    waivers:
      - {scenario: partition, objective: answers, who: Ada, why: known, until: 2199-12-31}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user's own, with two scenarios and a suite; nothing is asked of an engine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OLLAMA_TEST_ARTIFACTS_DIR", raising=False)
    monkeypatch.setattr(places, "_shipped", lambda kind: tmp_path / "shipped" / kind)  # fifty files take their time
    for name in ("partition", "broken/partition"):
        write(f"scenarios/{name}.yaml", (SHIPPED / f"{name}.yaml").read_text())
    write("scenarios/suites/signoff.yaml", SUITE)
    monkeypatch.setattr(suites, "_refuse_early", lambda _: None)
    play(monkeypatch, {})
    return tmp_path


def play(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    monkeypatch.setattr(suites, "player", lambda runs: Fake(runs, script, kept=True))


def harness(*arguments: str) -> Said:
    result = CliRunner().invoke(command, arguments, prog_name="harness")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def test_a_suite_says_a_line_for_each_and_leaves_its_pages(home: Path) -> None:
    said = harness("suite", "signoff")
    assert (said.code, said.err) == (0, "")
    first, second, headline, where = said.out.splitlines()
    assert first.startswith("HELD          partition: users lost none of 3,000 answers; ")
    assert second.startswith("SKIPPED       broken/partition: it is slow  (")
    assert headline == "signoff: 1 of 1 run came out as it should; 1 was not played."
    latest = Path("runs/suites/signoff/latest")
    assert where == f"suite   {latest.resolve().relative_to(home)}/index.html"
    assert (latest / "summary.md").is_file()


def test_what_this_engine_cannot_do_makes_a_suite_inconclusive(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, {"partition": UnableError("lost-n1 cannot be injected here: nftables does not work.")})
    said = harness("suite", "signoff")
    assert said.code == 3
    assert said.out.startswith("SKIPPED       partition: lost-n1 cannot be injected here: nftables does not work.")


def test_a_suite_that_is_not_there_is_said_with_those_that_are(home: Path) -> None:
    words = "sign-of: there is no suite of that name, and no scenario with that tag; did you mean 'signoff'?"
    assert harness("suite", "sign-of") == Said(2, "", f"{words}\n1 problem; nothing was started.\n")


def test_suites_are_no_scenarios(home: Path) -> None:
    assert "suites" not in harness("list", "scenarios").out


def test_what_is_wrong_with_a_suite_is_said_before_anything_starts(home: Path) -> None:
    write("scenarios/suites/signoff.yaml", SUITE.replace("[partition,", "[partitoin,"))
    said = harness("suite", "signoff")
    assert said.code == 2
    assert said.err.startswith(
        "scenarios/suites/signoff.yaml:3: 'scenario' is 'partitoin', which is none; did you mean"
    )
    write("scenarios/wip.yaml", "scenario: wip\n")
    assert "scenarios/wip.yaml:1: a scenario needs" in harness("suite", "signoff").err


def test_what_would_be_refused_in_an_hour_is_refused_now(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = {
        "partition (X=1)": ScenarioError([Problem("--with", 0, "'X' is no variable of compose/ollama.yaml")]),
        "kill": ScenarioError([Problem("scenarios/kill.yaml", 3, "there is no n7")]),
        "loss": ClusterError("compose/ollama.yaml: is not YAML"),
    }

    def load(name: str, overrides: Overrides) -> None:
        if error := refusals.get(label(name, overrides.variables)):
            raise error

    monkeypatch.setattr(suites, "load", load)
    plays = (one(), one(X="1"), one("kill"), one("kill", Y="2"), one("loss"), one("loss", skip="later"))
    with pytest.raises(ScenarioError) as caught:
        suites._refuse_early(suite(*plays))
    assert [str(problem) for problem in caught.value.problems] == [
        "loss: compose/ollama.yaml: is not YAML",
        "partition (X=1): 'X' is no variable of compose/ollama.yaml",
        "scenarios/kill.yaml:3: there is no n7",
    ]
    suites._refuse_early(suite(one(), one("loss", skip="later")))

    def absent(name: str, overrides: Overrides) -> None:
        raise EngineError("no compose plugin")

    monkeypatch.setattr(suites, "load", absent)
    suites._refuse_early(suite(one()))


def test_a_release_is_tried_bundled_signed_and_can_be_verified(home: Path) -> None:
    write("scenarios/suites/signoff.yaml", SUITE.replace(", {scenario: broken/partition, skip: it is slow}", ""))
    private, public = keys(home)
    said = harness("signoff", "v1.2.3", "--key", str(private))
    assert (said.code, said.err) == (0, "")
    assert "READY  v1.2.3 is ready: all 1 scenarios came out as they should." in said.out
    assert said.out.splitlines()[-1].startswith("bundle  signoff/v1.2.3.tar.gz  signed with ")
    checked = harness("verify", "signoff/v1.2.3.tar.gz", "--key", str(public))
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines()[-1] == "READY  v1.2.3 is ready: all 1 scenarios came out as they should."
    other = harness("verify", "signoff/v1.2.3.tar.gz", "--key", str(keys(home, "other")[1]))
    assert (other.code, other.out) == (1, "")
    assert other.err.startswith("manifest.json: the signature is not one of this key")


def test_a_release_is_signed_off_once(home: Path) -> None:
    assert harness("signoff", "v1").code == 3
    words = "signoff/v1.tar.gz is there already: move it away, a release is signed off once.\n"
    assert harness("signoff", "v1") == Said(4, "", words)


def test_a_skip_makes_a_release_that_cannot_be_told(home: Path) -> None:
    said = harness("signoff", "v1")
    assert said.code == 3
    assert "CANNOT TELL  Whether v1 is ready cannot be told: 1 of 2 scenarios did not show it." in said.out
    assert "  · broken/partition: was skipped: it is slow" in said.out


def test_a_suite_that_was_played_already_can_be_bundled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, {"partition": LOST})
    assert harness("suite", "signoff").code == 1
    play(monkeypatch, {"partition": AssertionError("it was played again")})
    said = harness("signoff", "v1", "--played", "signoff/latest")
    assert (said.code, said.err) == (1, "")
    assert "NOT READY  v1 is not ready: 1 of 2 scenarios broke what nobody accepted, and of 1" in said.out
    assert (
        harness("signoff", "v2", "--played", "nope").err == "nope: no suite was played there, nor under runs/suites.\n"
    )


def test_a_violation_that_is_accepted_is_said_as_that(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("waivers.yaml", WAIVERS)
    play(monkeypatch, {"partition": LOST})
    said = harness("signoff", "v1", "--waivers", "waivers.yaml")
    assert "Accepted by Ada.  (waived)" in said.out
    write("waivers.yaml", WAIVERS.replace("answers", "anwsers"))
    wrong = harness("signoff", "v2", "--waivers", "waivers.yaml")
    assert wrong.code == 2
    assert wrong.err.startswith(
        "waivers.yaml:2: 'objective' is 'anwsers', which partition has not; did you mean 'answers'?"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("signoff", "../v1"), "'../v1' cannot be a release: write letters, digits and ._+-, such as v1.2.3.\n"),
        (("signoff", "v1", "--key", "nope"), "The key nope cannot be read: No such file or directory.\n"),
        (("signoff", "v1", "--waivers", "nope"), "The waivers nope cannot be read: No such file or directory.\n"),
        (("verify", "nope.tar.gz"), "nope.tar.gz cannot be read: No such file or directory.\n"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(home: Path, arguments: tuple[str, ...], said: str) -> None:
    assert harness(*arguments) == Said(4, "", said)
    assert not Path("runs").exists()


def test_interrupted_there_is_no_bundle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, {"partition": KeyboardInterrupt()})
    said = harness("signoff", "v1")
    assert (said.code, said.err) == (130, "the suite was interrupted: no bundle was written\n")
    assert not Path("signoff").exists()


def test_verify_says_which_file_was_changed(home: Path) -> None:
    harness("signoff", "v1")
    bundle = Path("signoff/v1.tar.gz")
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    said = harness("verify", str(bundle))
    assert said.code == 1
    assert said.err.startswith("runs/partition/t1-1/")


def test_what_was_kept_by_the_fake_is_as_a_real_run_leaves_it(home: Path) -> None:
    """Else the tests above would show nothing of real bundles."""
    harness("suite", "signoff")
    assert GOOD is not LOST
    said = harness("judge", "runs/partition/t1-1")
    assert (said.code, said.err) == (0, "")
