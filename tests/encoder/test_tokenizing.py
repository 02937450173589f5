import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import weakref
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from tokenizers import AddedToken
from transformers import BertTokenizerFast

from spacy_biobert.encoder.hub import extend_tokenizer, open_tokenizer
from spacy_biobert.encoder.tokenizing import _MEMORIES, ChunkMemory, memory_of

# Whatever a BERT tokenizer removes, splits at or looks at the neighbours of.
ODD = [
    " ",
    "  ",
    "\n",
    "\t",
    "\r",
    "\x00",
    "\x1c",
    "\x85",
    "\u2028",
    "\u200b",
    "\u200d",
]
ODD += [
    "e\u0301",
    "\u0301",
    " \u0301",
    "中",
    "ß",
    "İ",
    "ﬁ",
    "👩🏽‍🔬",
    "\ufeff",
    "\u00a0",
    "\u202e",
]
ODD += [
    "[CLS]",
    "[MASK]",
    "[MASK] ",
    " [SEP]",
    "##a",
    "Parkinson",
    "a" * 101,
    "-",
    "שלום",
]
texts = st.lists(
    st.lists(st.sampled_from(ODD) | st.text(max_size=4), max_size=10).map(
        lambda parts: "".join(parts).encode("utf8", "ignore").decode("utf8")
    ),
    max_size=4,
)


def assert_same_as_whole_texts(memory, tokenizer, some_texts):
    """Equal to what the tokenizer gives for each text alone, whole."""
    placed = memory.place(some_texts)
    ids, places, start = [], [], 0
    for text, text_start in zip(some_texts, placed.text_starts, strict=True):
        assert text_start == start
        found = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        ids += found.ids
        places += [(start + first, start + last) for first, last in found.offsets]
        start += len(text) + 1
    assert placed.ids.tolist() == ids
    assert list(zip(placed.starts, placed.ends, strict=True)) == places


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "lower-cased"])
def tokenizer(request, tiny_encoder):
    if not request.param:
        return open_tokenizer(tiny_encoder)
    return BertTokenizerFast(str(tiny_encoder / "vocab.txt"), do_lower_case=True)


@given(some_texts=texts)
def test_chunks_give_the_pieces_of_whole_texts(tokenizer, some_texts):
    memory = memory_of(tokenizer)
    assert memory._splits
    for _ in range(2):  # first learned, then remembered
        assert_same_as_whole_texts(memory, tokenizer, some_texts)


def with_added(tiny_encoder, token):
    tokenizer = open_tokenizer(tiny_encoder)
    tokenizer.add_tokens([token])
    return tokenizer


@pytest.mark.parametrize(
    "added",
    [
        AddedToken("type 2"),
        AddedToken("x", lstrip=True),
        AddedToken("x", rstrip=True),
        AddedToken("x", single_word=True),
    ],
    ids=str,
)
def test_a_tokenizer_that_looks_past_spaces_gets_whole_texts(tiny_encoder, added):
    tokenizer = with_added(tiny_encoder, added)
    memory = memory_of(tokenizer)
    assert not memory._splits
    some_texts = ["a type 2 x  b", "", "type 2", "  x x "]
    for _ in range(2):
        assert_same_as_whole_texts(memory, tokenizer, some_texts)


def test_an_extended_tokenizer_still_splits_at_spaces(tiny_encoder):
    tokenizer = extend_tokenizer(open_tokenizer(tiny_encoder), ["cyto", "##kine"])
    memory = memory_of(tokenizer)
    assert memory._splits
    assert_same_as_whole_texts(memory, tokenizer, ["cytokine of a cytokine"])


def test_pieces_that_are_added_later_are_seen(tiny_encoder):
    tokenizer = open_tokenizer(tiny_encoder)
    memory = memory_of(tokenizer)
    before = memory.place(["aspirinlike"]).ids
    tokenizer.add_tokens(["aspirinlike"])
    assert len(before) > 1
    assert memory_of(tokenizer).place(["aspirinlike"]).ids.tolist() == [
        tokenizer.convert_tokens_to_ids("aspirinlike")
    ]


def test_memory_stays_small_and_right_when_it_is_full(tiny_encoder):
    tokenizer = open_tokenizer(tiny_encoder)
    memory = ChunkMemory(tokenizer, most_pieces=50)
    for start in range(0, 400, 20):
        words = [f"a{number}b" for number in range(start, start + 20)]
        assert_same_as_whole_texts(memory, tokenizer, [" ".join(words), "a3b a7b"])
        assert len(memory._pieces) <= 50 + 22 * 5


def test_no_texts_and_empty_texts_have_no_pieces(tiny_encoder):
    memory = ChunkMemory(open_tokenizer(tiny_encoder))
    assert len(memory.place([]).ids) == len(memory.place([]).text_starts) == 0
    assert len(memory.place(["", " ", "\n"]).ids) == 0
    assert memory.place(["", " ", "\n"]).text_starts.tolist() == [0, 1, 3]


def test_truncation_and_padding_of_a_tokenizer_are_switched_off(tiny_encoder):
    tokenizer = open_tokenizer(tiny_encoder)
    for text in ("a b c d e f g", "h i j k l m n"):  # also when it is in use already
        tokenizer.backend_tokenizer.enable_truncation(5)
        tokenizer.backend_tokenizer.enable_padding(length=99)
        assert len(memory_of(tokenizer).place([text]).ids) == 7


def test_threads_share_a_memory(tiny_encoder):
    tokenizer = open_tokenizer(tiny_encoder)
    memory = ChunkMemory(tokenizer, most_pieces=200)
    some_texts = [f"of a{number} in b{number}" for number in range(300)]
    expected = [memory.place([text]).ids for text in some_texts]
    wrong = []

    def work(shift: int) -> None:
        for i in range(len(some_texts)):
            at = (i + shift) % len(some_texts)
            found = memory.place([some_texts[at]]).ids
            if not numpy.array_equal(found, expected[at]):
                wrong.append(at)

    threads = [threading.Thread(target=work, args=(n * 70,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Pause:
    """Holds up whoever comes by in this process, until it is let go."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.reached, self.over = threading.Event(), threading.Event()

    def wait(self) -> None:
        if os.getpid() == self.process:
            self.reached.set()
            assert self.over.wait(60)


def pause_at_the_tokenizer(memory: ChunkMemory, pause: Pause) -> None:
    class Backend:
        encoder = memory._backend

        def __getattr__(self, name: str) -> Any:
            return getattr(self.encoder, name)

        def encode_batch(self, texts: list[str], **options: bool) -> Any:
            pause.wait()
            return self.encoder.encode_batch(texts, **options)

    memory._backend = Backend()


def pause_between_two_tables(memory: ChunkMemory, pause: Pause) -> None:
    class Numbers(dict[str, int]):
        def update(self, *numbers: Any) -> None:
            pause.wait()
            super().update(*numbers)

    memory._numbers = Numbers(memory._numbers)


# Python 3.12 warns of what is tested here.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("hold_up", [pause_at_the_tokenizer, pause_between_two_tables])
def test_a_process_forked_while_a_thread_learns_neither_waits_nor_errs(
    tiny_encoder, hold_up
):
    """As `nlp.pipe(n_process=2)` forks while another thread uses the pipeline."""
    tokenizer = open_tokenizer(tiny_encoder)
    memory = memory_of(tokenizer)
    memory.place(["liver cancer"])
    pause = Pause()
    hold_up(memory, pause)
    thread = threading.Thread(target=memory.place, args=(["Aspirin Parkinson"],))
    thread.start()
    assert pause.reached.wait(60)

    def work() -> None:
        for text in ("hepatitis", "Parkinson", "liver cancer"):
            ids = memory.place([text]).ids.tolist()
            assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]

    forked = multiprocessing.get_context("fork").Process(target=work)
    forked.start()
    forked.join(20)
    pause.over.set()
    thread.join()
    forked.kill()
    forked.join()
    assert forked.exitcode == 0
    assert_same_as_whole_texts(memory, tokenizer, ["Aspirin", "liver Parkinson"])


def test_a_process_forked_at_another_time_knows_what_was_learned(tiny_encoder):
    memory = memory_of(open_tokenizer(tiny_encoder))
    memory.place(["liver cancer"])
    lock, numbers = memory._lock, memory._numbers
    memory.recover()
    assert memory._lock is lock
    assert memory._numbers is numbers


@pytest.mark.parametrize("setting", [None, "true"])
def test_a_fork_after_tokenizing_is_silent_and_leaves_the_environment(
    tiny_encoder, setting
):
    """The tokenizers library warns of forks, unless a variable is set."""
    script = """
import os, sys
from spacy_biobert.encoder.hub import open_tokenizer
from spacy_biobert.encoder.tokenizing import memory_of
tokenizer = open_tokenizer(sys.argv[1])
tokenizer(["one text", "another"] * 100)
memory_of(tokenizer)
for _ in range(2):
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
print(os.environ.get("TOKENIZERS_PARALLELISM"))
"""
    environment = dict(os.environ)
    environment.pop("TOKENIZERS_PARALLELISM", None)
    if setting:
        environment["TOKENIZERS_PARALLELISM"] = setting
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tiny_encoder)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert (done.stdout.strip(), done.stderr) == (str(setting), "")


def test_a_memory_goes_with_its_tokenizer(tiny_encoder):
    tokenizer = open_tokenizer(tiny_encoder)
    assert memory_of(tokenizer) is memory_of(tokenizer)
    gone = weakref.ref(memory_of(tokenizer))
    assert tokenizer in _MEMORIES
    del tokenizer
    gc.collect()
    assert gone() is None


def test_ids_are_the_same_for_equal_texts_at_any_place(tiny_encoder):
    memory = ChunkMemory(open_tokenizer(tiny_encoder))
    placed = memory.place(["liver cancer", "x", "liver cancer"])
    third = placed.starts >= placed.text_starts[2]
    first = placed.starts < placed.text_starts[1]
    assert_array_equal(placed.ids[first], placed.ids[third])
