"""Journal runs: source transactions summarised into entries, cancelled and deleted together."""
