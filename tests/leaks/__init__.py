"""The leak matrix: every kind of failure in every way of running pytest. Every output is searched for planted texts.

    scanner.py     finds a planted text, even if it is encoded; shares no code with keycheck's own redactor
    canaries.py    the planted texts
    kinds.py       the kinds of failure, from the tables kinds_*.py; careless.py: helpers for the code of these failures
    modes.py       the ways of running pytest
    bench.py       runs one cell: a copy of the suite, an exchange, a process; cells.py: the results of a cell
    matrix.py      all cells, and their leaks
    mutants.py     keycheck with one layer of protection removed, for each layer

`python -m tests.leaks` runs all cells and prints them as a table.
"""
