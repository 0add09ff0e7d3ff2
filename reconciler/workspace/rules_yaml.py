"""Rules for the text of a file: the strict subset of YAML that means the same to every reader."""

from reconciler.core.model.resource import Rule

YAML_RULES = (
    Rule(
        id="yaml-syntax",
        summary="A file is well-formed YAML.",
        why="Nothing after the first break can be trusted to mean what it seems to.",
        remedy="Correct the line, or the quote, bracket or indent opened just before it.",
    ),
    Rule(
        id="yaml-duplicate-key",
        summary="A key stands once in a mapping.",
        why="Most readers keep the last one without a word, so an amount can hide behind another.",
        remedy="Remove one of the two.",
    ),
    Rule(
        id="yaml-alias",
        summary="Anchors and aliases are not used.",
        why="What an entry posts shall stand in the entry, where it is reviewed.",
        remedy="Write the value out at both places; quote a text that begins with `&` or `*`.",
    ),
    Rule(
        id="yaml-merge-key",
        summary="The merge key `<<` is not used.",
        why="What an entry posts shall stand in the entry, where it is reviewed.",
        remedy="Write the merged fields out.",
    ),
    Rule(
        id="yaml-tag",
        summary="Tags are not used.",
        why="A tag changes what a value means, or asks a reader to build an object from it.",
        remedy="Remove the tag; quote a text that begins with `!`.",
    ),
    Rule(
        id="yaml-directive",
        summary="Directives such as `%YAML 1.1` are not used.",
        why="A directive can change what `No` and `012` mean further down the file.",
        remedy="Remove the line.",
    ),
    Rule(
        id="yaml-key",
        summary="Keys are text on one line.",
        why="Every field has a name; `true`, `null`, numbers, lists and mappings are none.",
        remedy="Put the key in quotes if it is meant; decimals take a point, not a comma.",
    ),
    Rule(
        id="yaml-control-character",
        summary="A file holds no control characters and no byte order mark inside its text.",
        why="They are invisible in a review, and can move the cursor of a terminal.",
        remedy="Remove the character.",
    ),
    Rule(
        id="yaml-line-break",
        summary="Lines end in a line feed, or in carriage return and line feed.",
        why="Readers disagree about other line breaks, so a key can hide behind a comment.",
        remedy="Replace the character with a space or a line feed.",
    ),
    Rule(
        id="yaml-bidi",
        summary="A file holds no character that turns the direction of text.",
        why="With them a line is displayed in another order than it is read in.",
        remedy="Remove the character; right-to-left scripts display correctly without it.",
    ),
    Rule(
        id="yaml-normalization",
        summary="Text is in Unicode normalization form C.",
        why="Two names that look the same would otherwise be different names.",
        remedy="Type the text anew, or convert the file to NFC.",
    ),
    Rule(
        id="yaml-number-length",
        summary="A number has at most 32 characters.",
        why="No ledger keeps more digits; a longer one is a slip or an attempt to be slow.",
        remedy="Shorten the number, or put it in quotes if it is text.",
    ),
    Rule(
        id="yaml-depth",
        summary="Mappings and lists are nested at most 20 deep.",
        why="No declaration needs more; deeper nesting exhausts readers.",
        remedy="Remove the surplus brackets or indents.",
    ),
    Rule(
        id="yaml-size",
        summary="A document holds at most 100,000 values, a file at most 5,000 documents.",
        why="No declaration needs more; larger ones exhaust readers.",
        remedy="Split it; documents may be spread over any number of files.",
    ),
)
