#!/bin/bash
# The power goes at any call: of what was not synced each sector and each name
# is old or new by chance.
. "$(dirname "$0")/../lib.sh"
unit journal_faults power_lost_at_any_call journal_once power_lost
