/* log_event.h - a syslog message that comes through an event door. */
#ifndef MILLRACE_FRONT_LOG_EVENT_H
#define MILLRACE_FRONT_LOG_EVENT_H

#include "core/ticket.h"
#include "front/door.h"

/* Parse one message and pass it on as an event of the stream that
 * events.relp_stream names.  Its fields are host, app, procid, msgid, facility,
 * severity, time, sd and body, those that it has.  A producer that wants its
 * messages stored once whatever it sends again writes an element of structured
 * data "[evt@PEN pid="NAME" iid="NUMBER"]" (with any PEN).  t waits for it. */
void log_event(struct door *d, struct slice msg, uint32_t flags,
    struct slice peer, struct ticket *t);

#endif
