"""Quotations, checked letter by letter, and the labels by which models cite.

In: what a model quotes, and the passages or the record that it quotes from. Out: citations as they stand in the source,
or why a quotation was not found. Read `citations` first.
"""
