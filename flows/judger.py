"""judger: judge any records against any criteria. `python -m flows.judger criteria=hate_policy`"""

if __name__ == "__main__":
    from flows.cli.entry import run_command

    run_command("judger")

from flows.declared import declare

judger = declare("judger")
