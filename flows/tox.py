"""tox: judge posts against criteria of hateful and toxic speech. `python -m flows.tox criteria=power`"""

if __name__ == "__main__":
    from flows.cli.exit import run_and_exit
    from flows.cli.main import main

    run_and_exit(lambda: main(flow="tox"))

from flows.declared import declare

tox = declare("tox")
