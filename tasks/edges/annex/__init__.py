"""Annexes of an edition: its figures as spreadsheets and as open data, made from frozen figures alone."""
