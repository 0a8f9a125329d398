"""Pages of the web: fetched within bounds, and reduced to their main text.

In: an address from a question, a record or a model, none of which is trusted. Out: a `WebPage`. Read `fetch` first.
"""
