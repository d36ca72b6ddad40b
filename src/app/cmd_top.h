/* cmd_top.h - `millrace top`: what a daemon has to do, as it does it. */
#ifndef MILLRACE_APP_CMD_TOP_H
#define MILLRACE_APP_CMD_TOP_H

int cmd_top(int argc, char **argv);

#endif
