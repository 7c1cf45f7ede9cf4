"""What the relay costs: `python -m benchmarks.bot` measures it against an echo that does nothing else."""
