"""judger: judge any records against any criteria. `python -m flows.judger criteria=hate_policy`"""

if __name__ == "__main__":
    from flows.cli.exit import leave
    from flows.cli.main import main

    leave(lambda: main(flow="judger"))

from flows.deploy.declared import declare

judger = declare("judger")
