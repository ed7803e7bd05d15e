"""Why a key fails: the evidence of a run -> its likely causes, most likely first. Pure.

cause.py     what a diagnosis is, and the causes by name
reading.py   the evidence as the rules ask for it
rules.py     all rules on a run's evidence; only a run that is not OK comes to them
key.py account.py barred.py machine.py between.py network.py   the rules, each a few lines: what it must have seen
remedies.py  menu paths and commands
"""
