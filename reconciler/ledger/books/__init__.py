"""The books around the entries: accounting codes and accounting periods."""
