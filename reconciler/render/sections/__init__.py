"""Parts of a plan that every format shows, as cells and lines. Pure."""
