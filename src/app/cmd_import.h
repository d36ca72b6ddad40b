/* cmd_import.h - `millrace import`. */
#ifndef MILLRACE_APP_CMD_IMPORT_H
#define MILLRACE_APP_CMD_IMPORT_H

/* Print a millrace.yaml that does what a foreign configuration does. */
int cmd_import(int argc, char **argv);

#endif
