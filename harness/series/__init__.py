"""Several runs: repeats, baselines, and what may be said of two of them. The run is the unit throughout."""
