"""Records of jobs, the crate, and what verifies, compares and explains a run."""
