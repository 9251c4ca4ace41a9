"""Audio and its clock: blocks, levels, extremes, resampling and the store of a session. Pure."""
