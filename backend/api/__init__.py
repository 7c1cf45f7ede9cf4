"""The HTTP face of the backend; wire shapes stand beside their endpoints."""
