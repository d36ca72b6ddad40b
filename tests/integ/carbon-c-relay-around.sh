#!/bin/bash
# Debian's carbon-c-relay in front of us and another one behind: lines go through
# it to us, from us to the one behind, and by carbon_ch into two real
# carbon-caches.  Each point is in whisper, in the file of the cache that the
# relay itself chooses for it, with its time and its value.
. "$(dirname "$0")/lib.sh"
need carbon-c-relay nc
start_carbon one
ONE=$CARBON W1=$WHISPER
start_carbon two
TWO=$CARBON W2=$WHISPER
start_carbon_c_relay behind <<CONF
cluster caches carbon_ch 127.0.0.1:$ONE=a 127.0.0.1:$TWO=b ;
match * send to caches stop ;
CONF
BEHIND=$RELAY
write_conf <<YAML
clusters:
  behind: {servers: ["127.0.0.1:$BEHIND"]}
  direct: {method: carbon_ch, servers: ["127.0.0.1:$ONE=a", "127.0.0.1:$TWO=b"]}
rules:
  - {name: relayed, when: 'kind == metric && name =~ "^relayed\."', to: [behind]}
  - {name: dealt, when: 'kind == metric && name =~ "^dealt\."', to: [direct]}
  - {name: own, when: 'kind == metric', to: []}
YAML
start_daemon
start_carbon_c_relay front <<CONF
cluster us forward 127.0.0.1:$GRAPHITE ;
match ^carbon\. send to blackhole stop ;
match * send to us stop ;
CONF
now=$(date +%s)
{
	for i in $(seq 300); do echo "relayed.m$i $i.25 $now"; done
	for i in $(seq 300); do echo "dealt.m$i -$i $((now - 60))"; done
} >lines.txt
nc -q0 127.0.0.1 "$RELAY" <lines.txt
wait_for 20 "600 points" ledger_is metric graphite received 600
files() {
	find "$1/$2" -name '*.wsp' 2>/dev/null | wc -l
}
all() {	# PREFIX
	[ $(($(files "$W1" "$1") + $(files "$W2" "$1"))) -eq 300 ]
}
wait_for 30 "300 files of points that a relay dealt" all relayed
wait_for 30 "300 files of points that we dealt" all dealt
"$PY" - "$W1" "$W2" "$now" >points.txt <<'PYTHON'
import glob, os, sys, whisper
now = int(sys.argv[3])
for root in sys.argv[1:3]:
    for f in glob.glob(root + "/*/*.wsp"):
        name = os.path.relpath(f, root)[:-4].replace("/", ".")
        if not name.startswith(("relayed.", "dealt.")):
            continue
        (start, _, step), values = whisper.fetch(f, now - 200, now + 5)
        for i, v in enumerate(values):
            if v is not None:
                print("%s %.10g %d" % (name, v, start + i * step))
PYTHON
diff <(sort lines.txt) <(sort points.txt) >diff.log || { head diff.log >&2; fail "the points in whisper"; }
# by the relay's own choice; a ring's choice depends on the name alone
echo "cluster caches carbon_ch 127.0.0.1:$ONE=a 127.0.0.1:$TWO=b ; match * send to caches stop ;" >choice.conf
cut -d' ' -f1 lines.txt | carbon-c-relay -t -f choice.conf 2>/dev/null |
    awk -v one="127.0.0.1:$ONE" '/ -> / { name = $3 } name != "" && $1 ~ /^127/ { print name, ($1 == one ? "one" : "two") }' |
    sort -u >chosen.txt
[ "$(wc -l <chosen.txt)" -eq 600 ] || fail "the relay chose for $(wc -l <chosen.txt) names"
while read -r name place; do
	[ -f "$place/whisper/${name//.//}.wsp" ] || fail "$name is not on $place"
done <chosen.txt
[ "$(grep -c one chosen.txt)" -gt 60 ] && [ "$(grep -c two chosen.txt)" -gt 60 ] || fail "one cache has nearly all"
wait_for 10 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] || fail "something was dropped"
stop_daemon
