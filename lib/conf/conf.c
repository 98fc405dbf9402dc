/* conf.c - assay.conf: read, checked, freed.
 *
 * Errors: NULL, and complaints with file and line. */
#include "conf/conf.h"

#include <libconfig.h>
#include <stdarg.h>

#include "conf/check.h"
#include "conf/options.h"
#include "conf/source.h"
#include "conf/value.h"
#include "conf/walk.h"

void conf_problems_init(struct conf_problems *p, struct arena *a)
{
    *p = (struct conf_problems){.arena = a};
}

void conf_problem(struct conf_problems *p, struct conf_place place, const char *format, ...)
{
    struct strbuf b;
    va_list args;
    sb_init(&b, p->arena);
    if (place.file)
        sb_printf(&b, "%s:", place.file);
    if (place.file && place.line)
        sb_printf(&b, "%u:", place.line);
    if (b.n)
        sb_addc(&b, ' ');
    va_start(args, format);
    sb_vprintf(&b, format, args);
    va_end(args);
    if ((p->n & (p->n - 1)) == 0) { /* full: room is the next power of two */
        size_t room = p->n ? 2 * p->n : 1;
        p->v = arena_grow(p->arena, p->v, p->n * sizeof *p->v, room * sizeof *p->v);
    }
    p->v[p->n++] = sb_str(&b);
}

struct conf_place conf_place_of(const struct conf *conf, const char *name)
{
    const struct conf_option *o = option_find(str_of(name));
    return o ? conf->places[o - options] : (struct conf_place){0};
}

static void conf_free_libconfig(void *config)
{
    config_destroy(config);
}

static void parse_source(struct walk *w, struct conf_source *source)
{
    config_t *config = arena_make(w->scratch, config_t);
    if (source->endless)
        return;
    config_init(config);
    arena_defer(w->scratch, conf_free_libconfig, config);
    if (config_read_string(config, sb_str(&source->text).p)) {
        walk_settings(w, config_root_setting(config));
    } else if (w->problems->n) {
        return; /* it follows from what was said */
    } else if (source->hint_place.file) {
        conf_problem(w->problems, source->hint_place, "%.*s", STR_ARG(source->hint));
    } else {
        conf_problem(w->problems, source_place(source, (unsigned)config_error_line(config)),
                     "%s, here or just before: look for a missing quote, brace, comma or semicolon",
                     config_error_text(config));
    }
}

static struct conf *build(struct conf_source *source, struct str path,
                          struct conf_problems *problems, struct arena *arena,
                          struct arena *scratch)
{
    struct conf *conf = arena_make(arena, struct conf);
    struct conf_place *places = arena_array(arena, struct conf_place, options_count);
    conf->arena = arena;
    conf->path = path;
    conf->places = places;
    value_set_defaults(conf);
    struct walk w = {
        .conf = conf, .places = places, .problems = problems, .source = source, .scratch = scratch};
    parse_source(&w, source);
    conf_check(conf, problems, scratch);
    return conf;
}

/* From the file `path`, or from text where that is absent. */
static struct conf *read_conf(const char *path, struct str text, struct conf_problems *problems)
{
    struct arena *arena = arena_new(0), *scratch = arena_new(0);
    struct conf_source source;
    size_t before = problems->n;
    source_init(&source, scratch, arena, problems);
    if (path)
        source_add_file(&source, str_of(path));
    else
        source_add_text(&source, text, "text");
    struct conf *conf = build(&source, str_copy(arena, str_of(path)), problems, arena, scratch);
    conf->doubts = source.doubts;
    arena_free(scratch);
    if (problems->n > before) {
        for (size_t i = 0; i < conf->doubts.n; i++) /* of what the problems may come from */
            conf_problem(problems, (struct conf_place){0}, "%.*s", STR_ARG(conf->doubts.v[i]));
        problems->control = str_copy(problems->arena, conf->control);
        arena_free(arena);
        return NULL;
    }
    netset_init(&conf->host_addresses, conf->arena);
    conf_fill_authserv_id(conf);
    return conf;
}

struct conf *conf_load(const char *path, struct conf_problems *problems)
{
    struct conf *conf = read_conf(path, STR(""), problems);
    if (conf)
        conf_fill_host_addresses(conf);
    return conf;
}

struct conf *conf_parse(struct str text, struct conf_problems *problems)
{
    return read_conf(NULL, text, problems);
}

void conf_free(struct conf *conf)
{
    if (conf)
        arena_free(conf->arena);
}
