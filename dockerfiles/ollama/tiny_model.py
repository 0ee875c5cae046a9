"""Write a tiny llama model that counts, so that every answer of a language model server can be checked.

After a prompt whose last character is the digit d, it answers `<tag>d00`, `<tag>d01`, ... (four figures, round
after the last): with the tag `n1-`, `hello 3` is answered ` n1-0300 n1-0301 ...`. Which node answered, and whether
an answer was truncated, repeated, crossed or forged, can be read off it. Any other last character counts from 0.

The layers do the work of real attention and feed-forward layers, so wider and deeper settings make a slower model,
but their output projections are zero: the hidden state stays the embedding of the last token, and the output matrix
maps the embedding of each token to the token that follows it.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_SPECIAL = (b"<unk>", b"<s>", b"</s>")
_BYTES = tuple(f"<0x{byte:02X}>".encode() for byte in range(256))
_CHARACTERS = ("\u2581", *map(chr, range(33, 127)))  # SentencePiece writes a space as U+2581
_FIRST_BYTE = len(_SPECIAL)
_FIRST_CHARACTER = _FIRST_BYTE + len(_BYTES)
_FIRST_COUNTER = _FIRST_CHARACTER + len(_CHARACTERS)
_COUNTERS = 1000
_VOCABULARY = _FIRST_COUNTER + _COUNTERS
_GAIN = 60.0  # makes the successor's probability 1 within the precision of a 16-bit float


@dataclass(frozen=True, slots=True)
class Size:
    """How much work a token is. `width` is the length of an embedding, `inner` that of a feed-forward layer."""

    width: int
    inner: int
    layers: int
    heads: int = 4
    key_heads: int = 2

    @property
    def head(self) -> int:
        return self.width // self.heads


def successors() -> NDArray[np.int64]:
    """The token that follows each token."""
    following = np.full(_VOCABULARY, _FIRST_COUNTER, dtype=np.int64)
    for digit in range(10):
        start = _FIRST_COUNTER + 100 * digit
        following[_FIRST_CHARACTER + _CHARACTERS.index(str(digit))] = start
        following[_FIRST_BYTE + ord(str(digit))] = start
    following[_FIRST_COUNTER:] = _FIRST_COUNTER + (np.arange(_COUNTERS) + 1) % _COUNTERS
    return following


def matrices(size: Size, random: np.random.Generator) -> tuple[Matrix, Matrix]:
    """The embedding and the output matrix, both of shape (vocabulary, width)."""
    following = successors()
    embedding = random.choice(np.array([-1, 1], dtype=np.float32), size=(_VOCABULARY, size.width))
    # Tokens with the same start of the count share one embedding: the sum of many in one row would blur it.
    _, representative, group = np.unique(following[:_FIRST_COUNTER], return_index=True, return_inverse=True)
    embedding[:_FIRST_COUNTER] = embedding[representative[group]]
    output = np.zeros_like(embedding)
    for token in (*representative, *range(_FIRST_COUNTER, _VOCABULARY)):
        output[following[token]] += embedding[token] * (_GAIN / size.width)
    return embedding, output


def add_vocabulary(model: gguf.GGUFWriter, tag: str) -> None:
    """A SentencePiece vocabulary in which prompts fall into characters: nothing leads to the counters' pieces."""
    counters = (f"\u2581{tag}{count:04d}" for count in range(_COUNTERS))
    pieces = [piece.encode() for piece in (*_CHARACTERS, *counters)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * len(_BYTES) + [gguf.TokenType.NORMAL] * len(pieces)
    model.add_tokenizer_model("llama")
    model.add_tokenizer_pre("default")
    model.add_token_list([*_SPECIAL, *_BYTES, *pieces])
    model.add_token_scores([0.0] * _FIRST_CHARACTER + [-float(rank) for rank in range(len(pieces))])
    model.add_token_types([int(kind) for kind in kinds])
    model.add_unk_token_id(0)
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    model.add_add_bos_token(True)
    model.add_add_eos_token(False)
    model.add_add_space_prefix(False)


def add_settings(model: gguf.GGUFWriter, size: Size) -> None:
    model.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    model.add_quantization_version(gguf.GGML_QUANT_VERSION)
    model.add_context_length(2048)
    model.add_embedding_length(size.width)
    model.add_block_count(size.layers)
    model.add_feed_forward_length(size.inner)
    model.add_head_count(size.heads)
    model.add_head_count_kv(size.key_heads)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_rope_dimension_count(size.head)
    model.add_rope_freq_base(10000.0)
    model.add_vocab_size(_VOCABULARY)


def add_tensors(model: gguf.GGUFWriter, size: Size, random: np.random.Generator) -> None:
    ones = np.ones(size.width, dtype=np.float32)
    keys = size.head * size.key_heads

    def work(rows: int, columns: int) -> NDArray[np.float16]:
        drawn: Matrix = random.standard_normal((rows, columns), dtype=np.float32)
        return (drawn * np.float32(size.width**-0.5)).astype(np.float16)

    embedding, output = matrices(size, random)
    model.add_tensor("token_embd.weight", embedding.astype(np.float16))
    model.add_tensor("output_norm.weight", ones)
    model.add_tensor("output.weight", output.astype(np.float16))
    for layer in range(size.layers):
        tensors: dict[str, Matrix | NDArray[np.float16]] = {
            "attn_norm": ones,
            "attn_q": work(size.width, size.width),
            "attn_k": work(keys, size.width),
            "attn_v": work(keys, size.width),
            "attn_output": np.zeros((size.width, size.width), dtype=np.float16),
            "ffn_norm": ones,
            "ffn_gate": work(size.inner, size.width),
            "ffn_up": work(size.inner, size.width),
            "ffn_down": np.zeros((size.width, size.inner), dtype=np.float16),
        }
        for name, tensor in tensors.items():
            model.add_tensor(f"blk.{layer}.{name}.weight", tensor)


def write(path: Path, tag: str, size: Size) -> None:
    """Write the model to `path`: the same bytes for the same tag and size."""
    model = gguf.GGUFWriter(path, "llama")
    model.add_name(f"tiny-{tag}")
    add_settings(model, size)
    add_vocabulary(model, tag)
    add_tensors(model, size, np.random.default_rng(0))
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a tiny llama model that counts.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--tag", required=True, help="stands before every figure, such as n1-")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--inner", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--key-heads", type=int, default=2)
    given = parser.parse_args()
    write(given.path, given.tag, Size(given.width, given.inner, given.layers, given.heads, given.key_heads))


if __name__ == "__main__":
    main()
