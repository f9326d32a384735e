"""What a published catalogue says about how it was made, read before anything is graded."""
