"""Every message the library raises, one code each. Codes are never reused.

B0 command line and configs, B1 pretraining, B2 texts and corpora, B3 encoder,
B4 components, B5 evaluation.
"""


class _Coded(type):
    def __getattribute__(cls, name: str) -> str:
        text: str = super().__getattribute__(name)
        return text if name.startswith("_") else f"[{name}] {text}"


class Errors(metaclass=_Coded):
    """Raised. Where it happened, what was expected, what was found, what to do."""

    # --- B0: command line and configs

    B001 = (
        "{path}, document {document}: expected labels that the component "
        "'{component}' knows ({known}), found {labels}. Rename them with "
        "`spacy-biobert convert --map FROM=TO`, or train a pipeline on them."
    )

    B002 = (
        "{path}: expected a JSON object, found something else ({reason}). Give the file "
        "that {source}."
    )
    B003 = (
        "{path}: expected a pipeline with a meta.json, found none. Give a folder that "
        "`python -m spacy train` wrote, such as OUTPUT/model-best."
    )

    # --- B1: pretraining

    B100 = (
        "Vocabulary: expected a size of at least {least} (special pieces and the letters "
        "of the text), found {size}. Give a larger --size."
    )
    B101 = (
        "Vocabulary: expected text to train it on, found none. Check the documents "
        "that `spacy-biobert extract` wrote."
    )
    B102 = (
        "{folder}: expected a new folder or one with a tokenizer alone, found {found}, "
        "which replacing it would remove. Name another folder."
    )
    B110 = (
        "Store: expected at least one document with text, found none. Check the "
        "documents that `spacy-biobert extract` wrote."
    )
    B111 = (
        "{path}: expected the checksum {expected} of the manifest, found {found}. The "
        "shard was cut or changed: make the store again with `spacy-biobert tokenize`."
    )
    B112 = (
        "{folder}: expected the tokenizer that the store was made with ({expected}), "
        "found another ({found}). Name that one, or make the store again with "
        "`spacy-biobert tokenize`."
    )
    B113 = (
        "{folder}: expected a token store with a manifest.json, found none. Make it "
        "with `spacy-biobert tokenize`."
    )
    B114 = (
        "{path}: expected a store of format {expected}, found {found}. Make it again "
        "with `spacy-biobert tokenize`."
    )
    B115 = (
        "{path}: expected this shard, which the manifest names, found no such file. "
        "Make the store again with `spacy-biobert tokenize`."
    )
    B116 = (
        "{path}: expected an Arrow file, found something else ({reason}). The shard was "
        "cut or changed: make the store again with `spacy-biobert tokenize`."
    )
    B117 = (
        "{path}: expected a fast tokenizer (a tokenizer.json, or a folder with one), "
        "found {found}. Make one with `spacy-biobert vocab`."
    )
    B118 = (
        "{path}: expected a file of {expected} bytes, as the manifest says, found {found}. "
        "The shard was cut or changed: make the store again with `spacy-biobert tokenize`."
    )
    B119 = (
        "{path}: expected the manifest of a token store, found something else ({reason}). "
        "Make the store again with `spacy-biobert tokenize`."
    )
    B120 = (
        "objective.max_pieces: expected at least {least} (special pieces and one piece "
        "of each segment), found {found}."
    )
    B121 = (
        "{folder}: expected a new folder or one with a token store alone, found {found}, "
        "which replacing it would remove. Name another folder."
    )
    B125 = (
        "Masks: expected a bool tensor of shape {expected}, found {dtype} of {found}."
    )

    B140 = (
        "{path}: expected a pretraining config, found no such file. The configs that "
        "come with the project are configs/pretrain_*.cfg."
    )
    B141 = (
        "{path}: expected a config of [sections] with 'key = value' lines, where text "
        "stands in double quotes and a comment on its own line: {reason}"
    )
    B142 = "{path}: unknown key '{key}'; {hint}"
    B143 = (
        "{path}: the key '{key}' is missing. Every key is written out; copy the line "
        "from configs/pretrain_mini.cfg."
    )
    B144 = "{path}: {key} = {found!r}: {reason}."
    B145 = "{path}, {section}: {reason}."
    B146 = (
        "{output}: this run is already finished. Choose another folder, or repeat it "
        "with --force, which replaces it."
    )
    B147 = (
        "Step {step}: the loss is {loss} and the gradient's norm {norm}, not numbers "
        "any more. Expected falling losses near 10 or below. The run stopped; {kept}. "
        "Lower training.learning_rate, lengthen training.warmup, or set "
        "machine.precision to 'fp32'."
    )
    B148 = (
        "{folder}: {key} is {found} in its config.json, but the config says {expected}. "
        "Set network.{key} to {found}, or start from another encoder."
    )
    B150 = (
        "{store}: expected training documents, found none that give a sequence. "
        "Tokenize some text first, with `spacy-biobert tokenize`."
    )
    B151 = (
        "'{argument}': expected an override such as --training.max_minutes 20 or "
        "--training.max_minutes=20. {hint}"
    )
    B152 = (
        "{folder}: the encoder has embeddings for {n_rows} pieces, the tokenizer "
        "{tokenizer} has {n_pieces}. Use the encoder's own tokenizer."
    )
    B153 = (
        "{output}: expected a new folder or one of an unfinished run, found other "
        "files in it ({found}). Choose another folder."
    )

    # --- B2: texts and corpora

    B200 = (
        "{path}: expected a whole file, found one that is cut off or damaged "
        "({reason}). Get the file again; `spacy-biobert extract` keeps the documents "
        "before that place."
    )
    B201 = (
        "{path}, line {line}: expected well-formed XML: {reason}. Get the file again; "
        "`spacy-biobert extract` keeps the documents before that place."
    )
    B202 = (
        "{path}: expected XML without entities of its own, found declarations of "
        "{names}. They can fill the memory or read other files, so that nothing of "
        "this file was read. Remove them from the file's DOCTYPE if you trust it."
    )
    B203 = (
        "{path}: expected XML with the root element {expected}, found <{found}>. "
        "Check the file, or name its format with --format."
    )
    B204 = (
        "{path}, line {line}: expected a PMID (a number), found '{found}'. Correct the "
        "record, or get the file again."
    )
    B205 = (
        "{path}: expected text in UTF-8, found other bytes ({reason}). Convert the "
        "file, for instance with `iconv -f latin1 -t utf-8`."
    )
    B206 = (
        "{path}, line {line}: expected a JSON object on each line: {reason}. Correct "
        "the line."
    )
    B207 = (
        "{path}, line {line}: expected {expected} in '{field}', found {found}. "
        "Correct the line."
    )
    B208 = (
        "{path}: expected a file whose name tells its format ({known}, with .gz or .xz "
        "where compressed), found '{found}'. Name the format with --format."
    )
    B209 = (
        "'{pattern}': expected a file, a folder or a glob, found nothing by that name. "
        "Check the spelling; it is relative to where the command runs."
    )
    B210 = "{path}: expected an output named {expected}. Choose another name."
    B211 = (
        "{output}: no document came out of {n_sources} file(s), so that nothing was "
        "written. See the report above, and try a lower --min-words."
    )
    B212 = "{path} is both an input and the output. Choose another output."
    B213 = (
        "{n_broken} of {n_sources} file(s) could not be read to the end, and --strict "
        "was asked for, so that nothing was written. See the report above."
    )
    B214 = "{path}: could not be read: {reason}. Check the name and the permissions."
    B215 = (
        "'{folder}': expected files in one of the known formats ({known}) in this "
        "folder, found none. Name a folder that has some, or name files with --format."
    )
    B220 = (
        "{path}, line {line}: expected a PubTator line (id|t|title, id|a|abstract, a "
        "mention of 5 to 7 or a relation of 4 columns with tabs between, or a blank "
        "line), found '{found}'. Check --format, or correct the line."
    )
    B221 = (
        "{path}, line {line}: expected {expected}, found one of document {found}. "
        "Begin each document with its title, and end it with a blank line."
    )
    B222 = (
        "{path}, line {line}, document {document}: expected '{expected}' at the "
        "characters {start}-{end} of title + space + abstract, found '{found}'. "
        "Correct the offsets, or leave this mention out with --on-error skip."
    )
    B223 = (
        "{path}, line {line}, document {document}: expected the relation '{label}' to "
        "hold between concepts with a mention, found none of {concept}. Add the "
        "mention, or leave this relation out with --on-error skip."
    )
    B224 = (
        "{path}, document {document}: expected an id that occurs once, found it before "
        "with another text or annotation. Remove one of them, or keep only the first "
        "with --on-error skip."
    )
    B225 = (
        "--map {found}: expected FROM=TO, for instance --map SpecificDisease=Disease."
    )
    B226 = (
        "--map {label}: expected a label of the corpus ({known}), found no '{label}'. "
        "Check the spelling."
    )
    B227 = (
        "{path}, line {line}, document {document}: expected labels of the label set "
        "({known}), found '{found}'. Add it to the file of --labels, or leave --labels "
        "out to take the labels from the data."
    )
    B228 = (
        "{path}: expected a JSON list of different labels, found {found}. Write it "
        'like ["treatment", "diagnosis"].'
    )
    B229 = (
        "{path}: expected annotated documents, found none, so that nothing was "
        "written. Check --format and the file."
    )
    B230 = "{name}: expected one of {known}, found '{found}'. Choose one of them."

    # --- B3: encoder

    B300 = (
        "'{name}': expected a folder with an encoder, or a name on the Hugging Face "
        "hub such as 'dmis-lab/biobert-base-cased-v1.2', found no such folder. "
        "Check the path; it is relative to where the command runs."
    )
    B301 = (
        "'{name}' is not a folder here, and could not be fetched from the Hugging "
        "Face hub: {reason}. Check the spelling and the connection, or give the "
        "path of a folder."
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
        "another shape, the first is '{example}'. Copy config.json and the weights "
        "from the same encoder again."
    )
    B309 = "{path}: expected JSON, found something else: {reason}. Copy the file again."

    B330 = (
        "Encoder with window {window}: expected a stride from 1 to {most} (the window "
        "without [CLS] and [SEP]), found {stride}. Set `stride` lower; three quarters "
        "of the window is usual."
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

    # --- B4: components

    B400 = (
        "Component '{name}': expected at least {expected} label(s), found {found} "
        "({labels}). Check that the training documents carry {annotation}, or list "
        "the labels in [initialize.components.{name}] of the config."
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

    # --- B5: evaluation


class Warnings(metaclass=_Coded):
    """Warned, once, where the work can go on."""

    B320 = (
        "Precision 'bf16': the device {device} has no fast bfloat16 (it takes a CPU "
        "with AVX512-BF16 or AMX, or a GPU of compute capability 8). Computing in "
        "float32 instead; set precision to 'auto' or 'fp32' to silence this."
    )
    B453 = (
        "{owner}._.{name} is somebody else's attribute and stays as it is. Read ours "
        "from doc.user_data[{key!r}], or do not register the other one."
    )
    B457 = (
        "Component '{name}': {n_missed} of the {n_gold} gold relations in the training "
        "documents join entities that get_pairs never proposes, so that recall stays "
        "below {recall:.1%}. Widen max_distance or types in "
        "[components.{name}.model.get_pairs]."
    )
