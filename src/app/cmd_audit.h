/* cmd_audit.h - `millrace audit`: was any event lost, doubled or misplaced? */
#ifndef MILLRACE_APP_CMD_AUDIT_H
#define MILLRACE_APP_CMD_AUDIT_H

/* argv[0] is "audit".  Gives an exit status of sysexits.h; judge: 0 when all is
 * well, 65 when not. */
int cmd_audit(int argc, char **argv);

#endif
