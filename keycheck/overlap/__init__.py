"""What does not hang on each other is asked for together: the only package, beside network/, that knows of threads.

memory.py   each question is asked once a run, whoever asks it first
room.py     how much is in flight at once
plan.py     which questions go ahead of the checks, in which order, and what each waits for (pure)
ahead.py    the threads that ask them, and how they end
"""
