"""What people read: the page, the PDF, the cards, and the metadata of the file."""

from __future__ import annotations
