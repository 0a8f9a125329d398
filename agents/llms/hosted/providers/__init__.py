"""One module for each provider's library. Each takes a second or two to import, so only those of models in use are."""
