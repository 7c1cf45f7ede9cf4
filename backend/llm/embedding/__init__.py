"""Makes vectors of texts: by a service, or by a model on this machine."""
