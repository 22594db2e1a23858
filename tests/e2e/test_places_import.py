"""places-import adds all of a file or nothing, says what it left out, and workers that run find the places at once."""

import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess

import pytest

from support.herd import BUILD, wait_until

SHIPPED = BUILD / "share" / "places.sqlite"
OSM_CREDIT = "OpenStreetMap contributors"
NOWHERE = "+00.500000-030.250000"  # in the middle of the Atlantic: only what is imported is there


def feature(number, name="Caf\u00e9 Meer", kind=("amenity", "cafe"), latitude=0.5, longitude=-30.25, **tags):
    return {"type": "Feature", "id": f"n{number}", "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
            "properties": {"name": name, kind[0]: kind[1], **tags}}


def sequence(*features):
    return "".join(f"\x1e{json.dumps(one)}\n" for one in features)


def overpass(*elements, **more):
    return json.dumps({"version": 0.6, "elements": elements, **more}, indent=1)


def geonames(number, name, latitude="0.5", code=("P", "PPL"), population="0"):
    return f"{number}\t{name}\t{name}\t\t{latitude}\t-30.25\t{code[0]}\t{code[1]}\tXX\t\t\t\t\t\t{population}\t\t0\t\t2023-01-01\n"


def command(database, *options):
    return [BUILD / "bin" / "places-import", "--database", database, *options]


def load(database, text, *options):
    return subprocess.run(command(database, *options, "-"), input=text.encode(), capture_output=True, timeout=60)


def places_in(database):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return sorted(connection.execute(
            "SELECT source.name || ':' || id, place.name, kind.types, vicinity FROM place"
            " JOIN kind ON kind.number = kind JOIN source ON source.number = source"))


@pytest.fixture
def database(tmp_path):
    return tmp_path / "places.sqlite"


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_text_sequence_is_loaded_and_told(database):
    text = sequence(feature(1, **{"addr:street": "Gasse", "addr:housenumber": "3", "addr:city": "Stadt"}),
                    feature(2, kind=("amenity", "bench")), {"type": "Feature", "id": "n3", "geometry": None, "properties": {}},
                    feature(4, latitude=95)) + "\x1enonsense\n" + sequence(feature(5, "Strand"))

    done = load(database, text)

    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("the input: 6 read as geojsonseq in ") and lines[0].endswith(" s, 2 taken")
    assert lines[1:] == [
        "  skipped 1 without a name; the first: feature 3",
        '  skipped 1 of no kind that people look for; the first: feature 2, "Café Meer"',
        '  skipped 1 without a position on the Earth; the first: feature 4, "Café Meer"',
        "  skipped 1 malformed; the first: feature 5",
        f"{database}: 2 new, 0 replaced, 0 as they were, 0 given more than once, 0 known by another id",
    ]
    types = "cafe food store point_of_interest establishment"
    assert places_in(database) == [("osm:node/1", "Café Meer", types, "Gasse 3, Stadt"), ("osm:node/5", "Strand", types, "")]
    assert files_in(database.parent) == ["places.sqlite"]


def test_the_other_formats_are_told_by_their_content(database):
    assert load(database, json.dumps(feature(1)) + "\n" + json.dumps(feature(2, "Zwei"))).returncode == 0
    assert load(database, overpass({"type": "way", "id": 3, "center": {"lat": 0.5, "lon": -30.25},
                                    "tags": {"name": "Buch", "shop": "books"}})).returncode == 0
    assert load(database, geonames(4, "Atlantis", population="77") + geonames(5, "Strom", code=("H", "STM"))).returncode == 0

    assert [(id, name) for id, name, _, _ in places_in(database)] == [
        ("geonames:4", "Atlantis"), ("osm:node/1", "Café Meer"), ("osm:node/2", "Zwei"), ("osm:way/3", "Buch")]


def test_the_same_file_twice_changes_nothing(database):
    text = sequence(feature(1), feature(2, "Zwei"))
    assert load(database, text).returncode == 0
    before = os.stat(database)

    done = load(database, text)

    assert done.stdout.decode().splitlines()[-1] == (
        f"{database}: 0 new, 0 replaced, 2 as they were, 0 given more than once, 0 known by another id")
    after = os.stat(database)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_is_there_by_another_id_is_left_out_each_time(database):
    shutil.copy(SHIPPED, database)
    text = sequence(feature(1), {**feature(2), "id": "w2"},  # a caf\u00e9 as a point and as a shape
                    feature(3, "Vaduz (Bahnhof)", ("railway", "halt"), latitude=47.1683, longitude=9.5078))

    assert load(database, text).stdout.decode().splitlines()[-1] == (
        f"{database}: 1 new, 0 replaced, 0 as they were, 0 given more than once, 2 known by another id")
    assert load(database, text).stdout.decode().splitlines()[-1] == (
        f"{database}: 0 new, 0 replaced, 1 as they were, 0 given more than once, 2 known by another id")


def test_what_changed_is_replaced_and_the_rest_stays(database):
    assert load(database, sequence(feature(1), feature(2, "Zwei"))).returncode == 0

    done = load(database, sequence(feature(2, "Two"), feature(3, "Drei")))

    assert done.stdout.decode().splitlines()[-1] == (
        f"{database}: 1 new, 1 replaced, 0 as they were, 0 given more than once, 0 known by another id")
    assert [name for _, name, _, _ in places_in(database)] == ["Café Meer", "Two", "Drei"]


def test_a_source_of_its_own_needs_a_credit(database):
    text = sequence(feature(1))
    done = load(database, text, "--source", "harbour")
    assert done.returncode == 1
    assert "say with --credit" in done.stderr.decode()
    assert not database.exists()

    assert load(database, text, "--source", "harbour", "--credit", "<b>Harbour</b>").returncode == 0
    assert places_in(database)[0][0] == "harbour:node/1"


@pytest.mark.parametrize("text, options, cause", [
    ("", [], "the input is empty"),
    ("<html>busy</html>", [], "the input is XML or HTML, not a file of places"),
    ("\0\0\0\r\n\tOSMHeader\x18|", [], "the input is OpenStreetMap's PBF; write it as a sequence (osmium export -f geojsonseq"),
    ("hello\n", [], "the input is none of geojsonseq, overpass, geonames"),
    ('{"type":"FeatureCollection","features":[]}', [], "the input is one GeoJSON object"),
    (geonames(1, "Atlantis"), ["--format", "overpass"], "the input is not overpass but geonames"),
    (sequence(feature(1)), ["--format", "shapefile"], "--format is one of geojsonseq, overpass, geonames; not 'shapefile'"),
    (sequence(feature(1)), ["--source", "Two Words"], "--source is a name of a-z, 0-9, _ and -, not 'Two Words'"),
    (sequence(feature(1)), ["--credit", "x" * 1024], "--credit is longer than 1023 bytes"),
    (sequence(feature(1, "")), [], "the input has no place that could be used"),
    (sequence(feature(1)) + sequence(feature(2))[:60], [], "the input ends in the middle of a thing: it is cut off"),
    (overpass(remark="runtime error: Query timed out"), [], "the input is incomplete: Overpass remarks an error"),
    (overpass({"type": "node", "id": 1, "lat": 0, "lon": 0, "tags": {"name": "A", "shop": "books"}})[:-9], [],
     "the input ends in its middle"),
], ids=["nothing", "html", "pbf", "text", "one object", "another format", "no such format", "no such source", "a long credit", "nothing usable",
        "cut off", "a remark", "half a document"])
def test_what_cannot_be_used_is_told_and_leaves_what_was_there(database, text, options, cause):
    assert load(database, sequence(feature(9, "Old"))).returncode == 0

    done = load(database, text, *options)

    assert done.returncode == 1
    assert done.stderr.decode().startswith(f"places-import: {cause}")
    assert done.stderr.decode().endswith("; the database is as it was\n")
    assert [name for _, name, _, _ in places_in(database)] == ["Old"]
    assert files_in(database.parent) == ["places.sqlite"]


def test_a_file_that_is_not_there_is_told(database, tmp_path):
    done = subprocess.run(command(database, tmp_path / "nothing"), capture_output=True, timeout=60)
    assert done.returncode == 1
    assert f"{tmp_path}/nothing No such file" in done.stderr.decode()


def test_a_terminal_sees_how_far_it_is(database):
    ours, terminal = pty.openpty()
    popen = subprocess.Popen(command(database, "-"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    popen.stdin.write(PLENTY.encode())
    popen.stdin.flush()

    seen = b""
    while b" taken" not in seen:
        seen += os.read(ours, 4096)
    popen.stdin.close()

    assert popen.wait(timeout=20) == 0
    os.close(ours)
    assert re.search(rb"\rplaces-import: \d+\.\d MB read, \d+ of \d+ taken", seen)


class Import:
    """One that has read the first of its input and waits for more."""

    def __init__(self, database, text):
        self.popen = subprocess.Popen(command(database, "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()
        copy = database.with_name(database.name + ".new")
        wait_until(lambda: copy.exists() and copy.stat().st_size > 0, "the import works on a copy")

    def end(self, with_signal):
        self.popen.send_signal(with_signal)
        return self.popen.communicate(timeout=20)


# More than is read before the import begins, so that the wait above ends.
PLENTY = sequence(*(feature(number, f"New {number}") for number in range(1, 2000)))


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_leaves_the_old_data_and_nothing_else(database, with_signal):
    assert load(database, sequence(feature(1, "Old"))).returncode == 0

    _, errors = Import(database, PLENTY).end(with_signal)

    assert errors == b"places-import: stopped; the database is as it was\n"
    assert [name for _, name, _, _ in places_in(database)] == ["Old"]
    assert files_in(database.parent) == ["places.sqlite"]


def test_killed_in_the_middle_it_leaves_the_old_data_and_hinders_nobody(database):
    assert load(database, sequence(feature(1, "Old"))).returncode == 0

    Import(database, PLENTY).end(signal.SIGKILL)

    assert [name for _, name, _, _ in places_in(database)] == ["Old"]
    assert load(database, sequence(feature(2, "Next"))).returncode == 0
    assert [name for _, name, _, _ in places_in(database)] == ["Old", "Next"]
    assert files_in(database.parent) == ["places.sqlite"]


def test_a_second_import_at_the_same_time_is_refused(database):
    assert load(database, sequence(feature(1, "Old"))).returncode == 0
    first = Import(database, PLENTY)

    done = load(database, sequence(feature(2)))

    assert done.returncode == 1
    assert "another import is under way" in done.stderr.decode()
    first.popen.stdin.close()
    assert first.popen.wait(timeout=20) == 0
    assert len(places_in(database)) == 1999


def test_a_running_worker_goes_on_during_an_import_and_finds_the_places_after_it(database, make_herd):
    shutil.copy(SHIPPED, database)
    herd = make_herd("Solo", workers=1, places={"database": str(database)}).start()
    client = herd.connect("Solo")
    client.ask(f"IAMAT me {NOWHERE} 1".encode())
    assert client.whatsat(b"me", 10).json["status"] == "ZERO_RESULTS"

    under_way = Import(database, PLENTY)
    assert client.whatsat(b"me", 11).json["status"] == "ZERO_RESULTS"  # another radius: no kept answer
    under_way.end(signal.SIGINT)
    assert load(database, sequence(feature(1, wikidata="Q1", **{"addr:street": "Mole", "addr:city": "Stadt"}))).returncode == 0

    answer = client.whatsat(b"me", 12).json
    assert answer["status"] == "OK"
    assert [(place["place_id"], place["name"], place["types"], place["vicinity"]) for place in answer["results"]] == [
        ("osm:node/1", "Café Meer", ["cafe", "food", "store", "point_of_interest", "establishment"], "Mole, Stadt")]
    assert len(answer["html_attributions"]) == 1 and OSM_CREDIT in answer["html_attributions"][0]


def test_a_new_database_that_cannot_be_opened_is_told_in_the_log_and_the_old_one_serves(database, make_herd):
    load(database, sequence(feature(1)))
    herd = make_herd("Solo", workers=1, places={"database": str(database)}).start()
    client = herd.connect("Solo")
    client.ask(f"IAMAT me {NOWHERE} 1".encode())
    other = database.with_suffix(".other")
    other.write_bytes(b"no database at all")
    other.rename(database)

    answer = client.whatsat(b"me", 12).json
    assert answer["status"] == "OK" and len(answer["results"]) == 1
    wait_until(
        lambda: f'event=provider_failed cause="places database {database}: file is not a database; the one from before is '
                'still in use" count=1'.encode() in herd["places-1"].log(),
        "the worker has logged why it is not used")


def test_a_town_that_was_imported_shows_a_mix_of_what_it_has(database, make_herd):
    kinds = {"restaurant": ("amenity", "restaurant"), "shop": ("shop", "books"), "hotel": ("tourism", "hotel"),
             "museum": ("tourism", "museum"), "station": ("railway", "station"), "bank": ("amenity", "bank"),
             "car park": ("amenity", "parking")}
    counts = {"restaurant": 60, "shop": 60, "hotel": 2, "museum": 2, "station": 1, "bank": 3, "car park": 60}
    features = [feature(1000 * row + number, f"{name} {number}", kinds[name], latitude=0.5 + number / 20000)
                for row, (name, count) in enumerate(counts.items()) for number in range(count)]
    assert load(database, sequence(*features)).returncode == 0
    herd = make_herd("Solo", workers=1, places={"database": str(database)}).start()
    client = herd.connect("Solo")
    client.ask(f"IAMAT me {NOWHERE} 1".encode())

    found = [place["name"].rpartition(" ")[0] for place in client.whatsat(b"me").json["results"]]

    assert len(found) == 20
    assert {name: found.count(name) for name in ("hotel", "museum", "station", "bank")} == {
        "hotel": 2, "museum": 2, "station": 1, "bank": 3}
    assert found.count("restaurant") >= 6 and found.count("shop") >= 5 and found.count("car park") <= 6
