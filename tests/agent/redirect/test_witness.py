"""What the witnesses make of what they see."""

from pathlib import Path

import pytest

from harness.agent.redirect.witness import Echoer, resolver_of
from harness.errors import AgentError
from harness.primitives import Tamper


def test_who_is_asked_first_is_asked_by_us(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("# nameserver 127.0.0.1\nsearch example\nnameserver 127.0.0.11\nnameserver 127.0.0.12\n")
    assert resolver_of(conf) == "127.0.0.11"
    conf.write_text("search example\n")
    with pytest.raises(AgentError, match="names no nameserver"):
        resolver_of(conf)


def test_the_share_of_changed_echoes_is_of_one_turn() -> None:
    witness = Echoer(Tamper("n1", "n2", 8000, "flip", share=0.5), "127.0.0.1")
    assert witness.note({}, {"echoes": 0.0, "changed": 0.0}) == {}
    first = witness.note({}, {"echoes": 3.0, "changed": 1.0})
    assert witness.note(first, {"echoes": 1.0, "changed": 1.0}) == {"echoes": 4.0, "changed_share": 0.5}
    witness.turn(fired=True)
    assert witness.readings() == {}
