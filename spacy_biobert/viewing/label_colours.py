"""The colours of biomedical labels, as displaCy finds them by entry point.

One hue for each kind of thing, whatever a corpus calls it. Loads nothing, because
displaCy loads it whenever it renders.
"""

CHEMICAL = "#a5d3ff"
DISEASE = "#ffb8a3"
GENE = "#b9e6a6"
VARIANT = "#e6ccff"
ORGANISM = "#ffe08f"
CELL = "#a8e6dc"

# By label in capitals, as displaCy looks it up. None of spaCy's own labels is here.
LABEL_COLOURS = {
    "CHEMICAL": CHEMICAL,
    "CHEMICALENTITY": CHEMICAL,
    "DRUG": CHEMICAL,
    "DRUG_N": "#bfe0ee",
    "BRAND": "#c3d0ff",
    "GROUP": "#d5dbe8",
    "DISEASE": DISEASE,
    "DISEASEORPHENOTYPICFEATURE": DISEASE,
    "GENE": GENE,
    "GENE-Y": GENE,
    "GENE-N": "#d3ebb0",
    "GENEORGENEPRODUCT": GENE,
    "PROTEIN": GENE,
    "DNA": "#cfeac6",
    "RNA": "#d8ecbb",
    "DNAMUTATION": VARIANT,
    "PROTEINMUTATION": VARIANT,
    "SEQUENCEVARIANT": VARIANT,
    "SNP": VARIANT,
    "SPECIES": ORGANISM,
    "ORGANISMTAXON": ORGANISM,
    "CELLLINE": CELL,
    "CELL_LINE": CELL,
    "CELL_TYPE": CELL,
}
