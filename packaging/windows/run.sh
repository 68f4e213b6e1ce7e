#!/bin/sh
# Runs a Windows program under wine, in the prefix that packaging/platforms.sh has made.
unset LD_LIBRARY_PATH
WINEDEBUG=-all exec wine "$@"
