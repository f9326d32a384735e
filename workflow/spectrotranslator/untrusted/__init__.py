"""Readers for files, texts and paths that may come from somebody else.

A received run, configuration, model, manifest or archive is data: reading it executes nothing,
leaves no folder, follows no link that was not asked for, and is bounded in time and memory.
Whatever is not as expected ends in an :class:`InputError` of one line.
"""

from .contained_paths import inside, regular_inside
from .json_text import parse_json, read_json_object
from .printable_text import printable
from .regular_files import hash_regular, read_bytes, read_text
from .safetensors_file import read_safetensors
from .tar_archives import TarLimits, safe_tar_members
from .votable_document import check_votable
from .yaml_text import YAML_BYTES, parse_yaml, yaml_line

__all__ = [
    "YAML_BYTES",
    "TarLimits",
    "check_votable",
    "hash_regular",
    "inside",
    "parse_json",
    "parse_yaml",
    "printable",
    "read_bytes",
    "read_json_object",
    "read_safetensors",
    "read_text",
    "regular_inside",
    "safe_tar_members",
    "yaml_line",
]
