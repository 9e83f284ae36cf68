"""The policy as a file: read, checked with line and field, laid over the default, written (T2, T3, T6, T8, T11)."""

from services.triage.policy_file.book import Book, Effective, default, load_book, read_book
from services.triage.policy_file.compare import Change, changes
from services.triage.policy_file.form import Document, digest_of, document_of, policy_of, to_yaml
from services.triage.policy_file.problems import InvalidPolicy, Problem

__all__ = [
    "Book", "Change", "Document", "Effective", "InvalidPolicy", "Problem", "changes", "default", "digest_of",
    "document_of", "load_book", "policy_of", "read_book", "to_yaml",
]  # fmt: skip
