#!/bin/sh
# Which directory of src may include which: data flows one way.
set -eu
src=${top_srcdir:-.}/src

allowed() {
	case $1 in
	base)	echo base ;;
	record)	echo base record ;;
	proto)	echo base record proto ;;
	conf)	echo base record conf ;;
	core)	echo base record conf core ;;
	net)	echo base net ;;
	front)	echo base record proto conf core net front ;;
	sink)	echo base record proto conf core net sink ;;
	app)	echo base record proto conf core net front sink client app ;;
	client)	echo base proto client ;;
	esac
}

# A header of the system that a layer must not see.
forbidden() {
	case $1 in
	base|record)	echo 'ev\.h|hiredis|microhttpd|sys/socket\.h' ;;
	proto)		echo 'ev\.h|hiredis|microhttpd|sys/socket\.h|time\.h|syslog\.h' ;;
	conf)		echo 'ev\.h|hiredis|microhttpd|sys/socket\.h' ;;
	core)		echo 'ev\.h|hiredis|microhttpd|sys/socket\.h' ;;
	net|front)	echo 'hiredis|microhttpd' ;;
	sink)		echo 'microhttpd' ;;
	client)		echo 'ev\.h|hiredis|microhttpd' ;;
	*)		echo '^$' ;;
	esac
}

bad=0
for dir in base record proto conf core net front sink app client; do
	ok=" $(allowed $dir) "
	[ -d "$src/$dir" ] || continue
	for f in "$src/$dir"/*.[ch]; do
		[ -e "$f" ] || continue
		for inc in $(sed -n 's/^#[[:space:]]*include[[:space:]]*"\([a-z]*\)\/.*/\1/p' "$f" | sort -u); do
			case $ok in
			*" $inc "*) ;;
			*) echo "$f: $dir must not include $inc/" >&2; bad=1 ;;
			esac
		done
		if grep -nE "^#[[:space:]]*include[[:space:]]*<($(forbidden $dir))" "$f" >&2; then
			echo "$f: $dir must not include that" >&2
			bad=1
		fi
	done
done
exit $bad
