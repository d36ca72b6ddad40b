/* cmd_flood.h - `millrace flood`: the load generator. */
#ifndef MILLRACE_APP_CMD_FLOOD_H
#define MILLRACE_APP_CMD_FLOOD_H

/* argv[0] is "flood".  Gives an exit status: 0 when all that was sent went out
 * and, where there are answers, was acknowledged; 1 when not; 64 for wrong
 * usage; 69 when nobody listens. */
int cmd_flood(int argc, char **argv);

#endif
