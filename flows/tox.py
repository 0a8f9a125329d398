"""tox: judge posts against criteria of hateful and toxic speech. `python -m flows.tox criteria=power`"""

if __name__ == "__main__":
    from flows.cli.exit import leave
    from flows.cli.main import main

    leave(lambda: main(flow="tox"))

from flows.deploy.declared import declare

tox = declare("tox")
