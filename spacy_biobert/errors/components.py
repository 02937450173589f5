"""Components and readers: B4."""


class ComponentErrors:
    """Messages of what is raised."""

    B400 = (
        "Component '{name}': expected {expected} or more labels, found {found}: "
        "[{labels}]. Check that the training documents carry {annotation}; or list "
        "the labels in [initialize.components.{name}] of the config; or take "
        "'{name}' out of [nlp] pipeline, if you have no such annotation (`spacy-biobert "
        "init-config` makes a config of the tasks that you have)."
    )
    B401 = (
        "Component '{name}': the model was built for nO = {found} outputs, but the "
        "labels ({labels}) need {expected}. Set nO = null in "
        "[components.{name}.model]; it is then read from the labels."
    )
    B402 = (
        "Component '{name}': expected a label to be a text that is not empty, found "
        "{found!r}. Give the name of the label, for instance 'Disease'."
    )
    B403 = (
        "Component '{name}': expected training documents with tokens, found none. "
        "Check the path of the training corpus."
    )
    B404 = (
        "Component '{name}': none of its labels ({labels}) is among those of the "
        "training documents ({found}). Correct the labels in "
        "[initialize.components.{name}], or remove them to read them from the documents."
    )
    B410 = (
        "Component '{name}', document {document!r}: expected 1.0 or 0.0 for the "
        "category '{label}', found {found!r}. Correct doc.cats."
    )
    B411 = (
        "Component '{name}', document {document!r}: expected one category with 1.0, "
        "found {found}. Correct doc.cats, or use the factory "
        "'biobert_textcat_multilabel', where several or none may apply."
    )
    B412 = (
        "Component '{name}': expected one of the labels ({labels}) as positive_label, "
        "and exactly two labels, found {found!r}. Correct positive_label in "
        "[initialize.components.{name}], or set it to null."
    )
    B413 = (
        "TextCatModel: expected pooling to be some of {known}, each once, found "
        '{found}. Correct it, for instance to ["cls","mean"].'
    )
    B414 = (
        "Component '{name}': expected class_weights to be null, \"balanced\" or pairs of "
        "one of the labels ({labels}) and a number above 0 such as "
        '[["{example}",2.0]], found {found!r}. Correct it in [components.{name}].'
    )
    B430 = (
        "Corpus: expected the path of a .spacy file or of a folder with some, found "
        "null. Set it in the config, or on the command line, for instance with "
        "--paths.train work/train."
    )
    B431 = (
        "{path}: expected a .spacy file or a folder with some, found nothing by that "
        "name. Make it with `spacy-biobert convert`; the path is relative to where the "
        "command runs."
    )
    B432 = (
        "{path}: expected .spacy files in this folder, found none. Make some with "
        "`spacy-biobert convert`."
    )
    B433 = (
        "{path}: expected a .spacy file as `spacy-biobert convert` and `annotate` write "
        "it, found something else or a damaged file. Make it again; if it is of another "
        "format, rename it, or convert it first."
    )
    B434 = "{path}: expected documents, found none. Make it again from a source that has some."
    B440 = (
        "MixedCorpus: expected corpora, found none. Give each a section such as "
        "[corpora.train.corpora.entities]."
    )
    B441 = (
        "MixedCorpus: expected mixing to be {orders}, or a weight above 0 for each of "
        "the corpora ({names}), found {found}. Correct it in the section of "
        "[corpora] that names this reader."
    )
    B442 = (
        "MixedCorpus: expected documents in the corpus '{name}', found none. Correct "
        "its path, or take it out."
    )
    B450 = (
        "Document {document!r}: expected each of doc.user_data['relations'] to be "
        "(start1, end1, start2, end2, label, score) with bounds in the {n_tokens} "
        "tokens of the document, found {found!r}. Correct it; relations do not "
        "survive where the tokens of a document change."
    )
    B451 = (
        "Document {document!r}: expected each of doc.user_data['concept_relations'] to "
        "be three texts (concept1, concept2, label), found {found!r}. Correct it."
    )
    B452 = (
        "Document {document!r}: expected relations between spans of this document, "
        "found the span {found!r} of another. Take the spans from the document itself."
    )
    B454 = (
        "entity_pairs: expected max_distance to be null (no limit) or at least 1 "
        "token, found {found}. Correct [components.relation.model.get_pairs]."
    )
    B455 = (
        "entity_pairs: expected types to be null or a list of pairs of entity labels "
        'such as [["Chemical","Disease"]], found {found!r}. Correct '
        "[components.relation.model.get_pairs]."
    )
    B456 = (
        "Component '{name}': expected {key} {expected}, found {found}. Correct it in "
        "[components.{name}]."
    )
    B458 = (
        "RelationModel: expected backprop after begin_update, found it after a "
        "prediction, which keeps nothing for it. Call the model with is_train=True."
    )
    B460 = (
        "Component '{name}': the factory 'biobert_transformer' expects an encoder of "
        'ours, found another. Set @architectures = "spacy-biobert.BioBertModel.v1" in '
        "[components.{name}.model], or take the factory 'transformer'."
    )
    B461 = (
        "The encoder's vectors of this document were freed by the component "
        "'biobert_release', and something reads them after it. Put 'biobert_release' "
        "behind it in [nlp] pipeline, or load the pipeline without it: "
        "spacy.load(..., exclude=['release'])."
    )
    B467 = (
        "Component '{name}': expected max_batch_items of at least 1, found {found}. It "
        "is the number of tokens to encode at once, for instance 65536."
    )
    B459 = (
        "Component '{name}', document {document!r}: expected at most one label for a "
        "pair of entities or concepts, because the component is exclusive, found "
        "{found}. Correct the relations of the document, or set exclusive = false in "
        "[components.{name}]."
    )
    B463 = (
        "entity_pairs: expected max_sentences to be null (no limit) or at least 1 "
        "sentence, found {found}. Correct [components.relation.model.get_pairs]."
    )
    B464 = (
        "Document {document!r}: expected sentences, found none. Put the factory "
        "'biobert_sentences' in front, and its name also into [training] "
        "annotating_components, so that training has them too; or set max_sentences of "
        "entity_pairs (and context of BlindedPairModel) to null."
    )
    B465 = (
        "Component '{name}': expected labels of the component ({labels}) in "
        "positive_weight, found {found!r}. Correct it in [components.{name}]."
    )
    B466 = (
        "BlindedPairModel: expected {key} {expected}, found {found}. Correct it in "
        "[components.relation.model]."
    )
    B468 = (
        "Component '{name}': expected scores that are finite numbers, found NaN or "
        "infinity in {found} of {total}. The weights of the component, or of the encoder "
        "in front of it, are not finite, because training diverged. Lower the learning "
        "rate in [training.optimizer] and train again, or load a pipeline from before."
    )
    B469 = (
        "Component '{name}': expected gold relations of proposed pairs to learn from, "
        "found none: of the {n_gold} in the training documents {n_apart} join entities "
        "that get_pairs never proposes, and {n_bare} have a concept or a span that no "
        "entity of the document stands for. The entities there are {labels}. Correct "
        "types, max_distance or max_sentences in [components.{name}.model.get_pairs], or "
        "annotate the entities."
    )
    B470 = (
        "Document {document!r}: expected doc.user_data['annotated_labels'] to be a list "
        "of texts, the labels whose entities are all annotated, found {found!r}. Correct "
        "it, or remove it if all labels are annotated."
    )
    B471 = (
        "Document {document!r}: expected entities of the labels that are stated to be "
        "annotated ({stated}), found {found}. Add it to "
        "doc.user_data['annotated_labels'], or convert the corpus again with all its "
        "labels in --annotates."
    )
    B482 = (
        "Component '{name}': expected in cfg['{key}'] numbers from {least:g} to {most:g} "
        "by label, of {labels}, found {found}. Set them right, or remove them and run "
        "`spacy-biobert tune` again."
    )
