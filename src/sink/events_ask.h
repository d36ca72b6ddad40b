/* events_ask.h - questions to the events thread (core/event_ask.h). */
#ifndef MILLRACE_SINK_EVENTS_ASK_H
#define MILLRACE_SINK_EVENTS_ASK_H

#include "sink/events.h"

/* The letter of a question. */
void events_take_ask(struct letter *letter, void *events);
/* Answer those that can be, or may wait no longer. */
void events_answer_asks(struct events *e);
/* Answer all with what there is: the end. */
void events_end_asks(struct events *e);

#endif
