"""Verdict -> verdict.json, report.html, terminal text. `model` defines a report; the other modules render it."""
