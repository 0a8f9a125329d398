"""What keeps a study from harming the machine that runs it: a study can come from anybody.

In: templates, YAML and paths from a study's folder. Out: the same, within bounds, or an error that says what is too
much. Read `jinja_sandbox` first.
"""
