/* cmd_check.h - `millrace check`: is a configuration right? */
#ifndef MILLRACE_APP_CMD_CHECK_H
#define MILLRACE_APP_CMD_CHECK_H

/* argv[0] is "check".  Gives an exit status: 0 when the file is right, 78 when
 * not, 64 for wrong usage. */
int cmd_check(int argc, char **argv);

#endif
