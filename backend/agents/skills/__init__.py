"""What agents can do: one file per skill."""
