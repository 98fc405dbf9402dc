/* report_label_command.c - `assay report label`: the operator's word on a source.
 *
 * Errors: exit status 64 for a class that is none, 75 if the store is not to be had. */
#include <string.h>

#include "milter/commands/commands.h"
#include "milter/commands/report.h"
#include "milter/commands/terminal.h"
#include "report/in/figures.h"

static bool json_label(void *json, const struct received_label *label)
{
    if (!label->class.n)
        return true;
    json_object(json, NULL);
    json_text(json, "source", label->source);
    json_text(json, "class", label->class);
    json_text(json, "title", label->title);
    json_number(json, "time", label->time);
    json_end(json, '}');
    return true;
}

static bool print_label(void *command, const struct received_label *label)
{
    struct command *c = command;
    if (label->class.n)
        printf("%.*s  %.*s  %.*s\n", STR_ARG(terminal_column(c->arena, label->class, 14)),
               STR_ARG(terminal_column(c->arena, label->source, 40)),
               STR_ARG(str_safe(c->arena, label->title, 100, true)));
    return true;
}

static int list_labels(struct command *c)
{
    struct received *store = NULL;
    struct json j;
    int status = report_open_read(c, &store);
    if (status != EX_OK)
        return status;
    json_begin_array(&j, c->arena);
    if (store && !received_each_label(store, c->json ? json_label : print_label,
                                      c->json ? (void *)&j : (void *)c))
        status = report_store_failed(c, store);
    if (c->json)
        command_print_json_list(&j);
    received_close(store);
    return status;
}

/* It is set all the same: the source may come, or have a label that is taken back. */
static void warn_of_unknown(const struct command *c, struct received *store, struct str source)
{
    if (!received_has_source(store, source))
        command_fail(c, 0,
                     "warning: no report has named a source \"%.*s\" yet: \"assay report sources\" "
                     "has their names",
                     STR_ARG(str_safe(c->arena, source, 200, true)));
}

static int put_label(struct command *c, const struct received_label *label)
{
    struct received *store = NULL;
    int status = report_open_write(c, &store);
    if (status != EX_OK)
        return status;
    if (!received_begin(store) || !received_put_label(store, label) || !received_commit(store))
        status = report_store_failed(c, store);
    else
        warn_of_unknown(c, store, label->source);
    received_close(store);
    return status;
}

static int label_run(struct command *c)
{
    enum source_class class;
    if (!c->n_words)
        return list_labels(c);
    if (c->n_words < 2)
        return command_fail(c, EX_USAGE, "wanted are SOURCE, CLASS and, optionally, NAME");
    struct received_label label = {.source = str_of(c->words[0])};
    if (source_class_of_word(str_of(c->words[1]), &class))
        label.class = str_of(source_class_word(class));
    else if (strcmp(c->words[1], "none") != 0)
        return command_fail(c, EX_USAGE,
                            "\"%s\" is not a class: own, approved, forwarder, unknown, spoof; none "
                            "takes a label back",
                            c->words[1]);
    label.title = c->n_words > 2 ? str_of(c->words[2]) : STR("");
    return put_label(c, &label);
}

const struct command_row report_label_command = {
    .name = "label",
    .brief = "say what a source is",
    .words = "[SOURCE] [CLASS] [NAME]",
    .common = COMMON_CONF | COMMON_JSON,
    .run = label_run,
    .about = "Sets the class of a source: SOURCE CLASS [NAME]. SOURCE is a name that \"assay "
             "report sources\" prints, CLASS is own, approved, forwarder, unknown or spoof; none "
             "removes the label. Without words, lists the labels.",
    .status = "0; 64 a class that is none; 75 the store cannot be opened now.",
};
