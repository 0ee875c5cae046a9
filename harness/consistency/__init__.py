"""Histories of operations on shared objects, and whether one order of them explains every answer."""
