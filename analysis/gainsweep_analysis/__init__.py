"""Reads the archive of a gainsweep run: tables, figures, report."""
