"""The only package that opens a connection. It returns the bytes of an answer, or raises the reason why there are none.

Each request is checked twice before it is sent: `transport.py` takes only an `Endpoint` of the allow-list, and
`allow_list.py`, an adapter below the library requests, refuses every method, path or host that is not on the list.
`cancellable_request.py` gives each request a deadline. The user data stream has modules of its own: `stream.py` opens
it, `websocket.py` speaks its protocol, and `stream_connection.py` connects, with the same proxy and CA certificates.
"""
