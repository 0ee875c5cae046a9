"""The wall clock of a node's processes: a stub in each one's vDSO, switched by one write, over when its lease is."""
