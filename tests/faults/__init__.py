"""The fault table: each path that a run asks, with each thing that can go wrong there, over real HTTP.

    paths.py      the paths, and the fields of their answers that decide something
    spoiling.py   what becomes of a healthy answer; fields.py: what becomes of one of its fields
    faults.py     what else can go wrong, and all of it by name
    table.py      path x fault: the cases, all of them and a sample
    bench.py      one case: an exchange, a run of `pytest suite/`, and what they left; impatient.py: its short time-outs
    invariants.py what holds of each run, whatever goes wrong; wellformed.py looks at pages
    violations.py runs that break an invariant, to see that it sees them
    whole.py      many cases, and the laws that they broke

`python -m tests.faults` runs the whole and prints it as a table.
"""
