"""OpenAPI 3.1 of the endpoint: it is valid, and the endpoint answers as it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from keycheck.serve import openapi, request_body
from keycheck.serve.problem import TITLES
from tests.serve.serving import TOKEN, Serving, instant

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth"
)


@pytest.mark.parametrize("saves", [True, False])
@pytest.mark.parametrize("asks_token", [True, False])
def test_it_is_valid_in_every_form(asks_token: bool, saves: bool) -> None:
    """A validator that knows OpenAPI 3.1 finds nothing, with a token and `POST /save` and without."""
    from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: PLC0415  0.3 s, and two workers would import it

    document = openapi.document(asks_token=asks_token, saves=saves)
    OpenAPIV31SpecValidator(document).validate()
    assert ("/save" in document["paths"]) == saves
    assert ("401" in document["paths"]["/binance"]["post"]["responses"]) == asks_token


def test_it_names_what_the_code_takes_and_answers(serving: Serving) -> None:
    """The document names each member of a body, its size limit, and each status of a problem but 404, 405 and 500."""
    document = openapi.document(asks_token=True, saves=True)
    forms = document["paths"]["/save"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert {name for form in forms for name in form["properties"]} == {*request_body.MEMBERS, request_body.RECEIPT}
    assert {int(status) for status in document["components"]["responses"]} == set(TITLES) - {404, 405, 500}
    assert str(request_body.LIMIT) in document["components"]["responses"]["413"]["description"]
    assert serving.ask("GET", "/openapi.json").json == openapi.document(asks_token=False, saves=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_live_server_answers_as_it_says(tmp_path: Path) -> None:
    """schemathesis sends what the document allows and what it does not: no server error, no undocumented answer."""
    with Serving(tmp_path, run=instant, token=TOKEN.encode(), share=1.0) as serving:
        done = subprocess.run(  # noqa: S603  ours
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "run"),
                f"http://127.0.0.1:{serving.port}/openapi.json",
                *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1"),
                *("--header", f"Authorization: Bearer {TOKEN}", "--warnings", "off"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert found, done.stdout[-2000:]
    assert int(found[1]) > 100
