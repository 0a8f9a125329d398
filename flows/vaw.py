"""vaw: judge reports of violence against women against good practice. `python -m flows.vaw`"""

if __name__ == "__main__":
    from flows.cli.exit import run_and_exit
    from flows.cli.main import main

    run_and_exit(lambda: main(flow="vaw"))

from flows.declared import declare

vaw = declare("vaw")
