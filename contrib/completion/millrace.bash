# bash completion of millrace(1)
_millrace()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local cmd=${COMP_WORDS[1]:-} words=

	COMPREPLY=()
	case $prev in
	-c|--acks|--expect)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--type)		words='c g ms s h d' ;;
	--severity)	words='emerg alert crit err warning notice info debug' ;;
	--facility)	words='kern user mail daemon auth syslog lpr news uucp cron authpriv ftp
			local0 local1 local2 local3 local4 local5 local6 local7' ;;
	--framing)	words='lf octet' ;;
	--format)	words='5424 3164' ;;
	--report)	words='text json' ;;
	--to)		words='udp:// tcp:// unix:// unixgram:// resp:// redis:// relp://' ;;
	esac
	if [ -n "$words" ]; then
		compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi
	if [ "$COMP_CWORD" -eq 1 ]; then
		words='check import explain shadow top tap send flood grep journal read -c --help --version'
	else
		case $cmd in
		check)	words='-c' ;;
		import)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words='statsd carbon-c-relay carbon statsite brubeck'
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
			fi ;;
		explain) words='-c --json statsd graphite syslog resp' ;;
		send)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words='metric log event'
			else
				case ${COMP_WORDS[2]} in
				metric)	words='--type --rate --tag --to' ;;
				log)	words='--app --severity --facility --host --to' ;;
				event)	words='--pid --iid --to --timeout --quiet' ;;
				esac
			fi ;;
		flood)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words='statsd graphite syslog events'
			else
				words='--to --rate --count --time --names --mix --sample-rate
				--per-datagram --gso --size --connections --window --framing --format
				--prefix --pid --plain --reconnect --first --seed --wait --acks
				--expect --report --admin'
			fi ;;
		journal)
			if [ "$COMP_CWORD" -eq 2 ]; then
				words='ls cat verify repair'
			else
				mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
			fi ;;
		grep)	words='--since --until --where --json --stats --format --color
				-F -E -i -c -A -B -C -j' ;;
		tap)	words='-c --admin -n' ;;
		top)	words='-c --admin --once --json -i' ;;
		read)	words='--group' ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
} && complete -F _millrace millrace
