"""Reads a study's prompt templates and criteria, and makes messages to a model from them.

In: files of `prompts/` and `criteria/`, and the data that fills a template. Out: messages with roles, in which no
text of a record can start a message of its own. Read `templates` first.
"""
