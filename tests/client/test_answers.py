from hypothesis import assume, given
from hypothesis import strategies as st

from harness.client.answers import node_of, start_of, text_of

nodes = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]|[a-z]", fullmatch=True)
starts = st.integers(0, 9).map(lambda digit: digit * 100)
lengths = st.integers(2, 120)


def test_the_answer_to_hello_3_is_what_the_model_says() -> None:
    assert text_of("n1", start_of("hello 3"), 3) == " n1-0300 n1-0301 n1-0302"
    assert node_of(" n1-0300 n1-0301 n1-0302", start_of("hello 3"), 3) == "n1"


def test_a_prompt_without_a_digit_at_its_end_counts_from_zero() -> None:
    assert [start_of(p) for p in ("hello", "", "7 up", "three ٣", "9")] == [0, 0, 0, 0, 900]


def test_the_model_counts_from_0999_to_0000() -> None:
    assert text_of("n1", 900, 101).endswith(" n1-0999 n1-0000")


@given(nodes, starts, lengths)
def test_a_right_answer_names_its_node(node: str, start: int, tokens: int) -> None:
    assert node_of(text_of(node, start, tokens), start, tokens) == node


@given(nodes, starts, lengths, st.data())
def test_any_truncation_is_noticed(node: str, start: int, tokens: int, data: st.DataObject) -> None:
    text = text_of(node, start, tokens)
    cut = data.draw(st.integers(0, len(text) - 1))
    assert node_of(text[:cut], start, tokens) is None
    assert node_of(text[len(text) - cut :], start, tokens) is None


@given(nodes, starts, lengths, st.data())
def test_any_change_of_one_character_is_noticed(node: str, start: int, tokens: int, data: st.DataObject) -> None:
    text = text_of(node, start, tokens)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.one_of(st.characters(), st.sampled_from("0123456789n- ")))
    assume(other != text[at])
    assert node_of(text[:at] + other + text[at + 1 :], start, tokens) is None


@given(nodes, starts, lengths, st.data())
def test_any_token_that_is_repeated_left_out_or_swapped_is_noticed(
    node: str, start: int, tokens: int, data: st.DataObject
) -> None:
    words = text_of(node, start, tokens).split(" ")[1:]
    i, j = sorted(data.draw(st.lists(st.integers(0, tokens - 1), min_size=2, max_size=2, unique=True)))
    swapped = [*words]
    swapped[i], swapped[j] = words[j], words[i]
    for wrong in ([*words[: i + 1], *words[i:]], words[:i] + words[i + 1 :], swapped, words * 2):
        assert node_of("".join(f" {w}" for w in wrong), start, tokens) is None


@given(nodes, nodes, starts, lengths, st.data())
def test_a_token_of_another_node_is_noticed(
    node: str, other: str, start: int, tokens: int, data: st.DataObject
) -> None:
    assume(node != other)
    at = data.draw(st.integers(0, tokens - 1))
    mine, others = (text_of(n, start, tokens).split(" ")[1:] for n in (node, other))
    mixed = [*mine[:at], others[at], *mine[at + 1 :]]
    assert node_of("".join(f" {w}" for w in mixed), start, tokens) is None


@given(nodes, starts, starts, lengths)
def test_the_answer_to_another_prompt_is_noticed(node: str, start: int, asked: int, tokens: int) -> None:
    assume(start != asked)
    assert node_of(text_of(node, start, tokens), asked, tokens) is None


@given(st.text(), starts, lengths)
def test_no_text_at_all_breaks_the_check(text: str, start: int, tokens: int) -> None:
    node_of(text, start, tokens)
