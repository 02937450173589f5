"""Annotating many documents: B5."""


class AnnotationErrors:
    """Messages of what is raised, and of what is told of documents set aside."""

    B500 = (
        "{output} exists already. Replace it with --force, or name another output. "
        "(--resume goes on only with a run that was broken off, or is done already.)"
    )
    B501 = (
        "{parts}: the blocks of a run that was broken off are here. Go on with it by "
        "--resume, or begin anew with --force."
    )
    B502 = (
        "{output}: expected the inputs, the pipeline and the settings with which this "
        "run began, found a difference in {differences}. Restore what was there, or "
        "begin anew with --force."
    )
    B503 = (
        "Pipeline '{name}': could not be loaded ({reason}). Give a folder that `python "
        "-m spacy train` wrote, such as OUTPUT/model-best, or the name of an installed "
        "package."
    )
    B504 = (
        "Pipeline '{name}': expected a component that finds entities, relations or "
        "categories, such as biobert_ner, found {found}. Give a trained pipeline."
    )
    B505 = (
        "expected a text of at most {most:,} characters, found {found:,}. Divide it, or "
        "allow longer ones with --max-length, if the memory is there."
    )
    B506 = "expected an id that occurs once, found it on a document before this one."
    B507 = (
        "expected text in UTF-8, found other bytes or half a character. Convert the "
        "file, for instance with `iconv -f latin1 -t utf-8`."
    )
    B508 = "the pipeline failed on this document: {reason}"
    B509 = (
        "{path}: expected a name that tells the format to write ({known}), found "
        "'{found}'. Name one with --format: {formats}."
    )
    B510 = (
        "{output}: a worker process was ended from outside, often because the memory "
        "was full. Finished blocks are kept: go on with --resume and fewer --processes."
    )
    B511 = (
        "{output}: the memory was full ({reason}). Finished blocks are kept, but a "
        "smaller --batch-size gives other sums: begin anew with it and --force, or go "
        "on with --resume where there is more memory."
    )
    B512 = (
        "{parts}: another process is writing blocks here. Wait for it, or end it first."
    )
    B513 = (
        "{inputs}: expected documents to annotate, found none, so that {output} was not "
        "written. {hint}"
    )
    B514 = "--resume goes on with a run, --force begins anew: expected one of them."
    B515 = (
        "{path}: expected a Parquet file with a column 'text' of texts, and perhaps "
        "'id' and 'title', found {found}. Rename the columns."
    )
    B516 = "expected text, found none."
    B517 = (
        "{parts}: expected a folder of blocks or nothing by that name, found '{found}' "
        "in it. Move it, or name another output."
    )
    B518 = (
        "{path}: expected a document of format '{format}' on each line, found none on "
        "line {line} ({reason}). Get the file again."
    )
