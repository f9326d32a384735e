"""The one way a manifest and a crate are written, so that any other bytes are a change."""

import json
from typing import Any


def text(value: Any) -> str:
    """Indented JSON in the order given, UTF-8, a newline at the end."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
