"""Texts and corpora: B2."""


class CorpusErrors:
    """Messages of what is raised."""

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
        "{path}: expected text in UTF-8, found other bytes ({reason}). If it is "
        "text, convert it, for instance with `iconv -f latin1 -t utf-8`."
    )
    B206 = (
        "{path}, line {line}: expected a JSON object on each line: {reason}. Correct "
        "the line, or name the file's true format (`convert`: --format; others: --from)."
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
        "written. {hint}"
    )
    B212 = "{path} is both an input and the output. Choose another output."
    B213 = (
        "{n_broken} of {n_sources} file(s) could not be read to the end, and --strict "
        "was asked for, so that nothing was written. See the report above."
    )
    B214 = "{path}: could not be read: {reason}. Check the name and the permissions."
    B215 = (
        "'{folder}': expected files in one of the known formats ({known}) in this "
        "folder, found none. Name a folder that has some, or files and their format."
    )
    B216 = (
        "--language {found}: expected the code of a language, such as eng or en. See "
        "https://www.nlm.nih.gov/bsd/language_table.html for the codes."
    )
    B217 = (
        "--shard {found}: expected i/n for the i-th of n parts, for instance 1/4, with i "
        "from 1 to n and n at most the number of files, which is {n_sources}."
    )
    B218 = (
        "{path}: expected ids of documents to leave out, one a line, found none. Check "
        "the file, or leave --exclude-ids out."
    )
    B219 = (
        "{path}: expected documents, a JSON object on each line, found something else. "
        "Make it with `spacy-biobert extract` first."
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
        "{unit} {start}-{end} of title + space + abstract, found '{found}'. {hint}"
        "Correct the offsets, or leave this mention out with --on-error skip."
    )
    B223 = (
        "{path}, line {line}, document {document}: expected the relation '{label}' to "
        "hold between concepts with a mention, found none of {concept}. Add the "
        "mention, or leave this relation out with --on-error skip."
    )
    B224 = (
        "{path}, document {document} (number {number} of the file): expected an id that "
        "occurs once, found it before with another text or annotation. Remove one of "
        "them, or keep only the first with --on-error skip."
    )
    B225 = (
        "--map {found}: expected FROM=TO, for instance --map SpecificDisease=Disease, or "
        "FROM= to leave a label out."
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
        "{path}: expected annotated documents, found {found}, so that nothing was "
        "written. Check the format that was named, and the file."
    )
    B230 = "{name}: expected one of {known}, found '{found}'. Choose one of them."
    B231 = (
        "{path}, {where}: expected '{expected}' at the {unit} {place} of the text, found "
        "'{found}'. {hint}Correct the offsets, or leave this mention out with "
        "--on-error skip."
    )
    B232 = "'{found}': expected the name of an installed format ({known}). Choose one."
    B233 = (
        "Format '{name}': expected its entry point to be a "
        "spacy_biobert.converters.formats.Format, found {found}. Correct the package "
        "that adds it."
    )
    B234 = (
        "{path}: expected a file that begins as one known format does ({known}), found "
        "{found}. Name the format with {option}, such as iob for columns, or brat for texts "
        "without an .ann file beside them."
    )
    B235 = (
        "{path}: could not be written: {reason}. Check the folder and the space left."
    )
    B236 = "{path} exists already. Name another output, or replace it with --force."
    B237 = (
        "Format '{name}': expected one that can be written, found one that is only read "
        "here. Choose another one."
    )
    B238 = (
        "{path}: expected a file inside the zip archive by the name '{inside}', found "
        "none. `unzip -l` lists what it has."
    )
    B239 = (
        "{path}, {where}: expected {expected}, found {found}. Check the format, or "
        "correct the file."
    )
    B240 = (
        "{path}, {where}: expected the relation '{label}' to hold between two mentions of "
        "the document, found none named {found}. Add the mention, or leave this relation "
        "out with --on-error skip."
    )
    B241 = (
        "{path}: expected a file, or for a format of several files a folder with nothing "
        "else in it, found {found}. Choose another output."
    )
    B242 = (
        "{path}, line {line}: expected JSON: {reason}. Check --format, or get the file "
        "again."
    )
    B243 = (
        "{path}: expected XML, found something else: it does not begin with '<'. Check "
        "the format, or get the file again."
    )
    B250 = (
        "--annotates {found!r}: expected labels with commas between, for instance "
        "--annotates Chemical,Disease."
    )
    B251 = (
        "{path}, document {document}: expected entities of the labels of --annotates "
        "({stated}), found {found}. Add it to --annotates if the corpus has all of "
        "them; rename it, or leave its entities out, with --map."
    )
    B252 = (
        "{path}, {where}: expected an id that no other mention of the document has, "
        "found {id}, as on line {first}. Give it one of its own, or leave this mention "
        "out with --on-error skip."
    )
