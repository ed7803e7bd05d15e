"""Careless code that leaks secrets through pytest's own features: properties, ids, report sections, files."""

from tests.exchange import API_KEY
from tests.leaks.kind import Kind, careless, careless_plugin

_KEY_FIXTURE = "@pytest.fixture\ndef held(binance):\n    return careless.take(binance)\n"
_PARAMS = "@pytest.fixture(params=[os.environ['BINANCE_API_KEY']])\ndef held(request):\n    return request.param\n"
_WALK = """
import copy, json, pickle
careless.forget_rules(binance)
shown = set()
for one in careless.reachable(binance):
    for way in (repr, str, format, ascii, '{}'.format, '%s'.__mod__, vars, dir, pickle.dumps, copy.copy, copy.deepcopy,
                lambda o: json.dumps(o, default=str), lambda o: pickle.dumps(o, 0), lambda o: f'{o!r:>20}'):
        try:
            shown.add(repr(way(one)))
        except BaseException as error:
            shown.add(f'{error!r} {error} {error.args} {error.__context__!r} {getattr(error, "__notes__", "")}')
del key, secret, url
print('\\n'.join(shown))
assert not shown
"""
_EXTRA = """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    careless.happened()
    report.extras = [{'name': KEY, 'format_type': 'text', 'content': SECRET, 'extension': 'txt',
                      'mime_type': 'text/plain'}, {'name': 'x', 'format_type': 'html', 'content': f'<b>{KEY}</b>',
                      'extension': 'html', 'mime_type': 'text/html'}]
    return report
"""
_TEMPLATE = "import keycheck.report.page as page\n\ndef render(*_, **__):\n    careless.happened()\n"

PROPERTIES = (
    careless("record_property", "record_property('key', key)\nrecord_property(url, [secret])", needs="record_property"),
    careless(
        "record_xml_attribute",
        "record_xml_attribute('key', key)\nrecord_xml_attribute('url', url)",
        needs="record_xml_attribute",
    ),
    careless(
        "record_testsuite_property",
        "record_testsuite_property('key', f'{key} {url}')",
        needs="record_testsuite_property",
    ),
    careless("observed sentence", "observe(f'{key} {url}')\nassert False", needs="observe"),
    careless("observed value", "observe(stepSize=key, minNotional=secret, driftMs=url)", needs="observe"),
    careless("report section", "request.node.add_report_section('call', key, url)\nassert False", needs="request"),
    careless_plugin("pytest-html extra", _EXTRA),
    careless("fixture whose value is the key", "assert held is None", needs="held", top=_KEY_FIXTURE),
    careless("parametrized fixture", "assert held is None", needs="held", top=_PARAMS),
    Kind(
        "parametrized check",
        check="import os\nimport pytest\nimport careless\n\ncareless.happened()\n\n@pytest.mark.critical\n"
        "@pytest.mark.parametrize('key', [os.environ['BINANCE_API_KEY']])\ndef test_careless(key):\n"
        "    assert not key\n",
        happens="mark",
    ),
    Kind(
        "key in the source",
        check=f"import pytest\nimport careless\n\n@pytest.mark.critical\ndef test_careless(binance):\n"
        f"    careless.happened()\n    assert binance.key == '{API_KEY}'\n",
        happens="mark",
    ),
    Kind(
        "syntax error beside the key",
        check=f"import careless\ncareless.happened()\nKEY = '{API_KEY}' oops\n",
        happens="exit",
    ),
    Kind(
        "key as a mark",
        check="import pytest, careless\n\ncareless.happened()\n\n"
        f"@pytest.mark.critical\n@pytest.mark.{API_KEY}\ndef test_careless(): ...\n",
        happens="mark",
    ),
    Kind(
        "import error with the key",
        check="import os, careless\ncareless.happened()\nraise ImportError(os.environ['BINANCE_API_KEY'])\n",
        happens="mark",
    ),
)

FILES = (
    careless("pytest's cache", "request.config.cache.set('careless/key', {'url': url, 'key': key})", needs="request"),
    careless(
        "a log file that is written to",
        "open(request.config.getini('log_file'), 'a').write(f'{key} {url}')",
        needs="request",
        options=("-o", "log_file=../out/x.txt"),
        left_out=dict.fromkeys(("html-log", "all-at-once"), "its log file is another one"),
    ),
    careless("everything reachable", _WALK),
    careless_plugin("broken report template", _TEMPLATE + "    raise RuntimeError(KEY)\n\npage.render = render"),
    careless_plugin("template that shows the key", _TEMPLATE + "    return f'<p>{KEY}</p>'\n\npage.render = render"),
    careless_plugin(
        "template that encodes the key",
        _TEMPLATE + "    import base64\n    text = base64.b64encode(b'--' + KEY.encode()).decode()\n"
        "    return f'<img src=\"data:text/plain;base64,{text}\">'\n\npage.render = render",
    ),
)

PYTEST: tuple[Kind, ...] = (*PROPERTIES, *FILES)
