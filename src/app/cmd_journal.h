/* cmd_journal.h - `millrace journal`: what is in the journal of events. */
#ifndef MILLRACE_APP_CMD_JOURNAL_H
#define MILLRACE_APP_CMD_JOURNAL_H

/* argv[0] is "journal".  Gives an exit status: 0 when all is well, 1 when
 * something is damaged or missing, 64 for wrong usage, 74 or 75 when it cannot
 * be read or is in use. */
int cmd_journal(int argc, char **argv);

#endif
