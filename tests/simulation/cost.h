/* What a report costs on the wires of the herd that is shipped as the default, idle and loaded. */
#ifndef TESTS_SIMULATION_COST_H
#define TESTS_SIMULATION_COST_H

/* Prints messages, bytes and copies per report; 0, or 1 where the herd did not work. */
int cost_print(void);

#endif
