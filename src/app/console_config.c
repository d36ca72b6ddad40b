/* console_config.c - the configuration in the reference's words. */
#include "config.h"

#include "app/console.h"
#include "base/buf.h"
#include "conf/conf.h"

static const char *
yes(bool b)
{
	return b ? "true" : "false";
}

static void
put_text(struct buf *out, const char *name, const char *value)
{
	if (value != NULL)
		buf_printf(out, "%s: %s\n", name, value);
}

static void
put_number(struct buf *out, const char *name, uint64_t value)
{
	buf_printf(out, "%s: %llu\n", name, (unsigned long long)value);
}

/* Its first cluster is what the reference calls graphite. */
static void
put_graphite(struct buf *out, const struct conf *c)
{
	const struct conf_cluster *first = c->clusters;

	if (c->nclusters == 0 || first->nservers == 0 ||
	    first->method == CONF_FILE)
		return;
	put_text(out, "graphiteHost", first->servers[0].host);
	put_number(out, first->servers[0].protocol == CONF_PICKLE ?
	    "graphitePicklePort" : "graphitePort", first->servers[0].port);
	put_text(out, "graphiteProtocol",
	    first->servers[0].protocol == CONF_PICKLE ? "pickle" : "text");
}

static void
put_listeners(struct buf *out, const struct conf_statsd *s)
{
	for (size_t i = 0; i < s->listen.n; i++)
		buf_printf(out, "servers > %zu: %s\n", i, s->listen.v[i].url);
	put_text(out, "management", s->management);
	put_text(out, "debug", yes(s->debug));
	put_text(out, "dumpMessages", yes(s->dump_messages));
	put_text(out, "keyNameSanitize", yes(s->sanitize));
}

static void
put_names(struct buf *out, const struct conf_flush *f)
{
	put_text(out, "prefixStats", f->namespace_);
	put_text(out, "graphite > legacyNamespace", yes(f->legacy));
	put_text(out, "graphite > globalPrefix", f->prefix);
	put_text(out, "graphite > prefixCounter", f->prefix_counter);
	put_text(out, "graphite > prefixTimer", f->prefix_timer);
	put_text(out, "graphite > prefixGauge", f->prefix_gauge);
	put_text(out, "graphite > prefixSet", f->prefix_set);
	put_text(out, "graphite > globalSuffix", f->suffix);
}

static void
put_timers(struct buf *out, const struct conf_flush *f)
{
	for (size_t i = 0; i < f->npercentiles; i++)
		buf_printf(out, "percentThreshold > %zu: %s\n", i,
		    f->percentiles[i].text);
	for (size_t i = 0; i < f->nhistograms; i++)
		buf_printf(out, "histogram > %zu: [object Object]\n", i);
	for (size_t i = 0; i < f->timer_metrics.n; i++)
		buf_printf(out, "calculatedTimerMetrics > %zu: %s\n", i,
		    f->timer_metrics.v[i]);
}

void
console_config(const struct conf *c, struct buf *out)
{
	const struct conf_flush *f = &c->flush;

	buf_addc(out, '\n');
	put_graphite(out, c);
	put_listeners(out, &c->statsd);
	put_number(out, "flushInterval", f->interval_ms);
	put_timers(out, f);
	put_text(out, "flush_counts", yes(f->flush_counts));
	put_names(out, f);
	put_number(out, "keyFlush > interval", f->key_flush.interval_ms);
	put_number(out, "keyFlush > percent", f->key_flush.percent);
	put_text(out, "keyFlush > log", f->key_flush.log);
	put_number(out, "gaugesMaxTTL", f->gauges_ttl);
	put_text(out, "deleteIdleStats", yes(f->delete_idle));
	put_text(out, "deleteCounters", yes(f->delete_counters));
	put_text(out, "deleteTimers", yes(f->delete_timers));
	put_text(out, "deleteSets", yes(f->delete_sets));
	put_text(out, "deleteGauges", yes(f->delete_gauges));
}
