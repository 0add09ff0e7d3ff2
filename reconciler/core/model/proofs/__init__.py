"""Values that prove something of a plan, beside what it says itself."""
