"""tox: judge posts against criteria of hateful and toxic speech. `python -m flows.tox criteria=power`"""

if __name__ == "__main__":
    from flows.cli.main import main
    from flows.server.interrupt import leave

    leave(lambda: main(flow="tox"))

from flows.deploy.declared import declare

tox = declare("tox")
