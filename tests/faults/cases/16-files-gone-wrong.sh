#!/bin/bash
# A file of the journal is missing, cut short, zeroed, or there twice.
. "$(dirname "$0")/../lib.sh"
unit journal whole_files journal torn_end journal last_file_unreadable journal_scan stale_records
