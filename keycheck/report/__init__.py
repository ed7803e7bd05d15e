"""Verdict -> verdict.json, report.html, terminal text. `model` says what a report is; the rest only draws it."""
