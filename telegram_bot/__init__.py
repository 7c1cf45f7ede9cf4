"""The Telegram relay: passes what people write to the backend, and its answers back."""
