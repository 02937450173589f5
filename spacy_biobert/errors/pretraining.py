"""Pretraining: B1."""


class PretrainingErrors:
    """Messages of what is raised."""

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
    B103 = (
        "Vocabulary: expected a tokenizer of WordPiece to extend, found one of {found}. "
        "Take the tokenizer of a BERT, for instance BioBERT, PubMedBERT or SciBERT."
    )
    B104 = (
        "Vocabulary: expected a size of at least {least} (one more piece than the "
        "published vocabulary has), found {size}. Give a larger --size."
    )
    B105 = (
        "Vocabulary: expected pieces that save others and occur {min_frequency} times, "
        "found none in the documents. Give more documents, or a lower --min-frequency."
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
        "{folder}: expected the tokenizer that this store was made with, {expected}, "
        "found another one ({found}; --paths.tokenizer, for a run). Give that one, or "
        "make the store again with `spacy-biobert tokenize`."
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
    B122 = (
        "{folder}: expected the held-out share that the store was made with, {expected}, "
        "found {found}. Give --held-out {expected}, or make the store again without "
        "--append."
    )
    B123 = (
        "{folder}: expected text that is not in this store yet, found {path}, which is in "
        "it as {known}, so that nothing was added. Give only what is new."
    )
    B124 = (
        "{folder}: another append to this store ended while this one ran, so that nothing "
        "was added. Run it again, when no other one runs."
    )
    B127 = (
        "{folder}: a store is here already. Add to it with --append, replace it with "
        "--force, or name another folder."
    )
    B128 = "--append adds to a store, --force replaces it: expected one of them."
    B126 = (
        "{path}: could not be written ({reason}). Nothing stays of what was begun, and a "
        "store that was there is as it was. Make room on the disk, then run the command "
        "again."
    )
    B140 = (
        "{path}: expected a pretraining config, found no such file. Those that come "
        "with the project are {configs}/pretrain_*.cfg."
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
        "any more. Expected falling losses near 10 or below, found that on documents "
        "{documents}. The run stopped; {kept}. "
        "Lower training.learning_rate, lengthen training.warmup, or set "
        "machine.precision to 'fp32'."
    )
    B148 = (
        "{folder}: its config.json has another shape than the config. Add these options, "
        "or start from another encoder: {options}"
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
    B154 = (
        "{output}: a run was broken off here. To go on with it, add --resume; to begin "
        "again, add --force, which replaces it."
    )
    B155 = (
        "{output}: expected a run to go on with, found no checkpoint. Start it without "
        "--resume."
    )
    B156 = (
        "{path}: expected a checkpoint of a run, found no state.json in it. They stand "
        "in a run's folder checkpoints/."
    )
    B157 = (
        "{path}: could not be written ({reason}); {kept}. Make room, then add --resume."
    )
    B158 = (
        "{checkpoint}: the run was started with another recipe: {differences}. Set these "
        "back, or start a new run; with the schedule 'warmup_stable_decay' the limits "
        "(training.max_...) and training.decay may change."
    )
    B159 = (
        "{checkpoint}: expected a store that begins with the shards the run was started "
        "with, found {found}. Shards may be added, not changed."
    )
    B160 = (
        "{run}: expected the folder of a run of `spacy-biobert pretrain` that has ended, "
        "found no {path} in it. Let the run end, or go on with it by --resume."
    )
    B161 = (
        "{checkpoint}: expected a checkpoint of format {expected}, found format {found}: "
        "the version that wrote it read the store in another order and hid other pieces. "
        "Go on with that version, or start a new run from its encoder: "
        '--network.init "{checkpoint}".'
    )
    B162 = (
        "{output}: a run is still at work here (process {pid}). Wait for it, end it "
        "first, or choose another folder."
    )
    B163 = (
        "{path}: expected a config for `spacy train`, found no such file. Leave --config "
        "out to take the project's own for entities."
    )
    B164 = (
        "{run}: expected the folder of a run of `spacy-biobert pretrain`, found no such "
        "folder. Check the path; it is relative to where the command runs."
    )
    B170 = (
        "Flat batch: expected at least one piece in each sequence, found none in row "
        "{row}. Leave out sequences without pieces when planning batches."
    )
    B171 = (
        "Backend '{backend}': expected the other kind of batch, found a {found} one. "
        "'varlen' reads flat batches, 'reference' padded ones, 'sdpa' both."
    )
