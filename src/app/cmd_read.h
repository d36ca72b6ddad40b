/* cmd_read.h - `millrace read`: a consumer of events. */
#ifndef MILLRACE_APP_CMD_READ_H
#define MILLRACE_APP_CMD_READ_H

/* argv[0] is "read".  Gives an exit status of sysexits.h. */
int cmd_read(int argc, char **argv);

#endif
