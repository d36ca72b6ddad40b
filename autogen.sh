#!/bin/sh
# Make configure from a checkout.
cd "$(dirname "$0")" && mkdir -p m4 build-aux && exec autoreconf -fi
