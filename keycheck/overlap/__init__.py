"""Sends independent requests concurrently: the only package, beside network/, that knows of threads.

memory.py   asks each question once a run, and what the questions rest on
plan.py     which questions go ahead of the checks, in which order, and when each may be asked
ahead.py    the threads that ask them
"""
