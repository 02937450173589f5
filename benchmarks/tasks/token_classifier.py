"""The peer as most train one: Hugging Face's `AutoModelForTokenClassification`.

Sentences with their words apart, the first piece of each word with its tag, the most
probable tag of each. Encoder, batches (in words), precision, rates, decay and the
end of training are those of our arm.
"""

import copy
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.scorer import get_ner_prf
from spacy.training import Example
from torch import Tensor
from torch.nn import Module
from torch.nn.utils import clip_grad_norm_
from transformers import AutoModelForTokenClassification

from spacy_biobert.encoder.hub import PreTrainedTokenizerFast, open_tokenizer
from spacy_biobert.encoder.precision import computing_in, resolve_precision
from spacy_biobert.readers import create_corpus_v1

from .corpora import read_split
from .jobs import PATIENCE, SCORES, TOTAL_STEPS, WARMUP_STEPS, Job, Outcome
from .stock import TOKENIZER
from .tagged import Sentence, cut_sentences, set_entities
from .training import CONFIGS, open_recipe

# Sentences tagged at once, and learned from at once; neither moves a result.
TAGGED_AT_ONCE = 64
LEARNED_AT_ONCE = 16
# What a piece has that is not the first of a word: nothing to learn.
NO_TAG = -100
# Of AdamW: no decay.
UNDECAYED = ("bias", "LayerNorm.weight")


@dataclass(slots=True)
class Tagger:
    """A network, its tokenizer and its tags, and where and in what it computes."""

    network: Module
    tokenizer: PreTrainedTokenizerFast
    tags: tuple[str, ...]
    device: torch.device
    dtype: torch.dtype

    def encode(
        self, sentences: Sequence[Sentence]
    ) -> tuple[Any, list[list[tuple[int, int]]]]:
        """Make the input of some sentences.

        RETURNS (tuple): What the network takes; and for each sentence the places of
            the first pieces of its words, as far as they are not cut off.
        """
        inputs = self.tokenizer(
            [list(sentence.words) for sentence in sentences],
            is_split_into_words=True,
            truncation=True,
            padding=True,
            return_tensors="pt",
        )
        places = [
            _first_pieces(inputs.word_ids(number)) for number in range(len(sentences))
        ]
        return inputs.to(self.device), places

    def backpropagate(self, sentences: Sequence[Sentence]) -> None:
        """Add the gradient of the mean loss of the first pieces of some sentences.

        Sentences of similar lengths go through the network together, because most of a
        batch would be padding if all were as long as the longest. The gradient is that
        of one pass with all of them.
        """
        ordered = sorted(sentences, key=lambda sentence: len(sentence.words))
        starts = range(0, len(ordered), LEARNED_AT_ONCE)
        parts = [self._label(ordered[at : at + LEARNED_AT_ONCE]) for at in starts]
        counts = [int((part["labels"] != NO_TAG).sum()) for part in parts]
        for part, count in zip(parts, counts, strict=True):
            with computing_in(self.dtype, self.device):
                loss = self.network(**part).loss
            (loss * count / sum(counts)).backward()

    def _label(self, sentences: Sequence[Sentence]) -> dict[str, Tensor]:
        """Make the input of some sentences, and its labels."""
        inputs, places = self.encode(sentences)
        labels = torch.full(inputs["input_ids"].shape, NO_TAG)
        for row, sentence in enumerate(sentences):
            for place, word in places[row]:
                labels[row, place] = self.tags.index(sentence.tags[word])
        return {**inputs, "labels": labels.to(self.device)}

    @torch.inference_mode()
    def tag(self, sentences: Sequence[Sentence]) -> list[list[str]]:
        """Give each word of some sentences its most probable tag, "O" if cut off."""
        self.network.eval()
        found: list[list[str]] = [[] for _ in sentences]
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i].words))
        for start in range(0, len(sentences), TAGGED_AT_ONCE):
            numbers = order[start : start + TAGGED_AT_ONCE]
            some = [sentences[number] for number in numbers]
            inputs, places = self.encode(some)
            with computing_in(self.dtype, self.device):
                best = self.network(**inputs).logits.argmax(-1).tolist()
            for row, number in enumerate(numbers):
                tags = ["O"] * len(some[row].words)
                for place, word in places[row]:
                    tags[word] = self.tags[best[row][place]]
                found[number] = tags
        return found


def run_token_classifier(job: Job) -> Outcome:
    """Train as all arms are trained, and score the best."""
    began = time.perf_counter()
    sentences = cut_sentences(read_split(job.data["train"]))
    tagger = make_tagger(job, sentences)
    judge = make_judge(job.data["dev"], tagger)
    recipe = open_recipe(CONFIGS["entities"])["training"]
    frequency = job.limits.eval_frequency or recipe["eval_frequency"]
    dice = random.Random(job.seed)
    batches = endless_batches(sentences, int(recipe["batcher"]["size"]), dice)
    optimizer = make_optimizer(tagger.network, job.rate, recipe["optimizer"]["L2"])
    score, best_step, step = -1.0, 0, 0
    weights: dict[str, Tensor] = {}
    while True:
        if step % frequency == 0:
            found = judge()[SCORES["entities"]]
            print(f"step {step}: dev {100 * found:.2f}", flush=True)
            if found > score:
                score, best_step = found, step
                weights = copy.deepcopy(tagger.network.state_dict())
            if step - best_step >= PATIENCE * frequency:
                break
        if step >= job.limits.max_steps:
            break
        learn(tagger, next(batches), optimizer, step, recipe["optimizer"]["grad_clip"])
        step += 1
    tagger.network.load_state_dict(weights)
    scores = {
        split: make_judge(path, tagger)()
        for split, path in job.data.items()
        if split not in ("train", "dev")
    }
    return {
        "dev": score,
        "scores": scores,
        "best_step": best_step,
        "steps": step,
        "minutes": round((time.perf_counter() - began) / 60, 1),
    }


def make_tagger(job: Job, sentences: Sequence[Sentence]) -> Tagger:
    """Put a new layer for the tags of some sentences on the encoder."""
    tags = sorted(set(chain.from_iterable(s.tags for s in sentences)) | {"O"})
    # What follows an entity's first word may be missing in a small set, not in others.
    tags = sorted({*tags, *(f"I-{tag[2:]}" for tag in tags if tag != "O")})
    torch.manual_seed(job.seed)
    device = torch.device(f"cuda:{job.gpu_id}" if job.gpu_id >= 0 else "cpu")
    network = AutoModelForTokenClassification.from_pretrained(
        job.the_encoder.folder, num_labels=len(tags), local_files_only=True
    )
    tokenizer = open_tokenizer(job.the_encoder.source)
    dtype = resolve_precision("auto", device)
    return Tagger(network.to(device), tokenizer, tuple(tags), device, dtype)


def make_judge(path: Path, tagger: Tagger) -> Callable[[], dict[str, Any]]:
    """Make a function that scores a tagger on documents, as spaCy scores entities."""
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": TOKENIZER}})
    examples: list[Example] = list(create_corpus_v1(path, gold_ents=False)(nlp))
    docs = [eg.predicted for eg in examples]
    sentences = cut_sentences(docs)

    def judge() -> dict[str, Any]:
        set_entities(docs, sentences, tagger.tag(sentences))
        scores: dict[str, Any] = get_ner_prf(examples)
        return scores

    return judge


def make_optimizer(network: Module, rate: float, decay: float) -> torch.optim.Optimizer:
    """Make AdamW, without decay of biases and normalisations."""
    groups: tuple[list[Tensor], list[Tensor]] = ([], [])
    for name, parameter in network.named_parameters():
        groups[name.endswith(UNDECAYED)].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups[0], "weight_decay": decay},
            {"params": groups[1], "weight_decay": 0.0},
        ],
        lr=rate,
    )


def learn(
    tagger: Tagger,
    batch: Sequence[Sentence],
    optimizer: torch.optim.Optimizer,
    step: int,
    grad_clip: float,
) -> None:
    """Take the step after `step`, at the rate that spaCy's `warmup_linear` has there."""
    tagger.network.train()
    tagger.backpropagate(batch)
    clip_grad_norm_(tagger.network.parameters(), grad_clip)
    share = rate_share(step)
    rates = [group["lr"] for group in optimizer.param_groups]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = share * rate
    optimizer.step()
    optimizer.zero_grad()
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def rate_share(step: int) -> float:
    """Give the share of the highest rate after so many steps."""
    if step < WARMUP_STEPS:
        return step / WARMUP_STEPS
    return max(0.0, (TOTAL_STEPS - step) / (TOTAL_STEPS - WARMUP_STEPS))


def endless_batches(
    sentences: Sequence[Sentence], n_words: int, dice: random.Random
) -> Iterator[list[Sentence]]:
    """Give batches of about so many words for ever, in a new order each time."""
    order = list(sentences)
    while True:
        dice.shuffle(order)
        batch: list[Sentence] = []
        size = 0
        for sentence in order:
            if batch and size + len(sentence.words) > n_words:
                yield batch
                batch, size = [], 0
            batch.append(sentence)
            size += len(sentence.words)
        yield batch


def _first_pieces(words: Sequence[int | None]) -> list[tuple[int, int]]:
    """Give the place of the first piece of each word, and the word."""
    return [
        (place, word)
        for place, word in enumerate(words)
        if word is not None and (not place or words[place - 1] != word)
    ]
