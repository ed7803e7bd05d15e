"""Adds the verdict to the JUnit file, and takes secrets out of its texts before they become XML.

The texts of pytest's reports are clean already. But a check or a fixture may give texts to JUnit directly, with
`record_testsuite_property` or `record_xml_attribute`. And if the file is a device or a pipe, as in
`--junitxml=/dev/stdout`, it cannot be scanned afterwards.
"""

from collections.abc import Callable, Generator
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from _pytest.junitxml import xml_key

from keycheck.redaction.redactor import HIDDEN
from keycheck.report.model import RunReport

Clean = Callable[[str], str]


def add_verdict(config: pytest.Config, report: RunReport, exit_status: int) -> None:
    """Adds the verdict, the exit status and the causes, the likeliest first, to the properties of the test suite."""
    junit = config.stash.get(xml_key, None)
    if junit is not None:
        junit.add_global_property("verdict", report.verdict.value)
        junit.add_global_property("exitStatus", exit_status)
        junit.add_global_property("causes", ", ".join(found.cause for found in report.diagnosis))


class JunitTexts:
    """Cleans the texts that pytest's JUnit plugin has collected, immediately before it writes the file."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        junit: Any = session.config.stash.get(xml_key, None)
        if junit is not None:
            junit.suite_name = self._clean(junit.suite_name)
            junit.global_properties[:] = [tuple(map(self._clean, pair)) for pair in junit.global_properties]
            junit.node_reporters_ordered[:] = [
                _Finished(_cleaned(reporter.to_xml(), self._clean)) for reporter in junit.node_reporters_ordered
            ]
        return (yield)


class _Finished:
    """Stands in for a reporter of pytest's JUnit plugin: its `to_xml` returns an element that is cleaned already."""

    def __init__(self, element: Element) -> None:
        self._element = element

    def to_xml(self) -> Element:
        return self._element


def _cleaned(root: Element, clean: Clean) -> Element:
    for element in root.iter():
        element.text = element.text and clean(element.text)
        # The name of an attribute may hold a secret, too: record_xml_attribute takes any text.
        attributes = {_name(name, clean): clean(value) for name, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(attributes)
    return root


def _name(name: str, clean: Clean) -> str:
    """The name of an attribute; if it holds a secret, HIDDEN without its brackets, which XML forbids in names."""
    return name if clean(name) == name else HIDDEN.strip("[]")
