"""What is warned of, where the work can go on."""


class WarningMessages:
    """Messages of warnings, numbered with the errors of their part."""

    B320 = (
        "Precision 'bf16': the device {device} has no fast bfloat16 (it takes a CPU "
        "with AMX, or with AVX512-BF16 that is not Intel's for AMX, or a GPU of compute "
        "capability 8). Computing in float32 instead; set precision to 'auto' or 'fp32' "
        "to silence this."
    )
    B355 = (
        "Encoder: the norm of the gradient is {norm}; its weights stay as they are in "
        "this step. If it happens again, lower the learning rate."
    )
    B321 = (
        "spacy-biobert.BioBertModel.v1: get_spans has no effect, because windows are "
        "counted in pieces, where spans of tokens would be cut off. Remove the block "
        "[components.transformer.model.get_spans] and set window and stride, in pieces; "
        "for windows that end with sentences set boundaries to 'sentences'."
    )
    B322 = (
        "spacy-biobert.BioBertModel.v1: tokenizer_config has no effect ({keys}). The "
        "tokenizer is as its folder has it, and always a fast one: remove the keys, or "
        "set them in the folder's tokenizer_config.json."
    )
    B323 = (
        "spacy-biobert.BioBertModel.v1: these keys of transformer_config have no effect: "
        "{keys}. Remove them; hidden_dropout_prob and attention_probs_dropout_prob have "
        "one, the rest is as in the encoder's config.json."
    )
    B324 = (
        "spacy-biobert.BioBertModel.v1: grad_scaler_config has no effect, because "
        "bfloat16 has the range of float32 and needs no scaling. Remove it."
    )
    B453 = (
        "{owner}._.{name} is somebody else's attribute and stays as it is. Read ours "
        "from doc.user_data[{key!r}], or do not register the other one."
    )
    B457 = (
        "Component '{name}': {n_missed} of the {n_gold} gold relations in the training "
        "documents are of no proposed pair, so that recall is at most {recall:.1%}. "
        "{n_apart} of them join entities that get_pairs never proposes: widen "
        "max_distance, max_sentences or types in [components.{name}.model.get_pairs]. "
        "{n_bare} have a concept or a span that no entity of the document stands for: "
        "annotate the entity, or leave the relation out."
    )
    B473 = (
        "Component '{name}': {n_missed} of the {n_gold} gold entities in the training "
        "documents begin or end inside a token of the pipeline, first {text!r} in "
        "document {document!r}. They are left out of training. Convert the corpus again "
        "with the pipeline's tokenizer (`spacy-biobert convert --tokenizer`), which "
        "widens them to whole tokens."
    )
    B474 = (
        "{path}: {kind} that the component '{component}' does not know: {n_unknown} in "
        "all, labels {labels}, the first in document {document}. They {fate}. Rename them "
        "with `spacy-biobert convert --map FROM=TO`, leave them out with --map FROM=, or "
        "train a pipeline on them."
    )
    B475 = (
        "No component of the pipeline {model} finds entities, and so none of its "
        "relations is found. To score or tune them between the gold entities say "
        "--gold-entities."
    )
    B476 = (
        "Component '{name}': tuned by {n} {kind} only. Use more development documents, "
        "or do not rely on what it says of its confidence."
    )
    B477 = (
        "Component '{name}': no development document has {labels}, which keep the "
        "thresholds that they have."
    )
    B478 = (
        "No gold entity of these documents is {labels}, so that each one that was found "
        "counts as wrong. If they are not annotated with it, convert them again with "
        "the labels that they have: `spacy-biobert convert --annotates {gold}`."
    )
    B479 = (
        "Component '{name}': {n_gold} pairs of mentions have a gold relation between "
        "mentions, and with pool_concepts {n_true} count as related: those of all "
        "mentions with the same ids or, without an id, the same text. If it is mentions "
        "that are related, in all or most of the documents, leave pool_concepts out "
        "(null in [components.{name}])."
    )
    B480 = (
        "No component of the pipeline {model} finds entities, and so none of its "
        "relations is found. Annotate with a pipeline that finds both."
    )
    B481 = (
        "Component '{name}': fewer than {n} gold entities of {labels} in the development "
        "documents, so that no offset is chosen for how readily these are found."
    )
    B483 = (
        "Component '{name}': the training documents relate {n_gold} pairs of concepts, and "
        "all {n_true} pairs of their mentions are taught to be related, also those whose "
        "sentences do not say so. To learn from all mentions of two concepts together, "
        "say --components.{name}.pool_concepts logsumexp."
    )
    B484 = (
        "Component '{name}': a document with {n_ents:,} entities has {n_pairs:,} pairs of "
        "them, which take long and much memory. Limit these, for instance to those in one "
        'sentence: `spacy.load(..., config={{"components.{name}.model.get_pairs.'
        'max_sentences": 1}})`.'
    )
