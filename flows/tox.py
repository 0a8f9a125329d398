"""tox: judge posts against criteria of hateful and toxic speech. `python -m flows.tox criteria=power`"""

if __name__ == "__main__":
    from flows.cli.entry import run_command

    run_command("tox")

from flows.declared import declare

tox = declare("tox")
