"""A study's documents, prompt templates and criteria, and how they become messages to a model.

In: files of `prompts/` and `criteria/`, and the data that fills a template. Out: messages with roles, in which no
text of a record can open a turn. Read `templates` first.
"""
