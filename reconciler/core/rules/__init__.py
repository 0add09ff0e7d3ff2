"""The accounting rules: texts and checks."""
