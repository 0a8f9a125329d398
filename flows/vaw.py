"""vaw: judge reports of violence against women against good practice. `python -m flows.vaw`"""

if __name__ == "__main__":
    from flows.cli.exit import leave
    from flows.cli.main import main

    leave(lambda: main(flow="vaw"))

from flows.deploy.declared import declare

vaw = declare("vaw")
