/*
 * The places database: what place_writer makes, place_importer adds to and place_store reads, in
 * one file of SQLite.
 *
 *   source  a source of places: the first part of their ids, and the credit it is owed
 *   kind    a kind of place: Google's types for it, and its family (see ranking.h)
 *   place   exact coordinates; the columns that every candidate is judged by come first
 *   place_box  R*Tree of 32-bit coordinates, a box (a point) per place; the same numbers as in
 * `place`
 */
#ifndef PLACES_WORKER_PLACE_SCHEMA_H
#define PLACES_WORKER_PLACE_SCHEMA_H

/* In the file's header: that it is one of these, and which version of the tables below. */
#define PLACE_SCHEMA_APPLICATION_ID 0x48455244 /* "HERD" */
#define PLACE_SCHEMA_VERSION        2

#define PLACE_SCHEMA_TEXT_OF(number)  PLACE_SCHEMA_TEXT_OF_(number)
#define PLACE_SCHEMA_TEXT_OF_(number) #number
#define PLACE_SCHEMA_APPLICATION_TEXT PLACE_SCHEMA_TEXT_OF(PLACE_SCHEMA_APPLICATION_ID)
#define PLACE_SCHEMA_VERSION_TEXT     PLACE_SCHEMA_TEXT_OF(PLACE_SCHEMA_VERSION)

#define PLACE_SCHEMA_HEADER                                                                        \
    "PRAGMA application_id = " PLACE_SCHEMA_APPLICATION_TEXT ";"                                   \
    "PRAGMA user_version = " PLACE_SCHEMA_VERSION_TEXT ";"

#define PLACE_SCHEMA_TABLES                                                                        \
    "CREATE TABLE source ("                                                                        \
    "  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, attribution TEXT NOT NULL);"         \
    "CREATE TABLE kind ("                                                                          \
    "  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, types TEXT NOT NULL,"                \
    "  family INTEGER NOT NULL);"                                                                  \
    "CREATE TABLE place ("                                                                         \
    "  number INTEGER PRIMARY KEY, latitude REAL NOT NULL, longitude REAL NOT NULL,"               \
    "  prominence INTEGER NOT NULL, kind INTEGER NOT NULL REFERENCES kind,"                        \
    "  source INTEGER NOT NULL REFERENCES source, id TEXT NOT NULL, name TEXT NOT NULL,"           \
    "  vicinity TEXT NOT NULL, UNIQUE (source, id));"                                              \
    "CREATE VIRTUAL TABLE place_box USING rtree("                                                  \
    "  number, latitude_min, latitude_max, longitude_min, longitude_max);"

enum {
    PLACE_SCHEMA_SOURCES_MAX = 255,
    PLACE_SCHEMA_KINDS_MAX = 1023,
};

#endif
