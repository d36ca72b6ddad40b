/* cmd_send.h - `millrace send`: one metric, log or event from a shell. */
#ifndef MILLRACE_APP_CMD_SEND_H
#define MILLRACE_APP_CMD_SEND_H

/* argv[0] is "send".  Gives an exit status of sysexits.h: 0 done (for an
 * event: it is stored, its id was printed), 64 wrong usage, 65 refused for
 * what it is, 75 not now, try again, 77 not allowed. */
int cmd_send(int argc, char **argv);

#endif
