"""The documentation site: `make docs`.

`pages` names the documents and brings them together, `reference` writes the pages that come from code, `signatures`
spells out parameters for griffe, and `links` checks the built site. zensical builds it; mkdocstrings adds docstrings.
"""
