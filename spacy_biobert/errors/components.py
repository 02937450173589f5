"""Components and readers: B4."""


class ComponentErrors:
    """Messages of what is raised."""

    B400 = (
        "Component '{name}': expected {expected} or more labels, found {found}: "
        "[{labels}]. Check that the training documents carry {annotation}; or list "
        "the labels in [initialize.components.{name}] of the config; or take "
        "'{name}' out of [nlp] pipeline, if you have no such annotation."
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
        "{path}: expected a .spacy file as `spacy-biobert convert` writes it, found "
        "something else or a damaged file ({reason}). Make it again."
    )
    B434 = "{path}: expected documents, found none. Make it again from a longer source."
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
