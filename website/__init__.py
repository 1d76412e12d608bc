"""The documentation site: `make docs`.

`pages` names the documents and brings them together, `reference` writes the pages that come from code, and `links`
checks the built site. zensical builds it, with mkdocstrings for the docstrings.
"""
