/* value.h - option values from text and back. */
#ifndef ASSAY_CONF_VALUE_H
#define ASSAY_CONF_VALUE_H

#include "conf/conf.h"
#include "conf/options.h"

/* "0.4s" to milliseconds, "64M" to bytes, "0660" to 0660. NULL, or a phrase saying what is wrong.
 */
const char *duration_parse(struct str text, int64_t *ms);
const char *size_parse(struct str text, uint64_t *bytes);
const char *share_parse(struct str text, double *share); /* "0.01" */
const char *mode_parse(struct str text, unsigned *mode);

struct str duration_format(struct arena *a, int64_t ms);
struct str size_format(struct arena *a, uint64_t bytes);
struct str share_format(struct arena *a, double share); /* nine decimals at most */

/* Sets a field from text; for a list type adds one element. False and *problem (what is wrong and
 * what is allowed, in `a`) if the text is no value of the option or out of its bounds. */
bool value_set(struct conf *conf, const struct conf_option *o, struct str text, struct arena *a,
               struct str *problem);

/* Adds an element to a list. NULL, or what is wrong with it, as a phrase behind it in quotes. */
const char *value_add(struct conf *conf, const struct conf_option *o, struct str text,
                      struct arena *a);

/* Empties a list and marks it as set. */
void value_clear_list(struct conf *conf, const struct conf_option *o);

/* A list of domains up to this is read from its beginning. */
#define CONF_SHORT_LIST 16

/* The field of a list of networks. */
const struct netset *value_nets(const struct conf *conf, const struct conf_option *o);

/* When all elements of a list are added: makes it fast to ask, however long. */
void value_finish_list(struct conf *conf, const struct conf_option *o);

/* Sets every field to its default. */
void value_set_defaults(struct conf *conf);

/* A text in the file's syntax, with its quotes. */
struct str value_quote(struct arena *a, struct str text);

/* A list in the file's syntax; STR_NONE if it is absent. */
struct str value_show_list(struct arena *a, const struct conf_strings *list);

/* The field in the file's syntax; STR_NONE if it is absent. */
struct str value_show(const struct conf *conf, const struct conf_option *o, struct arena *a);

#endif
