"""trans: judge news reports against good practice in reporting on trans people. `python -m flows.trans`"""

if __name__ == "__main__":
    from flows.cli.exit import run_and_exit
    from flows.cli.main import main

    run_and_exit(lambda: main(flow="trans"))

from flows.declared import declare

trans = declare("trans")
