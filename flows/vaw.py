"""vaw: judge reports of violence against women against good practice. `python -m flows.vaw`"""

if __name__ == "__main__":
    from flows.cli.entry import run_command

    run_command("vaw")

from flows.declared import declare

vaw = declare("vaw")
