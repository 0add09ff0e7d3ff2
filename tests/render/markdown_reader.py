"""Markdown as a forge reads it."""

import re

from markdown_it import MarkdownIt

READER = MarkdownIt("commonmark").enable("table")


OURS = re.compile(r"</?(code|details|summary|br)>")
"""The tags that the document itself is made of."""


def tokens(text):
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def shape(text):
    """What a reader makes of the text: every token but the words, which may stand in code."""
    return [
        (token.type, token.tag, OURS.findall(token.content) if "html" in token.type else "")
        for token in tokens(text)
        if token.type not in ("text", "text_special")
        and not (token.type == "html_inline" and re.fullmatch("</?code>", token.content))
    ]
