/* cmd_tap.h - `millrace tap`: records as they pass. */
#ifndef MILLRACE_APP_CMD_TAP_H
#define MILLRACE_APP_CMD_TAP_H

int cmd_tap(int argc, char **argv);

#endif
