"""The encoder: B3."""


class EncoderErrors:
    """Messages of what is raised."""

    B300 = (
        "'{name}': expected a folder with an encoder, or a name on the Hugging Face "
        "hub such as 'dmis-lab/biobert-base-cased-v1.2', found no such folder{near}. "
        "Check the path; it is relative to where the command runs."
    )
    B301 = (
        "'{name}': no such folder here{near}. Nor could an encoder of that name be "
        "fetched from the Hugging Face hub ({reason}). Check the name; a path is relative "
        "to where the command runs."
    )
    B302 = (
        "{folder}: expected a Hugging Face folder, found no config.json in it. "
        "Give the folder that holds config.json, weights and tokenizer (after "
        "`spacy-biobert pretrain` that is the run's model/)."
    )
    B303 = (
        "{folder}: expected a tokenizer, found neither tokenizer.json nor "
        "vocab.txt. Copy the tokenizer of this encoder into the folder."
    )
    B304 = (
        "{folder}: expected weights in {files}, found none. Other formats (Flax, "
        "TensorFlow, weights in several files) have to be converted first."
    )
    B305 = (
        "{folder}: the tokenizer lower-cases its texts, but the vocabulary is cased "
        "(it has the piece '{piece}'), so that the encoder would never see it. Set "
        '"do_lower_case": false in tokenizer_config.json; if there is a '
        'tokenizer.json, also "lowercase": false in its normalizer.'
    )
    B306 = (
        "{path}: expected a BERT (model_type 'bert'), found model_type '{found}'. "
        "Use a BERT encoder, for instance BioBERT, PubMedBERT or SciBERT."
    )
    B307 = (
        "{folder}: the tokenizer has {n_pieces} pieces, but the network has "
        "embeddings for {n_rows}. They do not belong together: use the tokenizer "
        "that the network was trained with."
    )
    B308 = (
        "{folder}: the weights do not fit config.json: {n_wrong} are missing or of "
        "another shape ({differences}). Copy config.json and the weights from the same "
        "encoder again."
    )
    B309 = "{path}: expected JSON, found something else: {reason}. Copy the file again."
    B330 = (
        "Encoder with window {window}: expected a stride from 1 to {most} (the window "
        "without [CLS] and [SEP]), found {stride}. Set `stride` lower; three quarters "
        "of the window is usual."
    )
    B329 = (
        "Encoder: expected a window of at least {least} pieces (one besides [CLS] and "
        "[SEP]), found {found}. As many as the encoder has positions is usual: null."
    )
    B331 = (
        "Encoder: expected max_batch_pieces of at least 1, found {found}. It is the "
        "number of pieces to encode at once, for instance 4096."
    )
    B332 = (
        "Encoder: expected a window of at most {n_positions} pieces, the positions "
        "that this network knows, found {window}. Set `window` (and `stride`, lower) "
        "in [components.transformer.model]."
    )
    B333 = (
        "The encoder '{name}' has no weights yet. Run nlp.initialize() before the "
        "first text, or load a saved pipeline."
    )
    B334 = (
        "BioBertListener: expected {n_rows} rows for a document, one for [CLS] and one "
        "per token, found an array of shape {found}. It listens to another encoder "
        'than ours: use @architectures = "spacy-biobert.BioBertModel.v1" in the '
        "transformer component."
    )
    B340 = (
        "Backend 'varlen': expected {obstacle}. Take 'sdpa', which works anywhere, or "
        "'auto', which takes what this device has."
    )
    B350 = (
        "Encoder: expected {key} to be {expected}, found {found}. Correct it in "
        "[components.transformer.model]."
    )
    B351 = (
        "Encoder: expected frozen_layers of at most {n_layers}, the layers of this "
        "network, found {found}. Correct it in [components.transformer.model]."
    )
    B352 = (
        "Encoder: expected an optimizer of thinc, such as Adam.v1, found {found}. Set "
        "@optimizers in [training.optimizer]."
    )
    B353 = (
        "{folder}: expected a folder that the factory 'biobert_transformer' wrote, found "
        "{found}. Copy the whole pipeline again; one that was trained with the factory "
        "'transformer' is loaded with that factory."
    )
    B354 = (
        "{path}: expected weights as safetensors, found something else, or a file that "
        "is cut ({reason}). Copy it again."
    )
