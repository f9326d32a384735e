"""Byte-by-byte tables of the CDS: describe, read, write, check, convert."""
