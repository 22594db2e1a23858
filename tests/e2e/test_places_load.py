"""places-load makes a whole database or none, and says which line is at fault."""

import sqlite3
import subprocess

import pytest

from support.herd import BUILD

HEADER = "kind\tid\tname\tlatitude\tlongitude\tprominence\tvicinity\tcountry\n"
WESTWOOD = "neighborhood\tgeonames:5408522\tWestwood\t34.05612\t-118.43063\t2019\tLos Angeles County, California\tUS\n"
PAD = "heliport\tourairports:US-0598\tHelistop\t34.066739\t-118.446532\t0\tLos Angeles, California\tUS\n"


def load(database, text):
    return subprocess.run([BUILD / "bin" / "places-load", "--database", database], input=text.encode(),
                          capture_output=True, timeout=60)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "places.sqlite"


def names_in(database):
    with sqlite3.connect(database) as connection:
        return sorted(name for name, in connection.execute("SELECT name FROM place"))


def test_places_are_loaded_and_counted(database):
    done = load(database, HEADER + WESTWOOD + PAD)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{database}: 2 places\n"
    assert names_in(database) == ["Helistop", "Westwood"]


def test_loading_again_replaces_what_was_there(database):
    assert load(database, HEADER + WESTWOOD).returncode == 0
    assert load(database, HEADER + PAD).returncode == 0
    assert names_in(database) == ["Helistop"]


@pytest.mark.parametrize("text, line, cause", [
    ("", 0, "the input ends here, and not as a file of places does"),
    (HEADER[:-1], 0, "the input ends here, and not as a file of places does"),
    ("name\tid\n", 1, "is not the header of places.tsv"),
    (HEADER, 1, "the input ends here, and not as a file of places does"),
    (HEADER + WESTWOOD[:-1], 1, "the input ends here, and not as a file of places does"),
    (HEADER + WESTWOOD + PAD.replace("heliport", "castle"), 3, "malformed"),
    (HEADER + WESTWOOD + WESTWOOD, 3, "this id was there before"),
    (HEADER + WESTWOOD.replace("34.05612", "94.05612"), 2, "out of range"),
    (HEADER + WESTWOOD + "x" * 100000, 3, "a limit is reached"),
], ids=["nothing", "half a header", "another header", "no places", "half a line", "another kind", "the same twice",
        "no place on the Earth", "an endless line"])
def test_a_fault_is_told_with_its_line_and_leaves_what_was_there(database, text, line, cause):
    assert load(database, HEADER + PAD).returncode == 0
    done = load(database, text)

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"places-load: line {line}: {cause}\n"
    assert names_in(database) == ["Helistop"]
    assert [path.name for path in database.parent.iterdir()] == ["places.sqlite"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    done = load(tmp_path / "nowhere" / "places.sqlite", HEADER + WESTWOOD)

    assert done.returncode == 1
    assert f"{tmp_path}/nowhere/places.sqlite.new: unable to open" in done.stderr.decode()
