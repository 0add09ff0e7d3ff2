"""Verbs that write the files of a workspace."""
