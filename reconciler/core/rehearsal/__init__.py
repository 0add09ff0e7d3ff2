"""What a rehearsal loads, and what its result proves. Pure."""
