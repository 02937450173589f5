import pytest
import torch

from spacy_biobert.encoder.forward import encode_padded, set_dropout
from spacy_biobert.pretraining.losses import IGNORE, Sums, pretraining_loss
from spacy_biobert.pretraining.model import guess, warm_start

from .padded import PaddedBatch, make_padded


@pytest.fixture
def batch(model):
    return make_padded(model.config.vocab_size)


def our_loss(model, batch, **counts):
    guesses = guess(model, batch)
    return pretraining_loss(
        guesses.mlm_MV, guesses.hidden_M, guesses.nsp_B2, batch.nsp_labels_B,
        nsp_weight=1.0, **counts,
    )  # fmt: skip


def test_the_encoder_equals_that_of_transformers_with_both_kinds_of_attention(
    model, batch
):
    ids, segments, real = batch.ids_BT, batch.segments_BT, batch.real_BT
    expected = model.bert(
        input_ids=ids, token_type_ids=segments, attention_mask=real.long()
    ).last_hidden_state
    learning = encode_padded(model.bert, ids, segments, real)
    with torch.no_grad():
        using = encode_padded(model.bert, ids, segments, real)
    assert torch.allclose(learning[real], expected[real], rtol=0, atol=1e-5)
    assert torch.allclose(using[real], expected[real], rtol=0, atol=1e-5)


def cut(batch, rows):
    return PaddedBatch(*(getattr(batch, name)[rows] for name in batch.__slots__))


def test_shares_of_several_batches_add_up_to_the_loss_of_one(model, batch):
    n_mlm = int((batch.labels_BT != IGNORE).sum())
    whole, _ = our_loss(model, batch, n_mlm=n_mlm, n_nsp=4)
    parts = [
        our_loss(model, cut(batch, rows), n_mlm=n_mlm, n_nsp=4)[0]
        for rows in (slice(0, 2), slice(2, 5))
    ]
    assert abs(whole.item() - sum(part.item() for part in parts)) < 1e-6


def test_sums_count_what_was_asked_and_what_was_right():
    mlm = torch.tensor([[9.0, 0, 0], [9.0, 0, 0], [0, 9.0, 0]])
    nsp = torch.tensor([[9.0, 0], [9.0, 0], [9.0, 0]])
    _, sums = pretraining_loss(
        mlm, torch.tensor([0, 2, 1]), nsp, torch.tensor([0, 1, IGNORE]),
        n_mlm=3, n_nsp=2, nsp_weight=1.0,
    )  # fmt: skip
    assert (sums.n_mlm, sums.mlm_right, sums.n_nsp, sums.nsp_right) == (3, 2, 2, 1)
    means = sums.means()
    assert means["mlm_accuracy"] == pytest.approx(2 / 3)
    assert means["nsp_accuracy"] == pytest.approx(1 / 2)
    assert means["nsp_loss"] == pytest.approx(4.5, abs=0.01)


def test_sums_leave_out_what_nobody_asked():
    assert set(Sums(mlm_loss=1.0, n_mlm=2).means()) == {"mlm_loss", "mlm_accuracy"}


def test_a_step_without_pairs_has_the_mlm_loss_only():
    loss, _ = pretraining_loss(
        torch.zeros(2, 4), torch.tensor([0, 1]), torch.zeros(1, 2), torch.tensor([IGNORE]),
        n_mlm=2, n_nsp=0, nsp_weight=1.0,
    )  # fmt: skip
    assert loss.item() == pytest.approx(torch.tensor(4.0).log().item())


def test_warm_start_guesses_by_frequency_and_shares_the_vectors(model):
    V, D = model.config.vocab_size, model.config.hidden_size
    vectors, frequencies = torch.randn(V, D), torch.randn(V)
    warm_start(model, vectors, frequencies)
    decoder = model.cls.predictions.decoder
    assert torch.equal(decoder.weight[1:], vectors[1:])
    assert torch.equal(decoder.bias, frequencies)
    assert (model.bert.embeddings.word_embeddings.weight[0] == 0).all()


def test_set_dropout_tells_attention_from_the_rest(model):
    set_dropout(model, vectors=0.25, attention=0.5)
    layer = model.bert.encoder.layer[0]
    assert layer.attention.self.dropout.p == 0.5
    assert layer.attention.output.dropout.p == layer.output.dropout.p == 0.25
    assert model.bert.embeddings.dropout.p == 0.25
