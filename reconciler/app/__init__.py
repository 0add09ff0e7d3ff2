"""Use cases: each joins the core, the edges and the engine. Nothing here prints."""
