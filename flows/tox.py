"""tox: judge posts against criteria of hateful and toxic speech. `python -m flows.tox criteria=power`"""

if __name__ == "__main__":
    from flows.cli import main
    from flows.leaving import leave

    leave(lambda: main(flow="tox"))

from flows.declared import declare

tox = declare("tox")
