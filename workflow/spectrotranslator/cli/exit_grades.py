"""Which overall grades are good news."""

GOOD = ("identical", "equivalent", "consistent", "not compared")
