"""An exchange that misbehaves leaves the key unproven."""

import pytest

from keycheck.exchange.endpoints import AT_ONCE
from tests.exchange import Fault, LocalExchange, Scenario
from tests.running import SuiteRunner
from tests.suite_runs import run


def test_after_429_nothing_more_is_sent(suite: SuiteRunner) -> None:
    """After a 429, only requests that were already on their way arrive, such as the one for the listen key."""
    with LocalExchange(Scenario(faults={"/fapi/v1/accountConfig": Fault.rate_limited()})) as exchange:
        done = suite(settings=exchange.settings())
        paths = [one.path for one in exchange.log]
        behind = paths[paths.index("/fapi/v1/accountConfig") + 1 :]
        assert len(behind) < sum(AT_ONCE.values())
        assert not {"/fapi/v1/order/test", "/fapi/v1/apiTradingStatus"} & set(paths)
        assert len(exchange.requests_to("/fapi/v1/accountConfig")) == 1
    assert done.exit_status == 10
    assert not done.with_outcome("fail")


@pytest.mark.slow
def test_one_flaky_answer_does_not_spoil_the_verdict(suite: SuiteRunner) -> None:
    """After a 502 or a cut connection a GET is sent once more, and the verdict is the same."""
    faults = {"/fapi/v1/time": Fault.bad_gateway(times=1), "/fapi/v1/accountConfig": Fault.reset(times=1)}
    done = run(suite, Scenario(faults=faults))
    assert (done.verdict["verdict"], done.verdict["requests"]["count"]) == ("OK", 14)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/fapi/v1/time", "/fapi/v1/accountConfig", "/sapi/v1/account/apiRestrictions"])
def test_an_exchange_with_errors_leaves_the_key_unproven(path: str, suite: SuiteRunner) -> None:
    """An exchange with errors leaves a healthy key UNPROVEN."""
    done = run(suite, Scenario(faults={path: Fault.overloaded_503()}))
    assert (done.verdict["verdict"], done.exit_status, done.with_outcome("fail")) == ("UNPROVEN", 10, [])


def test_a_lost_connection_leaves_the_key_unproven(suite: SuiteRunner) -> None:
    """Without any answer nothing was observed: the verdict is UNPROVEN, and no check fails."""
    with LocalExchange() as exchange:
        settings = exchange.settings()
    done = suite(settings=settings)
    assert (done.exit_status, done.with_outcome("fail")) == (10, [])
    assert done.check("futures_api_answers")["outcome"] == "unproven"
    assert done.verdict["pingOk"] is None
    assert "refused the connection" in done.check("futures_api_answers")["detail"]
    assert done.check("withdrawals_are_disabled")["blockedBy"] == "futures_api_answers"


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.country_403(), Fault.restricted_location()], ids=["403", "451"])
def test_a_place_that_binance_does_not_serve_is_an_observation(fault: Fault, suite: SuiteRunner) -> None:
    """If Binance does not serve this machine's location, the check of the futures API fails, and says why."""
    done = run(suite, Scenario(faults={"*": fault}))
    assert (done.exit_status, done.with_outcome("fail")) == (1, ["futures_api_answers"])
    assert done.verdict["pingOk"] is False


@pytest.mark.slow
@pytest.mark.parametrize("path", ["*", "/fapi/v1/time", "/fapi/v1/ping", "/fapi/v1/accountConfig"])
@pytest.mark.parametrize("fault", [Fault.waf_403(), Fault.redirect("https://x.invalid/")], ids=["403", "302"])
def test_a_firewall_or_portal_anywhere_leaves_the_key_unproven(fault: Fault, path: str, suite: SuiteRunner) -> None:
    """A firewall or a captive portal in place of one answer or all leaves the key UNPROVEN."""
    done = run(suite, Scenario(faults={path: fault}))
    assert (done.exit_status, done.with_outcome("fail")) == (10, [])
    assert done.verdict["pingOk"] in (None, path.endswith("Config"))
