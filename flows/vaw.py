"""vaw: judge reports of violence against women against good practice. `python -m flows.vaw`"""

if __name__ == "__main__":
    from flows.cli import main
    from flows.leaving import leave

    leave(lambda: main(flow="vaw"))

from flows.declared import declare

vaw = declare("vaw")
