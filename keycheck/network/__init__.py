"""The only package that opens a connection. Out of it come an answer's bytes, or a named reason why there are none.

What leaves is checked twice: a caller of `transport.py` can only name a listed `Endpoint`, and `gate.py`, under
requests, lets through nothing but the listed methods and paths of the configured hosts, whoever asks. The stream is no
request: `stream.py` visits it, `websocket.py` says what is said there, and `line.py` is the way, past the same proxy.
"""
