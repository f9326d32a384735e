"""What every job needs: cores, memory, time."""
