"""trans: judge news reports against good practice in reporting on trans people. `python -m flows.trans`"""

if __name__ == "__main__":
    from flows.cli.entry import run_command

    run_command("trans")

from flows.declared import declare

trans = declare("trans")
