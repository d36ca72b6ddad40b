#!/bin/bash
# What real senders send arrives with its fields: rsyslogd by UDP, TCP, TLS,
# RELP and RELP over TLS, syslog-ng, two npm packages, Python's handler.
. "$(dirname "$0")/lib.sh"
need rsyslogd jq
make_cert server
ports UDP TLS RELP RELPS ADMIN FEED
cat >"$T/millrace.yaml" <<YAML
state_dir: $T/state
workers: 1
syslog:
  listen: ["udp://127.0.0.1:$UDP", "tcp://127.0.0.1:$UDP", "tls://127.0.0.1:$TLS", "relp://127.0.0.1:$RELP", "relps://127.0.0.1:$RELPS", "unix://$T/stream.sock", "unixgram://$T/gram.sock"]
  tls: {cert: $T/server.pem, key: $T/server.key}
admin:
  listen: http://127.0.0.1:$ADMIN
archives:
  logs: {dir: "$T/logs", file: "all.log", format: json, flush_time: 50ms}
YAML
start_daemon

# arrives WHAT JQ-CONDITION
arrived() {
	jq -se "any(.[]; $1)" "$T/logs/all.log"
}
arrives() {
	wait_for "${PATIENCE:-60}" "$1" arrived "$2"
}

# ---- rsyslogd, by each way
have() {
	find /usr/lib*/ -path "*rsyslog*" -name "$1.so" -print -quit 2>/dev/null | seen .
}
{
	cat <<CONF
module(load="imptcp")
global(workDirectory="$T" defaultNetstreamDriverCAFile="$T/ca.pem")
input(type="imptcp" port="$FEED" address="127.0.0.1")
template(name="way" type="string" string="<%pri%>1 %timestamp:::date-rfc3339% %hostname% %app-name% %procid% %msgid% %structured-data% %\$!way% %msg%")
set \$!way = "udp"; action(type="omfwd" target="127.0.0.1" port="$UDP" protocol="udp" template="way")
set \$!way = "tcp"; action(type="omfwd" target="127.0.0.1" port="$UDP" protocol="tcp" template="way")
set \$!way = "octets"; action(type="omfwd" target="127.0.0.1" port="$UDP" protocol="tcp" tcp_framing="octet-counted" template="way")
action(type="omfwd" target="127.0.0.1" port="$UDP" protocol="tcp" template="RSYSLOG_TraditionalForwardFormat")
CONF
	for driver in gtls ossl; do
		have lmnsd_$driver || continue
		cat <<CONF
set \$!way = "$driver"; action(type="omfwd" target="127.0.0.1" port="$TLS" protocol="tcp" tcp_framing="octet-counted" StreamDriver="$driver" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid" template="way")
CONF
	done
	have omrelp && cat <<CONF
module(load="omrelp" tls.tlslib="openssl")
set \$!way = "relp"; action(type="omrelp" target="127.0.0.1" port="$RELP" template="way")
set \$!way = "relps"; action(type="omrelp" target="127.0.0.1" port="$RELPS" template="way" tls="on" tls.cacert="$T/ca.pem" tls.authmode="certvalid")
CONF
} >"$T/rsyslog.in"
start_rsyslog sender <"$T/rsyslog.in"
wait_for 20 "rsyslogd" tcp_open "$FEED"
echo '<165>1 2026-01-02T03:04:05.678901Z web1 app 42 ID7 [ex@32473 k="v"] hello from rsyslog' \
    >"/dev/tcp/127.0.0.1/$FEED"
ways="udp tcp octets"
have lmnsd_gtls && ways="$ways gtls"
have lmnsd_ossl && ways="$ways ossl"
have omrelp && ways="$ways relp relps"
for way in $ways; do
	arrives "rsyslog by $way" ".body == \"$way hello from rsyslog\" and .host == \"web1\" and
	    .app == \"app\" and .procid == \"42\" and .msgid == \"ID7\" and .facility == \"local4\" and
	    .severity == \"notice\" and .sd[0].params[0] == [\"k\", \"v\"] and (.time | startswith(\"2026-01-02T03:04:05.678901\"))"
done
arrives "rsyslog, traditional" '.body == "hello from rsyslog" and .app == "app" and .host == "web1" and .severity == "notice"'
say "rsyslog: $ways"

# ---- Python's handler
"$PY" - "$UDP" "$T" <<'PYTHON'
import logging, logging.handlers as h, socket, sys
port, t = int(sys.argv[1]), sys.argv[2]
for name, kw in (("udp", dict(address=("127.0.0.1", port))),
                 ("tcp", dict(address=("127.0.0.1", port), socktype=socket.SOCK_STREAM)),
                 ("gram", dict(address=t + "/gram.sock")),
                 ("stream", dict(address=t + "/stream.sock", socktype=socket.SOCK_STREAM))):
    s = h.SysLogHandler(facility="daemon", **kw)
    s.ident = "pyapp: "
    log = logging.getLogger(name)
    log.addHandler(s)
    log.error("python by %s\nsecond line", name)
    s.close()
PYTHON
for way in udp tcp gram stream; do
	more='\nsecond line'
	[ $way = tcp ] && more=	# where a line is a message
	arrives "Python by $way" ".body == \"python by $way$more\" and .app == \"pyapp\" and
	    .facility == \"daemon\" and .severity == \"err\""
done

# ---- syslog-ng
if syslog_ng; then
	cat >"$T/ng.conf" <<CONF
@version: 3.35
options { keep-hostname(yes); };
source s { file("$T/ng.txt" flags(no-parse) follow-freq(0.2) program-override("ngapp")); };
destination d {
	network("127.0.0.1" port($UDP) transport("udp"));
	network("127.0.0.1" port($UDP) transport("tcp"));
	syslog("127.0.0.1" port($UDP) transport("tcp") persist-name("third"));
	syslog("127.0.0.1" port($TLS) transport("tls") tls(ca-file("$T/ca.pem") peer-verify(yes)));
};
log { source(s); destination(d); };
CONF
	echo 'hello from syslog-ng' >"$T/ng.txt"
	LD_LIBRARY_PATH=${SYSLOG_NG_LIBS:-} start syslog-ng "$SYSLOG_NG" -F --no-caps \
	    ${SYSLOG_NG_MODULES:+--module-path "$SYSLOG_NG_MODULES"} -f "$T/ng.conf" \
	    -p "$T/ng.pid" -c "$T/ng.ctl" -R "$T/ng.persist"
	four() {
		[ "$(jq -c 'select(.body == "hello from syslog-ng" and .app == "ngapp")' "$T/logs/all.log" | wc -l)" = 4 ]
	}
	wait_for 60 "syslog-ng by four ways" four
else
	say "no syslog-ng here"
fi

# ---- npm's clients
(npm_peers npm-syslog; echo "$NPM" >"$T/npm-path")
if [ -s "$T/npm-path" ]; then
	here=$(dirname "$0")
	case $here in /*) ;; *) here=$OLDPWD/$here ;; esac
	start node node "$here/npm-syslog/send.js" "$(cat "$T/npm-path")" "$UDP"
	for way in 'udp 3164' 'udp 5424' 'tcp 3164' 'tcp 5424'; do
		body="client $way"	# RFC 3164 has it as tag and text
		[ "${way#* }" = 3164 ] && body=$way
		arrives "syslog-client $way" ".body == \"$body\" and .facility == \"local0\" and
		    .severity == \"err\" and .host == \"npmhost\""
	done
	for way in 'udp BSD' 'udp 5424' 'tcp BSD' 'tcp 5424'; do
		arrives "winston-syslog $way" "(.body | contains(\"winston $way\")) and
		    .severity == \"warning\" and .host == \"npmhost\" and .app == \"winston\""
	done
else
	say "no npm here"
fi
for s in syslog relp; do
	wait_for 10 "the ledger of $s" ledger_closes log $s
done
stop_daemon
