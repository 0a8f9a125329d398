"""osb: ask a corpus of Oversight Board decisions a question. `python -m flows.osb query="…"`"""

if __name__ == "__main__":
    from flows.cli import main
    from flows.leaving import leave

    leave(lambda: main(flow="osb"))

from flows.declared import declare

osb = declare("osb")
