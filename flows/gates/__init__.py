"""Questions to people: what gates and tools with consent ask, where answers come from, and how they are kept.

A question goes in, and an answer comes out, or None while it waits. Read `desk` first.
"""
