"""A plan as one HTML file that can be mailed, filed and read without anything else."""
