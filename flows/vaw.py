"""vaw: judge reports of violence against women against good practice. `python -m flows.vaw`"""

if __name__ == "__main__":
    from flows.cli.main import main
    from flows.server.interrupt import leave

    leave(lambda: main(flow="vaw"))

from flows.deploy.declared import declare

vaw = declare("vaw")
