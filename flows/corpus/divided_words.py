"""Words that a line end divides, as in `com-` and `mittee`: a search for `committee` is to find them.

What is shown and quoted is the text as it is. The full-text index of SQLite gets, behind the text of a passage, the
words that were divided; both halves stay, since the hyphen may be the word's own. What is embedded has them joined.
"""

from __future__ import annotations

import sqlite3

from agents.llms.divided_words import divided_words

DIVIDED_KEY = "divided"
"""The key in `meta` under which an index notes that it holds such words: searches find more than those of before."""
_VERSION = "divided 1"
EARLIER_TRIGGERS = """
CREATE TRIGGER IF NOT EXISTS passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, title, text) VALUES (new.id, new.title, new.text);
END;
CREATE TRIGGER IF NOT EXISTS passage_removed AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
END;
"""
TRIGGERS = EARLIER_TRIGGERS.replace("new.text", "searched_text(new.text)").replace(
    "old.text", "searched_text(old.text)"
)


def searched_text(text: str) -> str:
    """The text, and behind it the words that are divided in it."""
    words = divided_words(text)
    return "\n".join([text, " ".join(words)]) if words else text


def define_functions(db: sqlite3.Connection) -> None:
    """Defines what the triggers call; every connection that changes passages needs it."""
    db.create_function("searched_text", 1, searched_text, deterministic=True)


def is_complete(db: sqlite3.Connection) -> bool:
    """Whether the full-text index holds the divided words of all passages."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE sql LIKE '%searched_text(new.text)%'").fetchone() is not None


def fill(db: sqlite3.Connection) -> None:
    """Makes the full-text index of an earlier version anew, in the caller's transaction."""
    db.execute("DROP TRIGGER IF EXISTS passage_added")
    db.execute("DROP TRIGGER IF EXISTS passage_removed")
    for statement in TRIGGERS.split("END;\n"):
        if statement.strip():
            db.execute(f"{statement}END")
    db.execute("INSERT INTO passages_fts (passages_fts) VALUES ('delete-all')")
    db.execute("INSERT INTO passages_fts (rowid, title, text) SELECT id, title, searched_text(text) FROM passages")
    if db.execute("SELECT 1 FROM passages WHERE searched_text(text) != text LIMIT 1").fetchone():
        # The next pass over the source gives the index another fingerprint, since searches find more.
        db.execute("UPDATE meta SET value = '' WHERE key = 'content'")
        note(db)


def note(db: sqlite3.Connection) -> None:
    """Notes that the index holds divided words."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (DIVIDED_KEY, _VERSION))
