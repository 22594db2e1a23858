"""The shipped places: what a person finds there, everywhere on the Earth, in Google's form and with its sources named."""

import json

import pytest

UCLA = "+34.068930-118.445127"


@pytest.fixture(scope="module", params=["prominence", "distance"])
def asked(request, make_lasting_herd):
    """asked(location, km, bound) is the JSON of WHATSAT; asked.rank how it is ordered."""
    herd = make_lasting_herd("Solo", workers=1, places={"rank": request.param}).start()
    client = herd.connect("Solo")
    stamps = iter(range(1, 1000))

    def ask(location, km=10, bound=20):
        client.ask(f"IAMAT me {location} {next(stamps)}".encode())
        return client.whatsat(b"me", km, bound).json

    ask.rank = request.param
    return ask


def names(answer):
    return [place["name"] for place in answer["results"]]


def test_a_person_at_ucla_finds_where_that_is(asked):
    found = names(asked(UCLA))

    assert len(found) == 20
    assert {"Westwood", "Bel Air", "Century City"} <= set(found)
    if asked.rank == "prominence":
        assert {"Beverly Hills", "Santa Monica", "Santa Monica Municipal Airport"} <= set(found[:6])
        assert sum("Heli" in name for name in found) <= 6
    else:
        assert found[:2] == ["Ronald Reagan UCLA Medical Center Helistop", "UCLA Emergency Medicine Department Heliport"]


@pytest.mark.parametrize("location, name", [
    ("+48.8566+2.3522", "Paris"), ("+35.6812+139.7671", "Tokyo"), ("-1.2864+36.8172", "Nairobi"),
    ("-33.8688+151.2093", "Sydney"), ("+34.0522-118.2437", "Los Angeles"), ("-23.5505-46.6333", "São Paulo")])
@pytest.mark.parametrize("km", [10, 50])
def test_great_cities_are_first_where_one_stands_in_them(asked, location, name, km):
    found = names(asked(location, km, 5 if asked.rank == "prominence" else 20))
    if asked.rank == "prominence":
        assert found[0] == name
    else:
        assert found


@pytest.mark.parametrize("location", ["-16.8+179.99", "-16.8-179.99", "-16.8+180", "-16.8-180"])
def test_the_date_line_is_no_edge(asked, location):
    longitudes = {place["geometry"]["location"]["lng"] > 0 for place in asked(location, 50)["results"]}
    assert longitudes == {True, False}


def test_the_south_pole_has_its_airport(asked):
    assert any("South Pole" in name for name in names(asked("-90+0", 50)))


@pytest.mark.parametrize("bound", [0, 1, 5, 20])
def test_the_bound_holds(asked, bound):
    answer = asked(UCLA, 10, bound)
    assert answer["status"] == "OK" and len(answer["results"]) == bound


@pytest.mark.parametrize("location, km", [("+0-30", 50), (UCLA, 0)])
def test_where_nothing_is_there_are_zero_results(asked, location, km):
    assert asked(location, km) == {"html_attributions": [], "results": [], "status": "ZERO_RESULTS"}


def test_a_place_has_what_is_known_of_it_and_nothing_else(asked):
    place = next(place for place in asked("+34.05612-118.43063", 1)["results"] if place["name"] == "Westwood")
    assert place == {
        "geometry": {"location": {"lat": 34.05612, "lng": -118.43063}},
        "name": "Westwood",
        "place_id": "geonames:5408522",
        "plus_code": {"global_code": "85633H49+CP"},
        "reference": "geonames:5408522",
        "types": ["neighborhood", "political"],
        "vicinity": "Los Angeles County, California",
    }


def test_each_source_of_the_results_is_credited_and_no_other(asked):
    credits = {"geonames": "GeoNames", "citiesjson": "GeoNames", "ourairports": "OurAirports",
               "trainline": "trainline-eu/stations"}
    for location in (UCLA, "+48.8566+2.3522", "-1.2864+36.8172"):
        answer = asked(location)
        sources = {credits[place["place_id"].partition(":")[0]] for place in answer["results"]}
        credited = json.dumps(answer["html_attributions"])
        assert len(answer["html_attributions"]) == len(sources)
        assert all(f">{source}</a>" in credited for source in sources)
