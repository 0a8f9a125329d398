"""One module for each provider's library. An import takes a second or two; only those that a run needs are made."""
