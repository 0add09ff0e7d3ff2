"""What a git repository itself tells of a commit: its authors, trailers and signatures."""
