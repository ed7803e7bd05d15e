"""The endpoint: `POST /binance` tests one key and answers with its verdict; `GET /` is a page that uses it.

    endpoint.py       app(...): the routes, and the answer to each request
    runs.py           the runs: a limited number at once, each a thread that waits for its child process
    guards.py         what each request has to pass first: host, origin, token; and the headers of each answer
    request_body.py   the body's bytes -> a request, or the problem that names the member
    problem.py        an error as the client gets it
    page.py           the files of the page and of <keycheck-form>
    openapi.py        the OpenAPI 3.1 document of the endpoint
    command.py        `keycheck serve`: its options, and the server
    listening.py      the sockets on which it listens, for a limited number of connections

`app(...)` is an ASGI application, to be mounted in a platform's own; docs/endpoint.md shows how. The extra
`keycheck[serve]` installs what this package imports, and nothing else in keycheck imports this package.

Where a secret is: in the body's bytes, then in a Secret, then in the pipe to the child process. No frame that an
exception can pass through has a variable with the text, since services that collect errors also send the variables.
"""

from keycheck.serve.endpoint import Endpoint as app

__all__ = ["app"]
