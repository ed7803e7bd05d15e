"""Findings -> verdict. Pure.

findings.py    what the checks claim, and what they found
weighing.py    all findings -> OK, NOT_OK or UNPROVEN
comparison.py  an earlier verdict beside this one
"""
