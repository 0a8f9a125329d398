"""zot: ask your own literature a question. `python -m flows.zot corpus=my_papers query="…"`"""

if __name__ == "__main__":
    from flows.cli.entry import run_command

    run_command("zot")

from flows.declared import declare

zot = declare("zot")
