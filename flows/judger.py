"""judger: judge any records against any criteria. `python -m flows.judger criteria=hate_policy`"""

if __name__ == "__main__":
    from flows.cli.exit import run_and_exit
    from flows.cli.main import main

    run_and_exit(lambda: main(flow="judger"))

from flows.declared import declare

judger = declare("judger")
