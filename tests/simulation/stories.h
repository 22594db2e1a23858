/* Named lives of small herds: what every reader asks about, and what the random runs found. */
#ifndef TESTS_SIMULATION_STORIES_H
#define TESTS_SIMULATION_STORIES_H

/* Runs those whose name fits the pattern (NULL: all); the number of those that failed. */
int stories_run(const char *pattern);

#endif
