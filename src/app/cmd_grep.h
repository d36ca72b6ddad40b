/* cmd_grep.h - `millrace grep`: search the archives through their index. */
#ifndef MILLRACE_APP_CMD_GREP_H
#define MILLRACE_APP_CMD_GREP_H

/* 0: found, 1: not found, 2: something could not be searched. */
int cmd_grep(int argc, char **argv);

#endif
