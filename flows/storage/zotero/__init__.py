"""A library of literature as records: entries from Zotero or a file of CSL-JSON, each with the text of its files.

Read `rows` first. All that a library names, its paths and addresses too, is untrusted: anyone can add entries
to a group's library.
"""
