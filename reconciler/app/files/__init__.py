"""Use cases that write the files of a workspace."""
