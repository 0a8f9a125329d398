"""trans: judge news reports against good practice in reporting on trans people. `python -m flows.trans`"""

if __name__ == "__main__":
    from flows.cli import main
    from flows.leaving import leave

    leave(lambda: main(flow="trans"))

from flows.declared import declare

trans = declare("trans")
