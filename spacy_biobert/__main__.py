"""Run the command line as `python -m spacy_biobert`, as `torchrun` wants it."""

from .cli.main import main

main()
