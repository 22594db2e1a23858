/* How a node shares the processors of its machine. */
#ifndef HERD_NODE_SCHEDULING_H
#define HERD_NODE_SCHEDULING_H

/*
 * Asks that the threads of this process, and those it makes later, do not interrupt what runs when
 * they wake: gossip that goes round in the herd then waits its turn behind the answer to the client
 * that set it off, and meets more of its kind when it comes. Where the system refuses, all goes on
 * as before.
 */
void scheduling_wait_for_turns(void);

#endif
