"""Fixtures of the end-to-end tests: herds that end with their test, and their logs where a test failed."""

import os
import random

import pytest

from support.herd import BUILD, Herd
from support.topology import make_topology


def pytest_configure():
    missing = [name for name in ("gateway", "herd-node", "places-worker") if not os.access(BUILD / "bin" / name, os.X_OK)]
    if missing:
        raise pytest.UsageError(f"{BUILD}/bin lacks {', '.join(missing)}: build first, as tests/run does")


def pytest_report_header():
    return f"processes: {BUILD}"


@pytest.fixture
def seeded():
    """Random choices that HERD_SEED replays."""
    return random.Random(int(os.environ.get("HERD_SEED", "1")))


_living = []


def _make_herds(tmp_path_factory):
    made = []

    def make(*args, **options):
        herd = Herd(tmp_path_factory.mktemp("herd"), make_topology(*args, **options))
        made.append(herd)
        _living.append(herd)
        return herd

    yield make
    wrong = []
    for herd in made:
        _living.remove(herd)
        try:
            herd.stop()
        except AssertionError as complaint:
            wrong.append(str(complaint))
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def make_herd(tmp_path_factory):
    """make_herd(graph, ...) is a herd that is not started yet; it ends with the test."""
    yield from _make_herds(tmp_path_factory)


@pytest.fixture(scope="module")
def make_lasting_herd(tmp_path_factory):
    """The same for all tests of a file."""
    yield from _make_herds(tmp_path_factory)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for herd in _living:
            for name, text in herd.last_words():
                report.sections.append((f"end of {name}", text))
