"""judger: judge any records against any criteria. `python -m flows.judger criteria=hate_policy`"""

if __name__ == "__main__":
    from flows.cli.main import main
    from flows.server.interrupt import leave

    leave(lambda: main(flow="judger"))

from flows.deploy.declared import declare

judger = declare("judger")
