"""What a turn costs: `python -m benchmarks.turns` measures the backend against the least that a turn could cost."""
