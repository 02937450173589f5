"""Memory of whole pipelines, each in a process of its own, whose peak is asked for."""

import json
import os
import subprocess
import sys

import pytest

from ..encoders import make_encoder

PREAMBLE = """
import json, resource, sys
import spacy
from spacy.tokens import Doc

def memory():  # the most that the process ever had, MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

nlp = spacy.blank("en")
nlp.add_pipe("transformer", config={"model": {
    "@architectures": "spacy-biobert.BioBertModel.v1", "name": sys.argv[1]}})
nlp.initialize()
words = "Aspirin causes headache in patients with Parkinson disease".split()
"""
LONG = """
list(nlp.pipe([Doc(nlp.vocab, words * 20)]))
before = memory()
doc = Doc(nlp.vocab, words * 12_500)
[_ for _ in nlp.pipe([doc])]
rows = doc._.trf_data.tensors[0]
print(json.dumps([memory() - before, rows.nbytes / 2**20, list(rows.shape)]))
"""
MANY = """
def stream(n):
    for i in range(n):
        yield Doc(nlp.vocab, [*words, f"x{i}"] * 2)

for _ in nlp.pipe(stream(1_000)): pass
before = memory()
for _ in nlp.pipe(stream(19_000)): pass
print(json.dumps(memory() - before))
"""


def run(script, encoder):
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREAMBLE + script, str(encoder)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return json.loads(found.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_document_of_a_hundred_thousand_words_takes_little_more_than_its_rows(
    tmp_path,
):
    encoder = make_encoder(tmp_path / "wide", width=256, n_layers=1, n_positions=512)
    grown, rows, shape = run(LONG, encoder)
    assert shape == [1, 100_001, 256]
    assert grown < rows + 250  # MB


@pytest.mark.slow
def test_memory_stays_flat_over_many_documents(tiny_encoder):
    assert run(MANY, tiny_encoder) < 100  # MB
