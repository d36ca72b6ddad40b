/* admin_get.h - asking a running daemon's admin page, from its commands. */
#ifndef MILLRACE_APP_ADMIN_GET_H
#define MILLRACE_APP_ADMIN_GET_H

#include <stddef.h>
#include <stdio.h>

/* Where the page is: url, "host:port", or NULL for what the configuration in
 * conf_path says (NULL: the embedded defaults).  GET path of it.  Gives the
 * answer's body, to be closed with fclose(), or NULL with why in error. */
FILE *admin_get(const char *url, const char *conf_path, const char *path,
    char *error, size_t size);

#endif
