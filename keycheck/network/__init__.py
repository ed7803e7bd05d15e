"""The only package that opens a connection. Out of it come an answer's bytes, or a named reason why there are none.

What leaves is checked twice: a caller of `transport.py` can only name a listed `Endpoint`, and `allow_list.py`, under
requests, lets through nothing but the listed methods and paths of the configured hosts, whoever asks. The user data
stream is no request: `stream.py` visits it, `websocket.py` speaks its protocol, and `stream_connection.py` connects to
it, through the same proxy and with the same trust. `cancellable_request.py` gives each request a deadline.
"""
