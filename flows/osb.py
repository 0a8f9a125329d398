"""osb: ask a corpus of Oversight Board decisions a question. `python -m flows.osb query="…"`"""

if __name__ == "__main__":
    from flows.cli.exit import run_and_exit
    from flows.cli.main import main

    run_and_exit(lambda: main(flow="osb"))

from flows.declared import declare

osb = declare("osb")
