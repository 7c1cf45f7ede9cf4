"""LLM Bot Core: the backend that owns conversations, their memory and their agents."""
