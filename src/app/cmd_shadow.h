/* cmd_shadow.h - `millrace shadow`: the same lines through another relay and
 * through ours, and what differs. */
#ifndef MILLRACE_APP_CMD_SHADOW_H
#define MILLRACE_APP_CMD_SHADOW_H

int cmd_shadow(int argc, char **argv);

#endif
