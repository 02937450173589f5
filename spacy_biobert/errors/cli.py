"""The command line and configs: B0."""


class CliErrors:
    """Messages of what is raised."""

    B002 = (
        "{path}: expected a JSON object, found something else ({reason}). Give the file "
        "that {source}."
    )
    B003 = (
        "{path}: expected a pipeline with a meta.json, found none. Give a folder that "
        "`python -m spacy train` wrote, such as OUTPUT/model-best."
    )
    B004 = (
        "A worker process was ended from outside, often because the memory was full. "
        "Nothing was written. Try again with fewer --workers."
    )
    B005 = (
        "{output} is the encoder that is to be extended, which stays as it is. Choose "
        "another folder."
    )
    B006 = (
        "{output}: expected a new folder or one with an encoder alone, found {found}, "
        "which replacing it would remove. Name another folder."
    )
    B007 = (
        "{path}: the wheel could not be built. What `spacy package` said is above: look "
        "there, at the --meta, and at the network, from which it fetches setuptools."
    )
    B008 = (
        "{path}: cannot be written ({reason}). Choose another place, or make this one "
        "writable."
    )
    B009 = (
        "{path}: expected '{key}' to be {expected}, found {found}. "
        "configs/en_biobert_sample.json is one that works."
    )
    B010 = (
        "{path}: expected scores, found none of {keys}. Give the file that "
        "`spacy-biobert evaluate --output` wrote."
    )
    B011 = (
        "--labels is the list of all categories, and this format has none. Leave it out, "
        "or give --format categories."
    )
    B018 = (
        "{path}: expected a file that ends in one of {expected}, which decides what is "
        "written. Give --errors another name."
    )
    B020 = (
        "{path}: nothing in it to tune {model} by, so that nothing was written. Its "
        "components are {components}; expected one that can be tuned (entities, "
        "relations, categories of ours that do not exclude each other) and documents "
        "annotated with what it finds. Relations need entities, and pairs of them that "
        "get_pairs proposes: where no component finds any, say --gold-entities."
    )
    B021 = (
        "{path}: expected a pipeline (a folder with a meta.json) to replace, found "
        "something else. Name another --output."
    )
    B024 = (
        "--more-scores: expected TITLE=FILE, found '{found}'. For instance "
        "--more-scores 'BC5CDR, test split=metrics/bc5cdr.json'."
    )
    B025 = (
        "--tasks: expected any of {known}, with commas between them, found '{found}'. "
        "For instance --tasks entities,relations."
    )
    B026 = (
        "{path}: nothing in it to score the pipeline by. Its components are {components}; "
        "expected documents annotated with what they find. With --gold-entities "
        "entities are given, and not scored."
    )
    B027 = (
        "'{model}' is an installed package, which is not changed. Name a folder for the "
        "tuned pipeline with --output."
    )
