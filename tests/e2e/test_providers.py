"""Providers on the network, over real HTTPS: whatever they do, every WHATSAT has an answer that says what happened."""

import collections
import concurrent.futures
import gzip
import json
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

from support.client import ask_places_at_once, listens
from support.fake_places import Authority, FakeNewGoogle, FakeOverpass, FakePlaces, legacy_text, new_places, overpass_elements
from support.herd import IS_SANITIZED, wait_until

KEY = "AIzaVerySecret"
TIMEOUT_MS = 1000
LATITUDE, LONGITUDE = 34.06893, -118.445127


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def legacy(authority):
    with FakePlaces(authority=authority) as one:
        yield one


@pytest.fixture
def google(authority):
    with FakeNewGoogle(authority=authority) as one:
        yield one


@pytest.fixture
def overpass(authority):
    with FakeOverpass(authority=authority) as one:
        yield one


@pytest.fixture
def make_asked(make_herd, tmp_path, authority, legacy, google, overpass):
    """make_asked(providers) is a function that asks a herd with these providers: (text, JSON) of WHATSAT."""

    def make(*providers, gateways=("gateway",), workers=1, threads=2, **places):
        key_file = tmp_path / "key"
        key_file.write_text(KEY + "\n")
        herd = make_herd("Solo", gateways=gateways, workers=workers, threads=threads, logs={"traffic": True}, places={
            "providers": list(providers), "google_legacy_url": legacy.url, "google_url": google.url,
            "overpass_url": overpass.url + overpass.path, "google_key_file": str(key_file),
            "ca_file": str(authority.ca_file), "timeout_ms": TIMEOUT_MS, **places}).start()

        def connect():
            client = herd.connect("Solo")
            client.ask(b"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997")
            return client

        client = connect()

        def whatsat(bound=20, radius=10, client=client):
            return client.whatsat(b"kiwi.cs.ucla.edu", radius=radius, bound=bound)

        whatsat.herd = herd
        whatsat.connect = connect
        whatsat.worker = herd["places-1"]
        return whatsat

    return make


def failure_text(status, message):
    """The whole text of an answer without results."""
    return ('{\n   "error_message" : %s,\n   "html_attributions" : [],\n   "results" : [],\n   "status" : "%s"\n}'
            % (json.dumps(message, ensure_ascii=False), status))


def expect_failure(answer, status, says):
    assert answer.json["status"] == status
    assert says in answer.json["error_message"]
    assert answer.text.decode() == failure_text(status, answer.json["error_message"])


# ---- All of them ----

ALL = ["google-legacy", "google", "overpass"]


@pytest.fixture
def fakes(legacy, google, overpass):
    return {"google-legacy": legacy, "google": google, "overpass": overpass}


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("how, says", [
    ("hang", "did not answer within"), ("drip", "did not answer within"), ("cut", "broke off its answer"),
    ("close", "broke off its answer"), ("reset", "broke off its answer"), ("garbage", "broke off its answer"),
    ("huge", "answered more than")])
def test_bad_manners_are_an_unknown_error_in_time(make_asked, fakes, provider, how, says):
    whatsat = make_asked(provider)
    fakes[provider].misbehave(how)

    began = time.monotonic()
    answer = whatsat()
    expect_failure(answer, "UNKNOWN_ERROR", says)
    assert fakes[provider].url in answer.json["error_message"]
    assert time.monotonic() - began < 10 * TIMEOUT_MS / 1000


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize("body", ["", "<html>hello</html>", "[]", '{"results" : [', "[" * 100000, b'{"a":"\xff"}'],
                         ids=["nothing", "a page", "an array", "cut off", "deep", "no UTF-8"])
def test_what_is_no_answer_is_an_unknown_error(make_asked, fakes, provider, body):
    whatsat = make_asked(provider)
    fakes[provider].answer(body)

    expect_failure(whatsat(), "UNKNOWN_ERROR", "cut off")


@pytest.mark.parametrize("provider", ALL)
def test_a_certificate_of_an_unknown_authority_is_refused(make_asked, fakes, tmp_path, provider):
    (tmp_path / "other").mkdir()
    whatsat = make_asked(provider, ca_file=str(Authority(tmp_path / "other").ca_file))

    expect_failure(whatsat(), "UNKNOWN_ERROR", f"{fakes[provider].url}")
    assert "is not trusted: SSL certificate problem" in whatsat().json["error_message"]
    assert fakes[provider].requests == []


def test_a_certificate_of_another_host_is_refused(make_asked, authority, google):
    port = google.url.rsplit(":", 1)[1]
    whatsat = make_asked("google", google_url=f"https://localhost:{port}")

    expect_failure(whatsat(), "UNKNOWN_ERROR", f"https://localhost:{port} is not trusted: ")
    assert google.requests == []


@pytest.mark.parametrize("provider", ALL)
def test_compressed_answers_are_read_and_bombs_are_not(make_asked, fakes, provider):
    whatsat = make_asked(provider)
    body = {"google-legacy": legacy_text(["Packed"]), "google": new_places(["Packed"]),
            "overpass": overpass_elements((1, LATITUDE, LONGITUDE, {"name": "Packed", "shop": "books"}))}[provider]
    fakes[provider].answer(gzip.compress(body.encode()), Content_Encoding="gzip")
    assert whatsat().names == ["Packed"]

    fakes[provider].answer(gzip.compress(b" " * (64 << 20)), Content_Encoding="gzip")
    expect_failure(whatsat(bound=5), "UNKNOWN_ERROR", "answered more than")


def test_the_next_provider_steps_in_and_if_none_answers_each_is_heard(make_asked, google, overpass):
    whatsat = make_asked("google", "overpass")
    google.answer('{"error":{"code":429,"message":"Quota exceeded."}}', status=429)
    overpass.answer(overpass_elements((1, LATITUDE, LONGITUDE, {"name": "Café", "amenity": "cafe"})))
    assert whatsat().names == ["Café"]
    assert "error_message" not in whatsat().json

    overpass.answer("<html></html>", status=504)
    assert whatsat().text.decode() == failure_text(
        "OVER_QUERY_LIMIT", "google: OVER_QUERY_LIMIT (Quota exceeded.); "
        "overpass: UNKNOWN_ERROR (the Overpass server answered HTTP 504: it is too busy)")


def test_a_thousand_look_ups_at_once_are_all_answered(make_asked, legacy):
    whatsat = make_asked("google-legacy", workers=2, threads=64, timeout_ms=20000,
                         requests_per_second=100000, requests_per_day=10**9)
    legacy.delay(0.2)
    clients = [whatsat.connect() for _ in range(10)]

    seconds, answers = ask_places_at_once(clients, b"kiwi.cs.ucla.edu", 1000)

    print(f"{seconds:.2f} s")
    assert [answer.json["status"] for answer in answers] == ["OK"] * 1000
    assert len(legacy.requests) == 1000
    assert 64 < legacy.at_once_max <= 128
    if not IS_SANITIZED:
        assert max(worker.memory_bytes() for worker in whatsat.herd.workers.values()) < 128 << 20


# ---- Google's new API ----

def test_the_new_api_becomes_the_legacy_text(make_asked, google):
    whatsat = make_asked("google", google_fields=["rating"])
    google.answer(new_places(["Zürich <1>"]))

    assert whatsat(bound=5).text.decode() == """{
   "html_attributions" : [],
   "results" : 
   [
      {
         "geometry" : 
         {
            "location" : 
            {
               "lat" : -33.8587323,
               "lng" : 151.2100055
            }
         },
         "name" : "Zürich \\u003c1\\u003e",
         "place_id" : "fake-0",
         "rating" : 4.5,
         "reference" : "fake-0",
         "scope" : "GOOGLE",
         "types" : 
         [
            "cafe",
            "point_of_interest",
            "establishment"
         ]
      }
   ],
   "status" : "OK"
}"""
    asked = google.requests[0]
    assert (asked["method"], asked["key"], asked["type"]) == ("POST", KEY, "application/json")
    assert "places.rating" in asked["mask"] and "places.photos" not in asked["mask"]
    assert asked["body"] == {
        "maxResultCount": 5, "rankPreference": "POPULARITY",
        "locationRestriction": {"circle": {"center": {"latitude": LATITUDE, "longitude": LONGITUDE}, "radius": 10000}}}


def test_nothing_nearby_is_zero_results(make_asked, google):
    whatsat = make_asked("google")
    google.answer("{}")

    assert whatsat().text.decode() == (
        '{\n   "html_attributions" : [],\n   "results" : [],\n   "status" : "ZERO_RESULTS"\n}')


def google_error(code, message, *reasons):
    return json.dumps({"error": {"code": code, "message": message, "status": "X",
                                 "details": [{"@type": "ErrorInfo", "reason": reason} for reason in reasons]}})


GOOGLE_FAILURES = {
    "bad key": (400, google_error(400, "API key not valid.", "API_KEY_INVALID"), "REQUEST_DENIED", "API key not valid."),
    "no mask": (400, google_error(400, "FieldMask is a required parameter."), "INVALID_REQUEST",
                "FieldMask is a required parameter."),
    "disabled": (403, google_error(403, "Places API (New) is disabled.", "SERVICE_DISABLED"), "REQUEST_DENIED",
                 "Places API (New) is disabled."),
    "quota": (429, google_error(429, "Quota exceeded <now>."), "OVER_QUERY_LIMIT", "Quota exceeded <now>."),
    "fault": (500, google_error(500, "Internal error."), "UNKNOWN_ERROR", "Internal error."),
    "page": (503, "<html>busy</html>", "UNKNOWN_ERROR", "Google answered HTTP 503: its service has a fault"),
    "redirect": (302, "", "UNKNOWN_ERROR", "Google answered HTTP 302: google_url may not be the address of its service"),
}


@pytest.mark.parametrize("code, body, status, message", GOOGLE_FAILURES.values(), ids=GOOGLE_FAILURES)
def test_googles_errors_are_said_in_legacy_terms(make_asked, google, code, body, status, message):
    whatsat = make_asked("google")
    google.answer(body, status=code)

    wanted = failure_text(status, message).replace("<", "\\u003c").replace(">", "\\u003e")
    assert whatsat().text.decode() == wanted


def test_the_key_shows_nowhere(make_asked, google):
    whatsat = make_asked("google")
    whatsat()
    google.misbehave("cut")
    whatsat()
    google.answer(google_error(403, f"The key {KEY} is not allowed."), status=403)
    whatsat()
    google.answer(new_places([KEY]))
    answer = whatsat()

    worker = whatsat.worker
    command = pathlib.Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    pages = worker.metrics() + json.dumps(worker.status())
    seen = answer.text + command + worker.log() + worker.stderr().encode() + pages.encode()
    assert KEY.encode() not in seen
    assert len(google.requests) == 4


@pytest.fixture
def http2_front(authority, google, tmp_path):
    """The url of nghttpx, which speaks HTTP/2 and passes on to the fake."""
    certificate, key = authority.certificate_for("127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host, back = google.url.removeprefix("https://").split(":")
    process = subprocess.Popen(
        [shutil.which("nghttpx") or "/usr/sbin/nghttpx", "--workers=1", f"--frontend=127.0.0.1,{port}",
         f"--backend={host},{back};;tls;sni=127.0.0.1", f"--cacert={authority.ca_file}", "--conf=/dev/null",
         "--insecure", f"--errorlog-file={tmp_path}/nghttpx.log", str(key), str(certificate)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def serves():
        assert process.poll() is None, (tmp_path / "nghttpx.log").read_text()
        return listens(("127.0.0.1", port))

    wait_until(serves, "nghttpx listens")
    yield f"https://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def test_http_2_is_spoken_where_the_provider_does(make_asked, google, http2_front):
    whatsat = make_asked("google", google_url=http2_front)

    assert whatsat().names == ["Cruise Bar", "Zürich <1>", "Third"]
    assert google.requests[0]["via"].startswith("2 ")
    google.misbehave("close")
    assert whatsat().json["status"] == "UNKNOWN_ERROR"


# ---- Overpass ----

def cafe(number, metres_north):
    return (number, LATITUDE + metres_north / 111195, LONGITUDE, {"name": f"Café {number}", "amenity": "cafe"})


def test_circles_grow_until_there_are_enough_and_the_nearest_come_first(make_asked, overpass):
    whatsat = make_asked("overpass")
    near = [cafe(1, 2500), cafe(2, 200), cafe(3, 700), cafe(4, 2000), cafe(5, 9000)]
    overpass.answer_by(lambda question: overpass_elements(
        *(one for one in near if (one[1] - LATITUDE) * 111195 < question["radius"])))

    assert whatsat(bound=3).names == ["Café 2", "Café 3", "Café 4"]
    assert [one["radius"] for one in overpass.requests] == [300, 1000, 3000]
    assert whatsat(bound=20).names == ["Café 2", "Café 3", "Café 4", "Café 1", "Café 5"]
    assert [one["radius"] for one in overpass.requests][3:] == [300, 1000, 3000, 10000]
    assert all(one["method"] == "POST" and one["agent"].startswith("herd-") for one in overpass.requests)


def test_in_a_dense_place_circles_shrink_until_the_nearest_are_known(make_asked, overpass):
    whatsat = make_asked("overpass")
    crowd = [cafe(number, number / 2) for number in range(1, 2001)]
    overpass.answer_by(lambda question: overpass_elements(  # of too many, the farthest
        *[one for one in crowd if (one[1] - LATITUDE) * 111195 < question["radius"]][-400:]))

    assert whatsat(bound=3).names == ["Café 1", "Café 2", "Café 3"]
    assert [one["radius"] for one in overpass.requests] == [300, 100]


def test_places_of_openstreetmap_have_their_credit_and_address(make_asked, overpass):
    whatsat = make_asked("overpass")
    overpass.answer(overpass_elements((7, LATITUDE, LONGITUDE, {
        "name": "Zürich <1>", "shop": "books", "addr:street": "Broxton Avenue", "addr:housenumber": "1099",
        "addr:city": "Los Angeles", "addr:state": "CA"})))

    answer = whatsat(bound=1).json
    assert answer["html_attributions"] == [
        '© <a href="https://www.openstreetmap.org/copyright">OpenStreetMap contributors</a> (ODbL)']
    assert answer["results"] == [{
        "geometry": {"location": {"lat": LATITUDE, "lng": LONGITUDE}},
        "name": "Zürich <1>", "place_id": "osm:node/7", "reference": "osm:node/7",
        "plus_code": {"global_code": "85633H93+HW"},
        "types": ["book_store", "store", "point_of_interest", "establishment"],
        "vicinity": "1099 Broxton Avenue, Los Angeles"}]


OVERPASS_FAILURES = {
    "too often": (429, "<html><body>rate_limited</body></html>", "OVER_QUERY_LIMIT",
                  "the Overpass server answered HTTP 429: it was asked too often"),
    "busy": (504, "<html><body>timeout</body></html>", "UNKNOWN_ERROR",
             "the Overpass server answered HTTP 504: it is too busy"),
    "bad query": (400, "<html><body>parse error</body></html>", "INVALID_REQUEST",
                  "the Overpass server answered HTTP 400: it does not understand the query"),
    "no agent": (406, "", "REQUEST_DENIED", "the Overpass server answered HTTP 406: it does not serve this program"),
    "a page": (200, "<html><body>runtime error</body></html>", "UNKNOWN_ERROR",
               "the Overpass server's answer is not data: it is a page or was cut off, or something else answers at "
               "overpass_url"),
    "a remark": (200, overpass_elements(remark="runtime error: Query timed out in \"query\" at line 3."), "UNKNOWN_ERROR",
                 "the Overpass server did not finish: runtime error: Query timed out in \"query\" at line 3."),
}


@pytest.mark.parametrize("code, body, status, message", OVERPASS_FAILURES.values(), ids=OVERPASS_FAILURES)
def test_failures_of_overpass_are_never_no_places(make_asked, overpass, code, body, status, message):
    whatsat = make_asked("overpass")
    overpass.answer(body, status=code)

    assert whatsat().text.decode() == failure_text(status, message)


def test_after_a_429_overpass_is_left_alone_and_others_answer(make_asked, overpass):
    whatsat = make_asked("overpass", "embedded")
    overpass.answer("<html></html>", status=429)
    whatsat()
    overpass.answer(overpass_elements(cafe(1, 10)))

    assert "Westwood" in whatsat().names
    assert len(overpass.requests) == 1


def ask_all_at_once(whatsat, clients):
    """No two of these look-ups are the same."""
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(lambda one: whatsat(bound=1, radius=1 + clients.index(one), client=one), clients))


def asked_by(whatsat):
    """How many look-ups each worker has brought before its first provider."""
    return [worker.status()["providers"][0]["asked"] for worker in whatsat.herd.workers.values()]


def test_overpass_is_asked_one_thing_at_a_time_by_all_workers_together(make_asked, overpass):
    whatsat = make_asked("overpass", workers=2, threads=4, timeout_ms=20000)
    overpass.answer(overpass_elements(cafe(1, 10)))
    overpass.delay(0.02)
    answers = ask_all_at_once(whatsat, [whatsat.connect() for _ in range(24)])

    assert all(answer.names == ["Café 1"] for answer in answers)
    assert overpass.at_once_max == 1
    assert min(asked_by(whatsat)) >= 8
    assert overpass.turn_file.exists()  # else nobody deletes it


def test_a_worker_that_is_killed_while_it_asks_overpass_is_not_waited_for(make_asked, overpass):
    whatsat = make_asked("overpass", workers=2, timeout_ms=20000)
    clients = [whatsat.connect() for _ in range(2)]
    workers = whatsat.herd.workers.values()
    overpass.misbehave("hang")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(whatsat, client=clients[0])
        wait_until(lambda: overpass.requests, "one asks")
        owner = next(worker for worker in workers if worker.status()["in_hand"])
        second = pool.submit(whatsat, radius=9, client=clients[1])
        wait_until(lambda: all(worker.status()["in_hand"] for worker in workers), "the other one waits for its turn")
        overpass.answer(overpass_elements(cafe(1, 10)))
        owner.kill()

        assert first.result().names == second.result().names == ["Café 1"]


def test_when_one_worker_is_told_that_it_is_too_much_all_leave_overpass_alone(make_asked, overpass):
    whatsat = make_asked("overpass", "embedded", workers=2, threads=4, timeout_ms=20000)
    overpass.answer("<html></html>", status=429)
    overpass.delay(0.2)  # the others wait for their turn
    clients = [whatsat.connect() for _ in range(8)]
    ask_all_at_once(whatsat, clients)
    assert len(overpass.requests) == 1
    assert min(asked_by(whatsat)) > 0

    for worker in whatsat.herd.workers.values():  # and so does one that was not there
        worker.restart().wait_ready()
    wait_until(whatsat.herd.is_linked, "the gateway knows them again")
    began = time.monotonic()
    assert "Westwood" in whatsat().names
    assert time.monotonic() - began < 5  # nobody waits for the end of the rest
    assert len(overpass.requests) == 1


# ---- Joining, keeping, limits ----

def test_look_ups_that_are_the_same_share_an_answer(make_asked, legacy):
    whatsat = make_asked("google-legacy", threads=8, timeout_ms=10000)
    legacy.answer(legacy_text(["Shared"]), Cache_Control="public, max-age=300")
    legacy.delay(0.1)
    clients = [whatsat.connect() for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: whatsat(client=one), clients))

    assert all(answer.text.decode() == legacy_text(["Shared"]).rstrip("\n") for answer in answers)
    assert len(legacy.requests) == 1
    status = whatsat.worker.status()
    assert status["in_hand"] == 0
    provider = status["providers"][0]
    at_gateway = whatsat.herd["gateway"].status()["lookups"]  # one that asks later is answered there
    assert (status["asked"] + at_gateway["cached"], provider["asked"]) == (8, 1)
    assert provider["cached"] + provider["joined"] == status["asked"] - 1
    assert status["cache"]["answers"] == at_gateway["cache_answers"] == 1
    assert re.search(r'^herd_places_cached_total\{provider="google-legacy"\} \d', whatsat.worker.metrics(), re.M)


def cached_over_the_herd(herd):
    """What the sum of places-worker/README.md is without rate(): {provider: kept answers}, of all gateways and workers."""
    cached = collections.Counter()
    for process in [*herd.gateways.values(), *herd.workers.values()]:
        for labels, value in re.findall(
                r"^(?:herd_places_cached_total|herd_gateway_lookups_cached_total)\{(.*)\} (\d+)$", process.metrics(), re.M):
            cached[re.search(r'provider="([^"]*)"', labels)[1]] += int(value)
    return +cached


def test_each_kept_answer_is_counted_once_for_its_provider(make_asked, legacy):
    whatsat = make_asked("google-legacy", "embedded", gateways=("gateway", "other"))
    legacy.answer(legacy_text(["First"]), Cache_Control="max-age=300")
    client = whatsat.herd.connect("Solo", "other")
    answers = [whatsat(), whatsat(), whatsat(client=client), whatsat(client=client), whatsat(client=client)]
    assert [answer.names for answer in answers] == [["First"]] * 5

    status = whatsat.worker.status()
    assert [(one["provider"], one["asked"], one["cached"]) for one in status["providers"]] == [
        ("google-legacy", 1, 1), ("embedded", 0, 0)]
    assert status["by_status"] == {"OK": 2}
    for gateway, count in {"gateway": 1, "other": 2}.items():
        lookups = whatsat.herd[gateway].status()["lookups"]
        assert (lookups["answered"], lookups["cached"]) == (1, count)
        assert [one for one in lookups["providers"] if one["cached"]] == [
            {"provider": "google-legacy", "cached": count, "by_status": {"OK": count}}]
    assert cached_over_the_herd(whatsat.herd) == {"google-legacy": 4}


@pytest.mark.parametrize("control, is_kept", [
    ("public, max-age=300", True), ("max-age=300, private", False), ("no-store", False), (None, False)])
def test_answers_of_googles_are_kept_only_if_google_says_so(make_asked, legacy, control, is_kept):
    whatsat = make_asked("google-legacy")
    legacy.answer(legacy_text(["First"]), **({"Cache_Control": control} if control else {}))
    whatsat()
    legacy.answer(legacy_text(["Second"]))

    assert whatsat().names == (["First"] if is_kept else ["Second"])
    assert whatsat(bound=19).names == ["Second"]


def test_a_refusal_is_not_kept_whatever_google_says(make_asked, legacy):
    whatsat = make_asked("google-legacy")
    legacy.answer(legacy_text([], "OVER_QUERY_LIMIT"), Cache_Control="max-age=300")
    assert whatsat().json["status"] == "OVER_QUERY_LIMIT"
    legacy.answer(legacy_text(["Again"]))

    assert whatsat().names == ["Again"]


def test_another_gateway_gets_what_a_worker_has_kept(make_asked, legacy):
    whatsat = make_asked("google-legacy", gateways=("gateway", "other"))
    legacy.answer(legacy_text(["First"]), Cache_Control="max-age=300")
    whatsat()
    client = whatsat.herd.connect("Solo", "other")

    assert whatsat(client=client).names == whatsat(client=client).names == ["First"]
    assert len(legacy.requests) == 1
    assert whatsat.worker.status()["providers"][0]["cached"] == 1
    assert whatsat.herd["other"].status()["lookups"]["cached"] == 1


def test_no_gateway_keeps_an_answer_longer_than_its_worker_may(make_asked, legacy):
    whatsat = make_asked("google-legacy")
    legacy.answer(legacy_text(["First"]), Cache_Control="max-age=1")
    whatsat()
    legacy.answer(legacy_text(["Second"]))

    wait_until(lambda: whatsat().names == ["Second"], "the first answer is forgotten", deadline_s=5)
    assert len(legacy.requests) == 2


def test_the_topology_can_forbid_keeping(make_asked, legacy):
    whatsat = make_asked("google-legacy", cache_seconds=0)
    legacy.answer(legacy_text(["First"]), Cache_Control="max-age=300")
    whatsat()
    legacy.answer(legacy_text(["Second"]))

    assert whatsat().names == ["Second"]


def test_what_a_stand_in_says_is_not_kept(make_asked, google):
    whatsat = make_asked("google", "embedded")
    google.misbehave("close")
    assert "Westwood" in whatsat().names
    google.answer(new_places(["Back"]))

    assert whatsat().names == ["Back"]


def test_a_grid_makes_neighbours_ask_the_same(make_asked, legacy):
    whatsat = make_asked("google-legacy", grid_m=1000)
    legacy.answer(legacy_text(["Shared"]), Cache_Control="max-age=300")
    whatsat()
    latitude, longitude = map(float, legacy.requests[0]["location"].split(","))
    client = whatsat.herd.connect("Solo")
    client.ask(b"IAMAT beside %+.6f%+.6f 1520023934.9" % (latitude + 0.001, longitude + 0.001))

    assert client.whatsat(b"beside").names == ["Shared"]
    assert len(legacy.requests) == 1
    assert abs(latitude - LATITUDE) < 0.005 and abs(longitude - LONGITUDE) < 0.006


def test_over_the_limit_of_a_second_the_answer_is_there_at_once(make_asked, google):
    whatsat = make_asked("google", requests_per_second=1, requests_per_day=1000)
    whatsat()
    answers = [whatsat().text.decode() for _ in range(10)]

    assert failure_text("OVER_QUERY_LIMIT", "this herd asks it at most 1 times a second "
                        "(places.requests_per_second)") in answers


def test_over_the_limit_of_a_day_the_next_provider_answers(make_asked, google):
    whatsat = make_asked("google", "embedded", requests_per_day=2)

    assert [("Westwood" in whatsat().names) for _ in range(4)] == [False, False, True, True]
    assert len(google.requests) == 2


def test_the_limit_of_a_day_is_that_of_all_workers_together(make_asked, google):
    whatsat = make_asked("google", workers=3, requests_per_day=10, requests_per_second=1000)
    for worker in whatsat.herd.workers:
        wait_until(lambda one=worker: whatsat.herd[one].is_ready(), f"{worker} is ready")
    statuses = [whatsat().json["status"] for _ in range(40)]

    assert len(google.requests) == statuses.count("OK") == 10
    assert statuses.count("OVER_QUERY_LIMIT") == 30
    asked = sorted(whatsat.herd[worker].status()["providers"][0]["by_status"]["OK"] for worker in whatsat.herd.workers)
    assert asked == [3, 3, 4]


# ---- Workers that come and go ----

def describe_absent_worker(herd, name):
    """One that is in the file and never runs."""
    host = herd["Solo"].admin.rsplit(":", 1)[0]
    workers = herd.topology["places"]["workers"]
    workers[name] = {"requests": f"tcp://{host}:{9000 + len(workers)}"}
    herd.write_topology()


def test_what_a_removed_worker_is_doing_it_finishes_and_the_provider_is_not_asked_twice(make_asked, legacy):
    whatsat = make_asked("google-legacy", workers=2, cache_seconds=0)
    herd = whatsat.herd
    legacy.delay(0.5)
    with whatsat.connect() as client:
        for bound in (1, 2, 3, 4):
            client.send(b"WHATSAT kiwi.cs.ucla.edu 10 %d\n" % bound)
        wait_until(lambda: len(legacy.requests) == 4, "all are on their way")
        herd.remove_worker("places-1")
        herd.reload("gateway")
        assert herd["gateway"].status()["lookups"]["leaving"] == 2

        assert [client.read_places().json["status"] for _ in range(4)] == ["OK"] * 4

    assert len(legacy.requests) == 4
    assert herd["gateway"].status()["lookups"]["leaving"] == 0
    assert herd["gateway"].status()["lookups"]["repeated"] == 0


def test_limits_are_divided_anew_when_workers_come_and_nothing_is_gained_when_they_go(make_asked, google):
    whatsat = make_asked("google", requests_per_day=10, requests_per_second=1000, cache_seconds=0)
    describe_absent_worker(whatsat.herd, "places-2")
    whatsat.herd.reload()

    assert [whatsat().json["status"] for _ in range(10)].count("OK") == 5
    del whatsat.herd.topology["places"]["workers"]["places-2"]
    whatsat.herd.write_topology()
    whatsat.herd.reload()

    assert whatsat().json["status"] == "OVER_QUERY_LIMIT"  # until tomorrow: the other may have asked
    assert len(google.requests) == 5


def test_of_a_second_a_worker_has_its_new_part_at_once(make_asked, google):
    whatsat = make_asked("google", requests_per_day=100000, requests_per_second=20, cache_seconds=0)
    assert "OVER_QUERY_LIMIT" not in [whatsat().json["status"] for _ in range(10)]
    for number in range(2, 64):
        describe_absent_worker(whatsat.herd, f"places-{number}")
    whatsat.herd.reload()
    began = time.monotonic()

    wait_until(lambda: whatsat().json["status"] == "OK", "its turn comes")
    wait_until(lambda: whatsat().json["status"] == "OK", "its turn comes")

    assert time.monotonic() - began > 63 / 20  # the time between two requests
