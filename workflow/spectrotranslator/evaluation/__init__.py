"""How good every method is on stars that none of its networks saw."""
