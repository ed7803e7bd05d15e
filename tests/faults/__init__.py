"""The fault table: each path that a run requests, with each fault that can occur there, over real HTTP.

    paths.py      the paths, and the fields of their answers that decide something
    spoiling.py   faults that change a healthy answer as a whole; fields.py: faults that change one of its fields
    faults.py     all other faults, and the list of all faults by name
    table.py      the cases: each path with each fault, all of them and a sample
    bench.py      runs one case: an exchange and `pytest suite/`; impatient.py: shorter time limits for such a run
    invariants.py the rules that every run keeps, with any fault; wellformed.py checks pages
    violations.py runs that break an invariant, to test that it notices them
    whole.py      runs many cases, and lists the invariants that they broke

`python -m tests.faults` runs all cases and prints them as a table.
"""
