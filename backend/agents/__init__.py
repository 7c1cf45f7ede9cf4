"""Runs: what messages ask for is carried out by agents, step by step, and nothing is done twice or without asking."""
