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
        "expected text in UTF-8, found other bytes or half a character. If it "
        "is text, convert it, for instance with `iconv -f latin1 -t utf-8`."
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
        "{path}, line {line}: expected a document of format '{format}', found something "
        "else: {reason}. Correct the line, or get the file again."
    )
    B519 = (
        "--engine ray: expected the package ray, found none ({reason}). Install it with "
        "`pip install 'spacy-biobert[ray]'`, on each machine of the cluster."
    )
    B520 = (
        "--address {address}: expected a Ray cluster, could not connect ({reason}). "
        "Start it with `ray start --head`, and give its address, HOST:6379, or auto on "
        "a machine of it. If it asks for a token, set RAY_AUTH_MODE=token, with the "
        "cluster's token in ~/.ray/auth_token."
    )
    B521 = (
        "--engine ray: expected a {kind} in the cluster, found none. Say how many "
        "--processes there are to be, if the cluster starts machines when asked."
    )
    B522 = (
        "{machine}: expected the blocks of this run in {parts}, found no such folder. "
        "Give an output on a disk that all machines of the cluster have at one place."
    )
    B523 = (
        "{machine}: expected the pipeline and the packages of the machine with the "
        "command, found a difference in {differences}. Install the same on all machines "
        "of the cluster."
    )
    B524 = (
        "--address {address}: expected --engine ray with it, found --engine local. Add "
        "it, or leave the address out."
    )
    B525 = (
        "{output}: the cluster lost each process that tried a block, often because the "
        "memory was full or a machine is not set up as the others ({reason}). Finished "
        "blocks are kept: mend that, and go on with --resume."
    )
