/*
 * One thread for the steps of NNG.
 *
 * NNG carries every message in four to six steps and starts two threads per processor (16 at most)
 * that take them. A step wakes another thread for the next one, and then mostly takes that itself:
 * so each step costs two changes of threads that achieve nothing, and where processors fall asleep
 * in between this is more than all that Herd does (README.md, "NNG"). One thread takes step after
 * step without waking anybody.
 *
 * Thread: the main thread, before it has used NNG and before others begin to make threads.
 */
#ifndef COMMON_TASK_THREADS_H
#define COMMON_TASK_THREADS_H

/*
 * Starts NNG and puts all its task threads but one to sleep for good; there is no other way that
 * both versions of NNG know. Where that does not succeed (no /proc, no memory), more of them stay
 * awake and everything works as well, only slower. A second call does nothing.
 */
void task_threads_leave_one(void);

#endif
