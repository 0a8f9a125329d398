"""What is said of verdicts that come from embedded models."""

DEMONSTRATION_VERDICTS = (
    "Demonstration quality: embedded models judge by likeness to the criterion's examples, which says how a study runs "
    "and nothing of its texts; for verdicts to report, set a key and add llms=lite."
)
