/* json.h - JSON written for programs: indented, members in the order of the calls. */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include <stdint.h>

#include "base/str.h"

struct json {
    struct strbuf out;
    unsigned depth;
    bool empty; /* nothing stands yet in the innermost object or array */
};

/* Begins with the outermost object open; json_end() as often as something was opened, that object
 * included, then json_str(). A name is NULL in an array. */
void json_begin(struct json *j, struct arena *a);
void json_begin_array(struct json *j, struct arena *a); /* the same with an array */
void json_object(struct json *j, const char *name);
void json_array(struct json *j, const char *name);
void json_end(struct json *j, char bracket); /* '}' or ']' */

/* Text may be anything: what JSON cannot hold as it is is escaped as RFC 8259 7 has it, and in no
 * other way, so that a program reads the text back. Only bytes that are not UTF-8 are lost: each
 * becomes U+FFFD, since no escape stands for a byte. An absent text is null. */
void json_text(struct json *j, const char *name, struct str text);
void json_text_or_null(struct json *j, const char *name, struct str text); /* empty is null, too */

/* An object of texts; an empty one is null. */
struct json_member {
    const char *name;
    struct str text;
};
void json_texts(struct json *j, const char *name, const struct json_member *members, size_t n);

void json_number(struct json *j, const char *name, int64_t number);
void json_bool(struct json *j, const char *name, bool value);

struct str json_str(struct json *j); /* with a line end */

#endif
