"""The only package that opens a connection. Out of it come an answer's bytes, or a named reason why there are none.

What leaves is checked twice: a caller of `transport.py` can only name a listed `Endpoint`, and `gate.py`, under
requests, lets through nothing but the listed methods and paths of the configured hosts, whoever asks.
"""
