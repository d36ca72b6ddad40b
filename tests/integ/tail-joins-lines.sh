#!/bin/bash
# With a pattern of first lines the lines of a message are joined, with bounds:
# so many lines, so many bytes, so long a wait; too long a line is cut, flagged.
. "$(dirname "$0")/lib.sh"
ports ADMIN
mkdir -p "$T/app"
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 1
tail:
  files: ["$T/app/*.txt"]
  multiline: '^\d{4}-'
  multiline_lines: 5
  multiline_wait: 300ms
  max_line: 200
  app: java
  from: end
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "{app}.log", format: json, flush_time: 50ms}
YAML
echo '2026-01-01 old, from before the first start' >"$T/app/a.txt"
start_daemon
{
	printf '2026-01-02 one\n  at two\n  at three\n'
	printf '2026-01-02 alone\r\n'
	printf '2026-01-02 many\n'; seq -f ' line %.0f' 1 7
	printf '2026-01-02 long %s\n' "$(printf 'x%.0s' {1..300})"
	printf '2026-01-02 last\n  of it\n'
} >>"$T/app/a.txt"
bodies() {
	jq -c .body "$T/logs/java.log" 2>/dev/null
}
cat >"$T/want.txt" <<'WANT'
"2026-01-02 one\n  at two\n  at three"
"2026-01-02 alone"
"2026-01-02 many\n line 1\n line 2\n line 3\n line 4"
" line 5\n line 6\n line 7"
WANT
printf '"2026-01-02 long %s"\n"2026-01-02 last\\n  of it"\n' \
    "$(printf 'x%.0s' {1..184})" >>"$T/want.txt"
as_wanted() {
	bodies | cmp -s - "$T/want.txt"
}
within 60 as_wanted || fail "bodies: $(bodies | diff - "$T/want.txt")"
[ "$(jq -c 'select(.body | test("long")) | .flags' "$T/logs/java.log")" = '["truncated"]' ] ||
	fail "the cut line is not flagged"
stop_daemon
