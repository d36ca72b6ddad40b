#!/bin/bash
# A new file's name does not survive the power cut unless its directory was
# synced.
. "$(dirname "$0")/../lib.sh"
unit journal_faults fails_for_a_while journal_faults power_lost_at_any_call
