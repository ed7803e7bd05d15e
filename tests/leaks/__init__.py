"""The leak matrix: every kind of failure in every way of running, and each artefact searched for what was planted.

    scanner.py     finds a planted canary in a text, encodings undone; knows nothing of keycheck's own redactor
    canaries.py    what is planted
    kinds.py       what goes wrong, from the tables kinds_*.py; careless.py is at hand in the runs themselves
    modes.py       ways of running pytest
    bench.py       one cell: a copy of the suite, an exchange, a process, its artefacts; cells.py: what came of it
    matrix.py      all cells, and what they leaked
    mutants.py     a layer taken out, for each layer

`python -m tests.leaks` runs the whole and prints it as a table.
"""
