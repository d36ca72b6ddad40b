# Files of contrib.
EXTRA_DIST += contrib .dockerignore
