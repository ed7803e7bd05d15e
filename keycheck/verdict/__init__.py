"""Findings -> verdict. Pure.

findings.py    the checks, and the finding of each
weighing.py    all findings -> OK, NOT_OK or UNPROVEN
comparison.py  compares this run with an earlier verdict
"""
