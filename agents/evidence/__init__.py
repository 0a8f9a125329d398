"""Checks quotations letter by letter, and gives passages and answers the labels by which models cite them.

In: what a model quotes, and the passages or the record that it quotes from. Out: citations as they stand in the source,
or why a quotation was not found. Read `citations` first.
"""
