/* cmd_explain.h - `millrace explain`. */
#ifndef MILLRACE_APP_CMD_EXPLAIN_H
#define MILLRACE_APP_CMD_EXPLAIN_H

/* What becomes of a line, and why. */
int cmd_explain(int argc, char **argv);

#endif
