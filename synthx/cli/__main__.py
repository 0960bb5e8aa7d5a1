"""``python -m synthx.cli``, where the entry point is not on the path."""

from __future__ import annotations

import sys

from synthx.cli import main

sys.exit(main())
