"""osb: ask a corpus of Oversight Board decisions a question. `python -m flows.osb query="…"`"""

if __name__ == "__main__":
    from flows.cli.exit import leave
    from flows.cli.main import main

    leave(lambda: main(flow="osb"))

from flows.deploy.declared import declare

osb = declare("osb")
