"""The values that every other part uses. Nothing here decides anything."""
