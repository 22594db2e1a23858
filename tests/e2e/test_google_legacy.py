"""Google's legacy service as the provider: its bytes pass through, and whatever it does, every WHATSAT is answered."""

import json
import pathlib
import time

import pytest

from support.fake_places import FakePlaces, legacy_text, legacy_text_of_old

KEY = "AIzaVerySecret"
TIMEOUT_MS = 1000


@pytest.fixture
def fake():
    with FakePlaces() as one:
        yield one


@pytest.fixture
def make_asked(make_herd, tmp_path, fake):
    """make_asked(providers) is a function that asks a herd with these providers: (text, JSON) of WHATSAT."""

    def make(*providers, **places):
        key_file = tmp_path / "key"
        key_file.write_text(KEY + "\n")
        herd = make_herd("Solo", workers=1, logs={"traffic": True}, places={
            "providers": list(providers), "google_legacy_url": fake.url, "google_key_file": str(key_file),
            "timeout_ms": TIMEOUT_MS, **places}).start()
        client = herd.connect("Solo")
        client.ask(b"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997")

        def whatsat(bound=20):
            return client.whatsat(b"kiwi.cs.ucla.edu", bound=bound)

        whatsat.herd = herd
        return whatsat

    return make


def test_the_text_is_googles_but_for_the_last_newline(make_asked, fake):
    whatsat = make_asked("google-legacy")

    assert whatsat().text.decode() == legacy_text(["Cruise Bar", "Zürich <1>", "Third"]).rstrip("\n")
    assert fake.requests == [{"location": "34.06893,-118.445127", "radius": "10000", "key": KEY}]


@pytest.mark.parametrize("form", [legacy_text, legacy_text_of_old])
@pytest.mark.parametrize("bound", [0, 1, 2, 3, 20])
def test_results_are_cut_to_the_bound_and_keep_their_bytes(make_asked, fake, form, bound):
    whatsat = make_asked("google-legacy")
    names = ["One", "Two \" ]}", "Three"]
    fake.answer(form(names))

    assert whatsat(bound=bound).text.decode() == form(names[:bound]).rstrip("\n")


def test_blank_lines_within_the_text_become_single_newlines(make_asked, fake):
    whatsat = make_asked("google-legacy")
    fake.answer('{\n\n\n   "results" : [\n\n      "a\\n\\nb"\n   ],\n"status" : "OK"\n}\n\n\n')

    assert whatsat().text == b'{\n   "results" : [\n      "a\\n\\nb"\n   ],\n"status" : "OK"\n}'


def test_nothing_nearby_is_zero_results(make_asked, fake):
    whatsat = make_asked("google-legacy")
    fake.answer(legacy_text([], "ZERO_RESULTS"))

    assert whatsat().json == {"html_attributions": [], "results": [], "status": "ZERO_RESULTS"}


def test_a_refusal_passes_through_in_googles_words(make_asked, fake):
    whatsat = make_asked("google-legacy")
    refusal = legacy_text([], "REQUEST_DENIED", error_message="You're calling a legacy API, which is not enabled.")
    fake.answer(refusal)

    assert whatsat().text.decode() == refusal.rstrip("\n")


@pytest.mark.parametrize("code, status", [
    (403, "REQUEST_DENIED"), (429, "OVER_QUERY_LIMIT"), (400, "INVALID_REQUEST"), (500, "UNKNOWN_ERROR"),
    (302, "UNKNOWN_ERROR")])
def test_http_errors_are_said_in_googles_terms(make_asked, fake, code, status):
    whatsat = make_asked("google-legacy")
    fake.answer("<html>no</html>", status=code)

    answer = whatsat().json
    assert answer["status"] == status and answer["results"] == []
    assert f"HTTP {code}" in answer["error_message"]


NO_NEARBY_SEARCH = {
    "nothing": "",
    "a page": "<html>hello</html>",
    "an array": "[]",
    "no results": '{"status" : "OK"}',
    "cut off": '{"results" : [',
    "deep": '{"results" : ' + "[" * 1000000 + "]" * 1000000 + "}",
    "more behind it": '{"results" : [] , "status" : "OK"} and more',
    "no UTF-8": b'{"results" : ["\xff"]}',
}


@pytest.mark.parametrize("body", NO_NEARBY_SEARCH.values(), ids=NO_NEARBY_SEARCH)
def test_what_is_no_nearby_search_is_an_unknown_error(make_asked, fake, body):
    whatsat = make_asked("google-legacy")
    fake.answer(body)

    answer = whatsat().json
    assert answer["status"] == "UNKNOWN_ERROR" and answer["results"] == [] and answer["error_message"]


@pytest.mark.parametrize("how, says", [
    ("hang", "did not answer within"), ("drip", "did not answer within"), ("cut", "broke off its answer"),
    ("close", "broke off its answer"), ("reset", "broke off its answer"), ("garbage", "broke off its answer"),
    ("huge", "more than")])
def test_bad_manners_are_an_unknown_error_in_time(make_asked, fake, how, says):
    whatsat = make_asked("google-legacy")
    fake.misbehave(how)

    began = time.monotonic()
    answer = whatsat().json
    assert answer["status"] == "UNKNOWN_ERROR" and answer["results"] == []
    assert fake.url in answer["error_message"] and says in answer["error_message"]
    assert time.monotonic() - began < 10 * TIMEOUT_MS / 1000

    fake.answer(legacy_text(["Back"]))
    assert whatsat().names == ["Back"]


@pytest.mark.parametrize("how", ["hang", "cut", "garbage"])
def test_the_embedded_places_step_in_and_the_client_learns_nothing_of_it(make_asked, fake, how):
    whatsat = make_asked("google-legacy", "embedded")
    fake.misbehave(how)

    answer = whatsat()
    assert answer.json["status"] == "OK" and "error_message" not in answer.json
    assert "Westwood" in answer.names


def test_the_key_shows_nowhere(make_asked, fake):
    whatsat = make_asked("google-legacy")
    whatsat()
    fake.misbehave("cut")
    whatsat()
    fake.answer(f'{{"results" : ["{KEY}"], "status" : "OK"}}')
    answers = whatsat().text

    worker = whatsat.herd["places-1"]
    command = pathlib.Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    pages = worker.metrics() + json.dumps(worker.status())
    seen = answers + command + worker.log() + worker.stderr().encode() + pages.encode()
    assert KEY.encode() not in seen
    assert worker.status()["providers"][0]["asked"] == 3
