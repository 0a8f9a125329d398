"""judger: judge any records against any criteria. `python -m flows.judger criteria=hate_policy`"""

if __name__ == "__main__":
    from flows.cli import main
    from flows.leaving import leave

    leave(lambda: main(flow="judger"))

from flows.declared import declare

judger = declare("judger")
