"""trans: judge news reports against good practice in reporting on trans people. `python -m flows.trans`"""

if __name__ == "__main__":
    from flows.cli.main import main
    from flows.server.interrupt import leave

    leave(lambda: main(flow="trans"))

from flows.deploy.declared import declare

trans = declare("trans")
