"""Voice activity: scorers, detectors, the segmenter and the gate; labels, metrics, sweeps and noise. Pure."""
