"""osb: ask a corpus of Oversight Board decisions a question. `python -m flows.osb query="…"`"""

if __name__ == "__main__":
    from flows.cli.entry import run_command

    run_command("osb")

from flows.declared import declare

osb = declare("osb")
